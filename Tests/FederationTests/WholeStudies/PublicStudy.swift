import Cryptography
import Federation
import Foundation
import ReferenceStudies
import Survival

/// A study of public patients that the end-to-end tests run through real processes; see their README for the data's origin.
struct PublicStudy {
    let plan: StudyPlan
    let tables: [(site: String, table: PatientTable)]
    /// R's results by analysis.
    let expected: JSONValue

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../EndToEndTests/Data").standardized

    init(_ name: String) throws {
        func text(_ path: String) throws -> String {
            try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
        }
        let study = try text("studies/\(name).yaml")
        let dictionary = try DataDictionary(yaml: text("dictionaries/\(name).yaml"), file: "\(name).yaml")
        plan = try StudyPlan(
            study: StudyFile(yaml: study, file: "\(name).yaml"), dictionary: dictionary,
            hash: SHA256Digest(of: study.utf8))
        tables = try plan.study.sites.map { site in
            (
                site,
                try CSVTable(contentsOf: Self.folder.appending(path: "\(name)/\(site).csv")).patients(
                    dictionary)
            )
        }
        let results = try Data(contentsOf: Self.folder.appending(path: "expected.json"))
        expected = try JSONDecoder().decode(JSONValue.self, from: results)["studies"][name]
    }
}

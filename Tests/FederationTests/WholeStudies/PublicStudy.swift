import Cryptography
import Federation
import Foundation
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
            (site, try Self.table(text("\(name)/\(site).csv"), dictionary))
        }
        let results = try Data(contentsOf: Self.folder.appending(path: "expected.json"))
        expected = try JSONDecoder().decode(JSONValue.self, from: results)["studies"][name]
    }

    /// A person a row; the cells have no quotes.
    private static func table(_ csv: String, _ dictionary: DataDictionary) throws -> PatientTable {
        let lines = csv.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let rows = lines.dropFirst()
        var columns: [String: Column] = [:]
        for variable in dictionary.variables {
            guard let index = lines[0].firstIndex(of: variable.column) else { continue }
            let cells = rows.map { $0[index] }
            switch variable.kind {
            case .number: columns[variable.name] = .number(cells.map { Double($0) ?? .nan })
            case .boolean: columns[variable.name] = .boolean(cells.map { Double($0) ?? .nan })
            case .category(let levels, _):
                columns[variable.name] = .category(cells.map { Int32(levels.firstIndex(of: $0) ?? -1) })
            case .identifier: break
            }
        }
        return PatientTable(
            rowCount: rows.count, person: rows.indices.map { Int32($0 - 1) }, columns: columns)
    }
}

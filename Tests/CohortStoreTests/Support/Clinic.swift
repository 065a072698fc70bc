import CohortStore
import Survival
import TestFiles

/// A small dictionary with a variable of every kind, and files for it.
enum Clinic {
    static let dictionary = DataDictionary(
        name: "clinic", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier, column: "Patient ID"),
            .init(
                name: "months", kind: .number(lower: 0, upper: 240, resolution: 0.1), unit: "months",
                isRequired: true),
            .init(name: "died", kind: .boolean, missing: ["9"], isRequired: true),
            .init(
                name: "sex", kind: .category(levels: ["female", "male"], reference: "female"), column: "Sex",
                missing: ["?"]),
            .init(name: "response", kind: .category(levels: ["CR", "PR", "SD", "PD"], reference: "CR")),
            .init(
                name: "tumour_cm", kind: .number(lower: 0, upper: 30, resolution: nil), unit: "cm",
                missing: ["-9", "NA"]),
        ])
    /// The same under the next version.
    static var next: DataDictionary {
        var next = dictionary
        next.version = 2
        return next
    }

    static let text = "dictionary: clinic\nversion: 1\n"
    static let header = "Patient ID,months,died,Sex,response,tumour_cm"

    /// A store with the dictionary installed, in a folder.
    static func store(in folder: TemporaryFolder, name: String = "cohort.sqlite") throws -> CohortStore {
        try CohortStore.create(at: folder.file(name))
        let store = try CohortStore(path: folder.file(name), access: .importing)
        try store.install(dictionary, text: text)
        return store
    }

    /// A file of the header and these lines.
    static func csv(_ lines: [String]) -> String { ([header] + lines).joined(separator: "\n") + "\n" }

    /// Imports these lines by way of a file in the folder.
    static func importLines(
        into store: CohortStore, _ folder: TemporaryFolder, _ lines: [String], replacing: Bool = false
    ) throws {
        let path = try folder.write(csv(lines), to: "patients.csv")
        _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: replacing)
    }

    static let lines = [
        "A1,5.9,1,female,PD,3.5",
        "A2,12,0,male,CR,NA",
        "A1,7.0,yes,female,SD,-9.0",
        "A3,0,FALSE,?,,12",
    ]
}

extension CohortStore {
    /// A verified table without its digest.
    func table(dictionary: String, variables: [String]) throws(StoreError) -> PatientTable {
        try verifiedTable(dictionary: dictionary, variables: variables).table
    }
}

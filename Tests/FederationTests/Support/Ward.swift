import Cryptography
import Federation
import Foundation
import ReferenceStudies
import Survival

/// A made-up cohort for the tests: its dictionary, its patients, and studies of them.
enum Ward {
    static let dictionary = DataDictionary(
        name: "ward", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(
                name: "months", kind: .number(lower: 0, upper: 60, resolution: 1), unit: "month",
                isAllowedInFilters: false),
            .init(name: "entered", kind: .number(lower: 0, upper: 60, resolution: 1), unit: "month"),
            .init(name: "died", kind: .boolean, isAllowedInTerms: false),
            .init(name: "age", kind: .number(lower: 18, upper: 100, resolution: 1)),
            .init(name: "marker", kind: .number(lower: -10, upper: 10, resolution: nil)),
            .init(name: "frail", kind: .boolean),
            .init(name: "stage", kind: .category(levels: ["I", "II", "III"], reference: "I")),
            .init(name: "hospital", kind: .category(levels: ["a", "b", "c", "d", "e"], reference: "a")),
            .init(name: "share", kind: .number(lower: 0.1, upper: 10, resolution: nil)),
            .init(name: "exposure", kind: .number(lower: 0.1, upper: 10, resolution: nil)),
            .init(name: "response", kind: .boolean, isMeasuredAfterTimeZero: true),
        ])

    /// The dictionary with a unit, and perhaps a grid, of its times.
    static func measured(in unit: String?, grid: Double? = nil) -> DataDictionary {
        var dictionary = dictionary
        for index in dictionary.variables.indices
        where ["months", "entered"].contains(dictionary.variables[index].name) {
            (dictionary.variables[index].unit, dictionary.variables[index].grid) = (unit, grid)
        }
        return dictionary
    }

    /// A study with these lines after the head; `sites` are named `site-1` and so on.
    static func study(sites: Int = 3, start: String? = nil, _ lines: String) -> String {
        let entry = start.map { "start: \($0), " } ?? ""
        return """
            study: ward
            dictionary: ward@1
            sites: [\(names(sites).joined(separator: ", "))]
            endpoint: {time: months, \(entry)event: died, unit: month}
            \(lines)
            """
    }

    static func names(_ count: Int) -> [String] { (0..<count).map { "site-\($0 + 1)" } }

    static func plan(_ study: String, dictionary: DataDictionary = dictionary) throws -> StudyPlan {
        try StudyPlan(
            study: StudyFile(yaml: study, file: "study.yaml"), dictionary: dictionary,
            hash: SHA256Digest(of: study.utf8))
    }
}

/// One row of the ward; NaN and -1 are missing.
struct Patient {
    var person = 0
    var months = 1.0
    var entered = 0.0
    var died = 1.0
    var age = 60.0
    var marker = 0.0
    var frail = 0.0
    var stage = 0
    var hospital = 0
    var share = 1.0
    var exposure = 1.0
    var response = 0.0

    /// Rows with many tied times, effects of age, marker, frailty and stage, about a third censored.
    static func random(_ count: Int, seed: UInt64) -> [Patient] {
        var random = SeededGenerator(seed)
        return (0..<count).map { index in
            func uniform() -> Double { Double.random(in: 0..<1, using: &random) }
            var patient = Patient(person: index)
            patient.age = (40 + 45 * uniform()).rounded()
            patient.marker = 4 * (uniform() + uniform() + uniform() - 1.5)
            patient.frail = uniform() < 0.4 ? 1 : 0
            patient.stage = Int(3 * uniform())
            patient.hospital = Int(5 * uniform())
            patient.share = 0.5 + uniform()
            patient.exposure = 0.5 + uniform()
            patient.response = uniform() < 0.5 ? 1 : 0
            let risk = 0.04 * (patient.age - 60) + 0.3 * patient.marker + 0.5 * patient.frail
            let hazard = exp(risk + 0.4 * Double(patient.stage))
            patient.entered = (5 * uniform()).rounded(.down)
            let survival = -log(1 - uniform()) * 12 / hazard
            let censoring = 5 + 40 * uniform()
            patient.months = min(60, patient.entered + 1 + min(survival, censoring).rounded(.down))
            patient.died = survival <= censoring ? 1 : 0
            return patient
        }
    }
}

extension PatientTable {
    init(_ patients: [Patient]) {
        func numbers(_ value: (Patient) -> Double) -> Column { .number(patients.map(value)) }
        func booleans(_ value: (Patient) -> Double) -> Column { .boolean(patients.map(value)) }
        var indices: [Int: Int32] = [:]
        for patient in patients where indices[patient.person] == nil {
            indices[patient.person] = Int32(indices.count)
        }
        self.init(
            rowCount: patients.count, person: patients.map { indices[$0.person] ?? 0 },
            columns: [
                "months": numbers(\.months), "entered": numbers(\.entered), "died": booleans(\.died),
                "age": numbers(\.age), "marker": numbers(\.marker), "frail": booleans(\.frail),
                "stage": .category(patients.map { Int32($0.stage) }),
                "hospital": .category(patients.map { Int32($0.hospital) }),
                "share": numbers(\.share), "exposure": numbers(\.exposure), "response": booleans(\.response),
            ])
    }
}

import Federation
import ReferenceStudies
import Survival
import TestConsortia

/// Rows of `SurvivalTests/Reference/data` as the tables of several hospitals, and R's answers in `terms/terms.json` there.
enum ReferenceTables {
    /// R's answers under a key.
    static func expected(_ key: String) throws -> JSONValue {
        try ReferenceFiles.answers("terms/terms.json")[key]
    }

    /// The rows that `isKept` says, row i (from 0, of all) at hospital `site(i)`.
    static func tables(
        _ name: String, _ dictionary: DataDictionary, sites: Int = 3, site: (Int) -> Int = { $0 % 3 },
        isKept: (_ site: Int, _ row: Int, CSVTable) -> Bool = { _, _, _ in true }
    ) throws -> [(site: String, table: PatientTable)] {
        let file = try CSVTable(reference: "\(name).csv")
        return Ward.names(sites).enumerated().map { index, name in
            let own = file.rows.indices.filter { site($0) == index && isKept(index, $0, file) }
            return (name, file.patients(dictionary, rows: own))
        }
    }

    /// The result of a study of such rows; lines after its head are given.
    static func result(
        _ study: String, dictionary: DataDictionary, tables: [(site: String, table: PatientTable)],
        policy: DisclosurePolicy = .local
    ) throws -> StudyResult {
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary), tables: tables, policy: policy,
            time: Consortium.now)
        var random = SeededGenerator(19)
        return try federation.run { random.bytes(32) }
    }
}

/// Advanced lung cancer, 228 patients (see the reference data's README), as the tests of terms use it.
enum Lung {
    static let dictionary = DataDictionary(
        name: "lung", version: 1, person: "id",
        variables: [
            .init(name: "id", kind: .identifier),
            .init(
                name: "days", kind: .number(lower: 0, upper: 1100, resolution: 1), unit: "day", column: "time"
            ),
            .init(name: "status", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(name: "age", kind: .number(lower: 18, upper: 110, resolution: 1)),
            .init(name: "sex", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(
                name: "ecog", kind: .category(levels: ["0", "1", "2"], reference: "0"), column: "ph.ecog"),
            .init(
                name: "karno", kind: .number(lower: 0, upper: 100, resolution: 10), column: "ph.karno"),
            .init(
                name: "calories", kind: .number(lower: 1, upper: 10_000, resolution: 1), column: "meal.cal"),
            .init(
                name: "weight_loss", kind: .number(lower: -100, upper: 200, resolution: 1),
                column: "wt.loss", isMeasuredAfterTimeZero: true),
        ])

    static func study(sites: Int = 3, _ lines: String) -> String {
        """
        study: lung
        dictionary: lung@1
        sites: [\(Ward.names(sites).joined(separator: ", "))]
        endpoint: {time: days, event: status == "2", unit: day}
        \(lines)
        """
    }

    static func result(_ lines: String, policy: DisclosurePolicy = .local) throws -> StudyResult {
        try ReferenceTables.result(
            study(lines), dictionary: dictionary, tables: ReferenceTables.tables("lung", dictionary),
            policy: policy)
    }
}

import Federation
import Foundation
import Survival

/// Rows of `SurvivalTests/Reference/data` as the tables of several hospitals, and R's answers in `terms/terms.json` there.
enum ReferenceTables {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../SurvivalTests/Reference").standardized

    /// R's answers under a key.
    static func expected(_ key: String) throws -> JSONValue {
        let text = try Data(contentsOf: folder.appending(path: "terms/terms.json"))
        return try JSONDecoder().decode(JSONValue.self, from: text)[key]
    }

    /// The rows that `isKept` says, row i (from 0, of all) at hospital `site(i)`; a person has one name in column `person`.
    static func tables(
        _ name: String, _ dictionary: DataDictionary, sites: Int = 3, site: (Int) -> Int = { $0 % 3 },
        isKept: (_ site: Int, _ row: [String: String]) -> Bool = { _, _ in true }
    ) throws -> [(site: String, table: PatientTable)] {
        let csv = try String(contentsOf: folder.appending(path: "data/\(name).csv"), encoding: .utf8)
        let lines = csv.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let rows = lines.dropFirst().map { cells in
            Dictionary(zip(lines[0], cells), uniquingKeysWith: { first, _ in first })
        }
        return (0..<sites).map { index in
            let own = rows.enumerated().filter { site($0.offset) == index && isKept(index, $0.element) }
            return (Ward.names(sites)[index], table(own.map(\.element), dictionary))
        }
    }

    private static func table(_ rows: [[String: String]], _ dictionary: DataDictionary) -> PatientTable {
        var columns: [String: Column] = [:]
        for variable in dictionary.variables {
            let cells = rows.map { $0[variable.column] ?? "" }
            switch variable.kind {
            case .number: columns[variable.name] = .number(cells.map { Double($0) ?? .nan })
            case .boolean: columns[variable.name] = .boolean(cells.map { Double($0) ?? .nan })
            case .category(let levels, _):
                columns[variable.name] = .category(cells.map { Int32(levels.firstIndex(of: $0) ?? -1) })
            case .identifier: break
            }
        }
        let people = rows.map { $0[dictionary[dictionary.person]?.column ?? ""] ?? "" }
        var numbers: [String: Int32] = [:]
        for person in people where numbers[person] == nil { numbers[person] = Int32(numbers.count) }
        return PatientTable(
            rowCount: rows.count, person: people.map { numbers[$0] ?? 0 }, columns: columns)
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
            .init(name: "days", kind: .number(lower: 0, upper: 1100, resolution: 1), column: "time"),
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

import Cryptography
import Federation
import ReferenceStudies
import Survival
import TestConsortia

/// Ovarian cancer, 26 patients: data `ovarian` of R's survival 3.5-3 (LGPL), dealt to two hospitals in turn.
///
/// In R: `d <- ovarian; d$site <- rep(1:2, 13); d$rx <- factor(d$rx); d$ecog.ps <- factor(d$ecog.ps)`.
enum Ovarian {
    /// futime, fustat, age, rx, ecog.ps.
    static let rows: [[Double]] = [
        [59, 1, 72.3315, 1, 1], [115, 1, 74.4932, 1, 1], [156, 1, 66.4658, 1, 2], [421, 0, 53.3644, 2, 1],
        [431, 1, 50.3397, 1, 1], [448, 0, 56.4301, 1, 2], [464, 1, 56.937, 2, 2], [475, 1, 59.8548, 2, 2],
        [477, 0, 64.1753, 1, 1], [563, 1, 55.1781, 2, 2], [638, 1, 56.7562, 1, 2], [744, 0, 50.1096, 2, 1],
        [769, 0, 59.6301, 2, 2], [770, 0, 57.0521, 2, 1], [803, 0, 39.2712, 1, 1], [855, 0, 43.1233, 1, 2],
        [1040, 0, 38.8932, 1, 2], [1106, 0, 44.6, 1, 1], [1129, 0, 53.9068, 2, 1], [1206, 0, 44.2055, 2, 1],
        [1227, 0, 59.589, 2, 2], [268, 1, 74.5041, 1, 2], [329, 1, 43.137, 1, 1], [353, 1, 63.2192, 2, 2],
        [365, 1, 64.4247, 2, 1], [377, 0, 58.3096, 2, 1],
    ]

    static let dictionary = DataDictionary(
        name: "ovarian", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "futime", kind: .number(lower: 0, upper: 1500, resolution: 1), unit: "day"),
            .init(name: "fustat", kind: .boolean),
            .init(name: "age", kind: .number(lower: 18, upper: 100, resolution: nil)),
            .init(name: "rx", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(name: "ecog.ps", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(name: "site", kind: .category(levels: ["1", "2"], reference: "1")),
        ])

    /// The rows of each site; `deal` says which site a row is at, R's unless given.
    static func tables(_ deal: [Int] = rows.indices.map { $0 % 2 }) -> [PatientTable] {
        (0...(deal.max() ?? 0)).map { site in
            let own = rows.indices.filter { deal[$0] == site }
            func column(_ index: Int) -> [Double] { own.map { rows[$0][index] } }
            func level(_ index: Int) -> [Int32] { own.map { Int32(rows[$0][index]) - 1 } }
            return PatientTable(
                rowCount: own.count, person: own.indices.map { Int32($0) },
                columns: [
                    "futime": .number(column(0)), "fustat": .boolean(column(1)), "age": .number(column(2)),
                    "rx": .category(level(3)), "ecog.ps": .category(level(4)),
                    "site": .category(own.map { Int32($0 % 2) }),
                ])
        }
    }

    /// A study with these analyses; one line each, as in `cox: {...}`.
    static func plan(_ analyses: [String], sites: Int = 2, privacy: String = "") throws -> StudyPlan {
        let study = """
            study: ovarian
            dictionary: ovarian@1
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {time: futime, event: fustat, unit: day}
            analyses:
            \(analyses.map { "  - \($0)\n" }.joined())\(privacy)
            """
        return try Ward.plan(study, dictionary: dictionary)
    }

    /// The result of such a study.
    static func result(
        _ analyses: [String], tables: [PatientTable] = tables(), policy: DisclosurePolicy = .local,
        privacy: String = ""
    ) throws -> StudyResult {
        let federation = try InProcessFederation(
            plan: plan(analyses, sites: tables.count, privacy: privacy),
            tables: zip(Ward.names(tables.count), tables).map { (site: $0, table: $1) }, policy: policy,
            time: Consortium.now)
        var random = SeededGenerator(11)
        return try federation.run { random.bytes(32) }
    }
}

import ReferenceStudies
import Foundation

/// `Tests/Agreement.md`: the largest relative differences from R by data set and statistic, and every case by name.
struct AgreementTable {
    /// What came of a case, by way; nil where the case cannot be asked in a way.
    typealias Outcomes = [(reference: ReferenceCase, ways: [CaseStudy.Way: Agreement.Outcome])]

    let text: String

    static let url = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Agreement.md").standardized

    /// The committed table.
    static func committed() throws -> AgreementTable {
        AgreementTable(text: try String(contentsOf: url, encoding: .utf8))
    }

    init(text: String) { self.text = text }

    // MARK: - Reading

    /// Every number of the tables by statistic, with its row's data set and the limit in it.
    var entries: [(row: String, statistic: Statistic, size: Double)] {
        var (header, entries) = ([String](), [(row: String, statistic: Statistic, size: Double)]())
        for cells in rows {
            if cells[0] == "data" { header = cells }
            guard cells.count == header.count, cells[0] != "data" else { continue }
            for (name, cell) in zip(header, cells) {
                guard let statistic = Statistic(rawValue: name), let size = Double(cell) else { continue }
                entries.append((cells[0], statistic, size))
            }
        }
        return entries
    }

    /// The cases named in the last table.
    var cases: [String] {
        let all = rows
        guard let start = all.firstIndex(where: { $0[0] == "case" }) else { return [] }
        return all[(start + 1)...].map { $0[0] }.filter { !$0.hasPrefix("-") }
    }

    private var rows: [[String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    /// A section as it stands, from its heading to the next; empty if there is none.
    func section(_ title: String) -> String {
        guard let start = text.range(of: "\n## \(title)\n") else { return "" }
        let end =
            text.range(of: "\n## ", range: start.upperBound..<text.endIndex)?.lowerBound ?? text.endIndex
        return String(text[start.lowerBound..<end])
    }

    // MARK: - Writing

    init(_ outcomes: Outcomes) {
        let groups = Dictionary(grouping: outcomes) { Self.row(of: $0.reference) }
        var text = Self.introduction
        for (title, kind, statistics) in Self.tables {
            text += "\n## \(title)\n\n" + Self.line(["data", "cases"] + statistics.map(\.rawValue))
            text += Self.line((0..<(statistics.count + 2)).map { _ in "---" })
            for row in groups.keys.sorted() {
                let own = groups[row, default: []].filter { Self.kind(of: $0.reference) == kind }
                if !own.isEmpty { text += Self.line(Self.cells(row, own, statistics)) }
            }
        }
        self.text = text + Self.everyCase(outcomes)
    }

    private static let tables: [(title: String, kind: String, [Statistic])] = [
        ("Cox models", "cox", Statistic.cox), ("Cox models with a ridge", "ridge", Statistic.ridge),
        ("Fine and Gray's model", "finegray", Statistic.subdistribution),
        ("Curves", "km", Statistic.curves),
        ("Cumulative incidence", "aalen-johansen", Statistic.incidences),
        ("Concordance of a marker", "concordance", Statistic.pairCounts),
        ("Log-rank tests", "logrank", Statistic.tests),
    ]

    private static func kind(of reference: ReferenceCase) -> String {
        reference.isPenalised ? "ridge" : reference.kind
    }

    private static let introduction = """
        # How near to R

        Every case of [SurvivalTests/Reference](SurvivalTests/Reference/README.md) as a whole study, in three ways: all rows at one
        site, the sites of the case, and dealt at random to three sites (people, or whole strata where each has its own baseline
        hazard, or pairs within it). Cox models that R stratified by site run under `baseline: site`, the others under `baseline: common`
        with exact times. Concordances are of pairs within hospitals: of several hospitals they are compared with R's on
        `strata(site)` ([pairs.R](SurvivalTests/Reference/pairs/pairs.R)), of one with R's on all rows.

        A number is the largest relative difference |ours - R|/|R| over all cases and ways, rounded up to one digit. R is 4.2.2 with
        `survival` 3.5-3. Where it is larger, the difference is relative to the standard error (coefficients), 1 (z, log-likelihoods, expected
        events, pairs), the product of two standard errors (covariances), 1e-3 (test statistics, curves) or 1e-5 (p). What a case says
        cannot be compared is left out: infinite coefficients, for example. No case is left out. Of a ridge R has no score test, and
        of a robust curve no standard error of the restricted mean that ours is (see the reference's README).

        `COXSWAIN_AGREEMENT=write swift test --filter AgreementTableTests` writes this file. A test fails if a number in it is
        larger than its tolerance, or if it names other cases than the reference has.

        """

    /// The data set; the made-up ones together, those with a loosened tolerance for themselves.
    static func row(of reference: ReferenceCase) -> String {
        let file = reference.json["data"]["file"].string ?? ""
        let name = file.hasPrefix("nasty") ? "made up" : file.replacing(".csv", with: "")
        if reference.isPenalised { return "\(name), ridge" }
        let isWeighted = reference.kind == "km" && !reference.model["weights"].isNull
        let tolerance = reference.tolerance(of: .coefficient)
        let isLoose = tolerance > Statistic.coefficient.tolerance
        return name + (isWeighted ? ", weighted" : "") + (isLoose ? ", to \(tolerance)" : "")
    }

    private static func cells(_ row: String, _ outcomes: Outcomes, _ statistics: [Statistic]) -> [String] {
        var worst = Deviations()
        for outcome in outcomes.flatMap(\.ways.values) {
            if case .compared(let deviations) = outcome { worst.merge(deviations) }
        }
        return [row, "\(outcomes.count)"]
            + statistics.map { worst.largest[$0].map { rounded($0.size) } ?? "" }
    }

    private static func everyCase(_ outcomes: Outcomes) -> String {
        let ways = CaseStudy.Way.allCases
        var (text, refusals) = ("", "")
        for (reference, outcomes) in outcomes {
            let cells = ways.map { way in
                switch outcomes[way] {
                case nil: return ""
                case .compared(let deviations):
                    return rounded(deviations.largest.values.map(\.size).max() ?? 0)
                case .refused(let reason):
                    let isRs = reference.isRefusedByR ? " (R refuses too)" : ""
                    refusals += "- \(reference.id), \(way.rawValue)\(isRs): \(reason)\n"
                    return "refused"
                }
            }
            text += line([reference.id] + cells)
        }
        return "\n## Refused\n\n" + refusals + "\n## Every case\n\nThe largest difference of any number; "
            + "empty where the likelihood is no sum over such sites, or the case has none.\n\n"
            + line(["case"] + ways.map(\.rawValue)) + line(["---"] + ways.map { _ in "---" }) + text
    }

    private static func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |\n" }

    /// One digit, upwards: 2e-13.
    static func rounded(_ size: Double) -> String {
        guard size > 0, size.isFinite else { return size == 0 ? "0" : "Inf" }
        let exponent = Int(log10(size).rounded(.down))
        let digit = Int((size / pow(10, Double(exponent)) - 1e-9).rounded(.up))
        return digit < 10 ? "\(max(digit, 1))e\(exponent)" : "1e\(exponent + 1)"
    }
}

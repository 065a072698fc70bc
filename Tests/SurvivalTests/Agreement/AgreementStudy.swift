import Cryptography

@testable import Federation
@testable import Survival

/// A reference case as a study that hospitals are asked: study file, dictionary, questions, cleared answers, and their sums.
struct AgreementStudy {
    /// How the rows lie at hospitals.
    enum Way: String, CaseIterable, Sendable {
        case oneSite = "one site"
        case sites = "its sites"
        case dealt = "dealt at random"
    }

    let reference: ReferenceCase
    let way: Way
    let text: String
    private let cohort: CaseCohort
    private let parts: [[Int]]

    /// Nil where the case has no sites, or its likelihood is no sum over such sites.
    init?(_ reference: ReferenceCase, _ way: Way) {
        let cohort = CaseCohort(reference)
        guard let parts = Self.parts(of: reference, way) else { return nil }
        (self.reference, self.way, self.cohort, self.parts) = (reference, way, cohort, parts)
        text = StudyText(cohort, way: way, siteCount: parts.count).text
    }

    /// R's answer is for rows that have a site; others are in no hospital's table.
    var hasRowsWithoutSite: Bool { parts.reduce(0) { $0 + $1.count } < reference.table.rows.count }

    /// Adds up what each hospital clears, in fixed point, without signatures and masks, which cancel to the same integers.
    func run() throws -> StudyResult? {
        let plan = try StudyPlan(
            study: StudyFile(yaml: text, file: "\(reference.id).yaml"), dictionary: cohort.dictionary,
            hash: SHA256Digest(of: text.utf8))
        let hospitals = try parts.map { try SiteCohort(table: cohort.table(of: $0), plan: plan) }
        var run = StudyRun(plan: plan, sites: plan.study.sites.map { .init(name: $0, policyHash: nil) })
        while !run.isFinished {
            var sum = [Int128](repeating: 0, count: run.laneCount)
            for hospital in hospitals {
                let cleared = try DisclosurePolicy.local.clear(
                    run, on: hospital, siteCount: hospitals.count, evaluations: [:])
                for lane in sum.indices { sum[lane] += cleared.lanes[lane] }
            }
            try run.receive(sum.map(FixedPoint.decode))
        }
        return run.result
    }

    /// The rows of each site.
    ///
    /// Under a baseline for each stratum whole strata are dealt (whole sites, where people are in several strata), else people:
    /// no person is at two hospitals.
    private static func parts(of reference: ReferenceCase, _ way: Way) -> [[Int]]? {
        let (table, json) = (reference.table, reference.model)
        let rows = Array(table.rows.indices)
        let isLocal = reference.isStratifiedBySite || json["ties"].string == "exact"
        switch way {
        case .oneSite: return [rows]
        case .sites:
            guard let column = reference.json["data"]["site"].string else { return nil }
            guard reference.isStratifiedBySite || !isLocal else { return nil }
            // A row without a site is in no stratum; of a pooled model it is a site's own.
            let known = rows.filter { !reference.isStratifiedBySite || !table[$0, column].isEmpty }
            return parts(known) { table[$0, column] }
        case .dealt:
            var (generator, places) = (SeededGenerator(state: 23), [String: String]())
            let person = CaseCohort.personColumn(of: reference)
            let site = reference.json["data"]["site"].string
            let strata = person == nil ? json["strata"].strings : [site].compactMap(\.self)
            guard !isLocal || !strata.isEmpty else { return nil }
            return parts(rows) { row in
                let unit =
                    isLocal
                    ? strata.map { table[row, $0] }.joined(separator: ", ")
                    : person.map { table[row, $0] } ?? "\(row)"
                let place = places[unit] ?? "\(Int.random(in: 0..<3, using: &generator))"
                places[unit] = place
                return place
            }
        }
    }

    private static func parts(_ rows: [Int], by label: (Int) -> String) -> [[Int]] {
        Dictionary(grouping: rows, by: label).sorted { $0.key < $1.key }.map(\.value)
    }
}

/// Writes a reference case as a study file.
private struct StudyText {
    private let cohort: CaseCohort
    private let way: AgreementStudy.Way
    private let siteCount: Int

    private var reference: ReferenceCase { cohort.reference }
    private var model: JSONValue { cohort.reference.model }

    init(_ cohort: CaseCohort, way: AgreementStudy.Way, siteCount: Int) {
        (self.cohort, self.way, self.siteCount) = (cohort, way, siteCount)
    }

    var text: String {
        let sites = (1...max(siteCount, 1)).map { "site-\($0)" }.joined(separator: ", ")
        let conditions = cohort.conditions.map { "(\($0))" }.joined(separator: " and ")
        let start = model["start"].string.map { "start: \(quoted(name($0))), " } ?? ""
        let time = quoted(name(model["time"].string ?? ""))
        return """
            study: reference
            dictionary: reference@1
            sites: [\(sites)]
            \(conditions.isEmpty ? "" : "cohort: \(quoted(conditions))\n")\
            endpoint: {time: \(time), \(start)event: \(quoted(cohort.event)), unit: day}
            analyses:
            \(analyses.map { "  - \($0)\n" }.joined())
            """
    }

    private var analyses: [String] {
        switch reference.kind {
        case "km": curves
        case "logrank": [test]
        default: models
        }
    }

    // MARK: - Cox models

    /// The model, with a check of proportional hazards for each transform that R made one for; the first of them at several sites.
    private var models: [String] {
        let possible = TimeTransform.allCases.map(\.rawValue).filter { transform in
            !reference.expected["zph"][transform]["by_term"]["chisq"].isNull
                && (hasAxis || transform != "km") && reference.compare["skip"].isNull
        }
        let transforms = Array(possible.prefix(way == .oneSite ? possible.count : 1))
        let checks = transforms.map { "check: proportional-hazards, transform: \($0)" }
        return (checks.isEmpty ? [""] : checks).enumerated().map { index, check in
            let id = index == 0 ? "model" : "model-\(transforms[index])"
            let axis = isCommon || transforms.indices.contains(index) && transforms[index] == "km"
            let keys = ["id: \(id)", "terms: [\(terms)]"] + options + [check, axis ? "times: exact" : ""]
            return "cox: {\(keys.filter { !$0.isEmpty }.joined(separator: ", "))}"
        }
    }

    private var isCommon: Bool {
        way != .oneSite && !reference.isStratifiedBySite && reference.ties != .exact
    }

    private var terms: String {
        let site = reference.json["data"]["site"].string
        // With a baseline for each site the hospitals are strata without being named.
        let strata = model["strata"].strings.filter { way != .sites || isCommon || $0 != site }
        let terms: [String] =
            model["terms"].elements.map(CaseCohort.term) + strata.map { "strata(\(name($0)))" }
            + ["offset", "cluster"].compactMap { use in model[use].string.map { "\(use)(\(name($0)))" } }
        return terms.map(quoted).joined(separator: ", ")
    }

    private var options: [String] {
        // R turns a robust variance on unasked where a weight is no whole number.
        let isRobust = !reference.expected["robust_se"].isNull && model["cluster"].isNull
        return [
            "baseline: \(isCommon ? "common" : "site")", "ties: \(reference.ties.rawValue)",
            model["weights"].string.map { "weights: \(quoted(name($0)))" } ?? "",
            isRobust ? "robust: true" : "",
        ]
    }

    // MARK: - Curves and tests

    private var curves: [String] {
        let groups = reference.expected["groups"].elements
        let at = groups.flatMap { $0["at_times"]["time"].doubles }
        let shares = groups.flatMap { $0["quantiles"]["probs"].doubles }
        let means = groups.flatMap { $0["rmst"].elements.map { $0["tau"].double } }.filter { $0 > 0 }
        return ConfidenceLimits.allCases.map { limits in
            let keys = [
                "id: \(limits.rawValue)", by, "times: exact", "limits: \(limits.rawValue)",
                "at: [\(list(at.filter { $0 >= 0 }))]", "quantiles: [\(list(shares))]",
                means.isEmpty ? "" : "rmst: [\(list(means))]",
            ]
            return "survival: {\(keys.filter { !$0.isEmpty }.joined(separator: ", "))}"
        }
    }

    private var test: String {
        let strata = model["strata"].strings.map { quoted(name($0)) }.joined(separator: ", ")
        let keys = [
            "id: test", by, "times: exact", "test: {rho: \(model["rho"].double)}",
            strata.isEmpty ? "" : "strata: [\(strata)]",
        ]
        return "survival: {\(keys.filter { !$0.isEmpty }.joined(separator: ", "))}"
    }

    private var by: String { CaseCohort.grouping(of: reference).map { "by: \(quoted(name($0)))" } ?? "" }

    private func list(_ values: [Double]) -> String {
        Set(values).sorted().map { "\($0)" }.joined(separator: ", ")
    }

    // MARK: - Words

    /// Whether sums at exact times can be asked: the times are from 0, and multiples of something.
    private var hasAxis: Bool {
        guard
            case .number(let lower, let upper, let resolution?) =
                cohort.dictionary[model["time"].string ?? ""]?.kind
        else { return false }
        return lower >= 0 && upper / resolution < 200_000
    }

    private func name(_ name: String) -> String { CaseCohort.written(name) }

    /// In YAML's single quotes.
    private func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
}

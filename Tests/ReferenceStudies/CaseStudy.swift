import Cryptography
package import Federation
package import Survival

/// A reference case as a study that hospitals are asked: a study file, a dictionary, and each hospital's rows.
package struct CaseStudy {
    /// How the rows lie at hospitals.
    package enum Way: String, CaseIterable, Sendable {
        case oneSite = "one site"
        case sites = "its sites"
        case dealt = "dealt at random"
    }

    package let reference: ReferenceCase
    package let way: Way
    package let text: String
    private let cohort: CaseCohort
    private let parts: [[Int]]

    /// Nil where the case has no sites, or its likelihood is no sum over such sites.
    ///
    /// A Cox model has the baseline that R's has, unless one is given; with `options` it is asked once, with these keys, in place of
    /// what R's answers suggest.
    package init?(
        _ reference: ReferenceCase, _ way: Way, baseline: CoxResult.Baseline? = nil, options: String? = nil
    ) {
        let cohort = CaseCohort(reference)
        let isCommon = Self.isCommon(reference, way, baseline)
        guard let parts = Self.parts(of: reference, way, isCommon: isCommon) else { return nil }
        (self.reference, self.way, self.cohort, self.parts) = (reference, way, cohort, parts)
        text =
            CaseStudyText(
                cohort, way: way, siteCount: parts.count, isCommon: isCommon, options: options
            ).text
    }

    /// R's answer is for rows that have a site; others are in no hospital's table.
    package var hasRowsWithoutSite: Bool { parts.reduce(0) { $0 + $1.count } < reference.table.rows.count }

    private func plan() throws -> StudyPlan {
        try StudyPlan(
            study: StudyFile(yaml: text, file: "\(reference.id).yaml"), dictionary: cohort.dictionary,
            hash: SHA256Digest(of: text.utf8))
    }

    /// Adds up what each hospital answers, in fixed point, without messages and masks, which cancel to the same integers.
    ///
    /// `seen` is handed the study at each round, and the sum of the answers.
    package func result(
        instructions: InstructionSet = .best,
        seen: (_ run: StudyRun, _ sum: [Double]) throws -> Void = { _, _ in }
    ) throws -> StudyResult {
        let plan = try plan()
        let hospitals = parts.map {
            SiteCohort(table: cohort.table(of: $0), plan: plan, instructions: instructions)
        }
        return try result(plan) { run in
            var sum = [Int128](repeating: 0, count: run.laneCount)
            for hospital in hospitals {
                let numbers = try run.queries.flatMap(hospital.answer)
                for (lane, number) in numbers.enumerated() {
                    sum[lane] += try FixedPoint.encode(number, siteCount: hospitals.count)
                }
            }
            let numbers = sum.map(FixedPoint.decode)
            try seen(run, numbers)
            return numbers
        }
    }

    /// The same on sums from elsewhere, without patients.
    package func result(ofSums sum: (StudyRun) throws -> [Double]) throws -> StudyResult {
        try result(plan(), sum: sum)
    }

    private func result(_ plan: StudyPlan, sum: (StudyRun) throws -> [Double]) throws -> StudyResult {
        var run = StudyRun(plan: plan, sites: plan.study.sites.map { .init(name: $0, policyHash: nil) })
        while true {
            if let result = run.result { return result }
            try run.receive(try sum(run))
        }
    }

    /// What the whole federation in one process answers, messages and masks included, where hospitals have this policy.
    package func result(policy: DisclosurePolicy) throws -> StudyResult {
        let plan = try plan()
        let tables = zip(plan.study.sites, parts).map { (site: $0, table: cohort.table(of: $1)) }
        // 2026-09-21 14:13:20 UTC.
        let federation = try InProcessFederation(
            plan: plan, tables: tables, policy: policy, time: 1_790_000_000)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }
    }

    /// Whether a Cox model has one baseline hazard over all hospitals; one hospital alone needs none.
    private static func isCommon(
        _ reference: ReferenceCase, _ way: Way, _ baseline: CoxResult.Baseline?
    ) -> Bool {
        if reference.kind == "finegray" { return true }
        guard reference.kind == "cox" else { return false }
        if let baseline { return baseline == .common }
        return way != .oneSite && !reference.isStratifiedBySite && reference.ties != .exact
    }

    /// The rows of each site.
    ///
    /// Where each hospital stands alone whole strata are dealt (whole sites, where people are in several strata), else people:
    /// no person is at two hospitals.
    private static func parts(of reference: ReferenceCase, _ way: Way, isCommon: Bool) -> [[Int]]? {
        let (table, rows) = (reference.table, Array(reference.table.rows.indices))
        let isLocal = !isCommon && ["cox", "concordance"].contains(reference.kind)
        switch way {
        case .oneSite: return [rows]
        case .sites:
            guard let column = reference.siteColumn else { return nil }
            guard reference.isStratifiedBySite || !isLocal else { return nil }
            // A row without a site is in no stratum; of a pooled model it is a site's own.
            let known = rows.filter { !reference.isStratifiedBySite || !table[$0, column].isEmpty }
            return parts(known) { table[$0, column] }
        case .dealt:
            var (generator, places) = (SeededGenerator(23), [String: String]())
            let person = CaseCohort.personColumn(of: reference)
            let strata =
                person == nil
                ? reference.model["strata"].strings : [reference.siteColumn].compactMap(\.self)
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

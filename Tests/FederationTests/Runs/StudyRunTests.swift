import ReferenceStudies
import Survival
import Testing

@testable import Federation

/// A study as a program over sums; here sums are added in the open.
struct StudyRunTests {
    private static let everything = Ward.study(
        """
        analyses:
          - survival: {id: curves, by: stage, at: [6, 12], test: log-rank, times: exact}
          - survival: {id: grid}
          - cox: {id: site, terms: [age, marker, stage]}
          - cox: {id: common, terms: [age, frail], baseline: common}
          - cox: {id: weighted, terms: [age, strata(frail)], baseline: common, times: exact, weights: share, ties: breslow}
        privacy: {time-grid: 3, smallest-interval: 10}
        """)

    /// What is asked besides: tests of proportional hazards, robust variances, summaries of curves.
    private static let extras = Ward.study(
        """
        analyses:
          - cox: {id: km, terms: [age, marker], check: proportional-hazards}
          - cox: {id: log, terms: [age, marker], check: proportional-hazards, transform: log, robust: true}
          - cox: {id: compared, terms: ["rcs(age, 50, 60, 70)", marker], heterogeneity: true, diagnostics: {functional-form: [age], schoenfeld: true}}
          - cox: {id: binned, terms: [age, frail], landmark: 3, baseline: common, diagnostics: {functional-form: [marker], schoenfeld: true}}
          - cox: {id: common, terms: [age, frail], baseline: common, check: proportional-hazards, robust: true}
          - cox: {id: clustered, terms: [age, cluster(hospital)], baseline: common, times: exact}
          - survival: {id: curves, by: stage, test: {rho: 1, trend: true}, strata: [frail], rmst: [12], follow-up: true}
          - survival: {id: within, by: stage, test: log-rank, strata: [site, frail], robust: true}
          - survival: {id: test, by: stage, test: log-rank, strata: [site], curves: false}
        privacy: {time-grid: 3, smallest-interval: 10}
        """)

    /// The plan, the hospitals' rows, and the sums of every round asked so far.
    private struct Course {
        var cohorts: [SiteCohort]
        var run: StudyRun
        var sums: [[Double]] = []

        init(_ study: String, _ hospitals: [[Patient]], numbersMax: Int? = nil) throws {
            let plan = try Ward.plan(study)
            cohorts = hospitals.map { SiteCohort(table: PatientTable($0), plan: plan) }
            let sites = [StudyResult.Site(name: "site-1", policyHash: nil)]
            run =
                numbersMax.map { StudyRun(plan: plan, sites: sites, numbersMax: $0) }
                ?? StudyRun(plan: plan, sites: sites)
        }

        /// What the hospitals' answers to this round add up to.
        func sum() throws -> [Double] {
            try run.queries.flatMap { query in
                let answers = try cohorts.map { try $0.answer(query) }
                return answers[0].indices.map { lane in answers.reduce(0) { $0 + $1[lane] } }
            }
        }

        mutating func step(altering alter: (inout [Double]) -> Void = { _ in }) throws {
            var sum = try sum()
            alter(&sum)
            sums.append(sum)
            try run.receive(sum)
        }

        mutating func finish() throws -> StudyResult {
            while !run.isFinished { try step() }
            return try #require(run.result)
        }
    }

    private static func deal(_ patients: [Patient]) -> [[Patient]] {
        (0..<3).map { site in patients.filter { $0.person % 3 == site } }
    }

    @Test(arguments: [everything, extras])
    func `the same sums give the same questions and the same result, bit for bit`(_ study: String) throws {
        var course = try Course(study, Self.deal(Patient.random(200, seed: 6)))
        var statements: [[QueryStatement]] = [course.run.statements]
        while !course.run.isFinished {
            try course.step()
            statements.append(course.run.statements)
        }
        var replay = StudyRun(
            plan: try Ward.plan(study), sites: [.init(name: "site-1", policyHash: nil)])
        for (sum, asked) in zip(course.sums, statements) {
            #expect(replay.statements == asked && replay.result == nil)
            try replay.receive(sum)
        }
        #expect(replay.result == course.run.result)
        #expect(replay.result?.rounds == course.sums.count)
        #expect(replay.isFinished && replay.queries.isEmpty && replay.laneCount == 0)
    }

    @Test func `all analyses run side by side`() throws {
        var course = try Course(Self.everything, Self.deal(Patient.random(200, seed: 6)))
        let ids = ["curves", "grid", "site", "common", "weighted"]
        #expect(course.run.queries.map(\.analysis) == ids)
        #expect(course.run.queries.allSatisfy { $0.question is CountsQuestion } && course.run.round == 1)
        try course.step()
        #expect(course.run.round == 2)
        #expect(
            course.run.queries.map(\.analysis) == [
                "curves", "grid", "site", "common", "common", "weighted", "weighted",
            ])
        #expect(
            course.run.queries.map(\.kind) == [
                "exits", "exits", "moments", "moments", "exits", "moments", "exits",
            ])
        try course.step()
        #expect(
            course.run.queries.map(\.kind) == [
                "likelihood", "event-sums", "risk-sums", "event-sums", "risk-sums",
            ])
        let result = try course.finish()
        #expect(result.analyses.map(\.id) == ids)
    }

    @Test func `what the disclosure rules need becomes known with the first sums`() throws {
        var course = try Course(Self.everything, Self.deal(Patient.random(200, seed: 6)))
        let patients = Patient.random(200, seed: 6)
        #expect(course.run.levelTotals(of: "curves") == nil)
        try course.step()
        let stages = (0..<3).map { stage in patients.count { $0.stage == stage } }
        #expect(course.run.levelTotals(of: "curves") == stages)
        #expect(course.run.levelTotals(of: "grid") == [])
        #expect(course.run.levelTotals(of: "nothing") == nil)
        #expect(course.run.smallestInterval(of: "grid") == nil)
        try course.step()
        #expect(try #require(course.run.smallestInterval(of: "grid")) >= 10)
        #expect(try #require(course.run.smallestInterval(of: "common")) >= 10)
        #expect(course.run.smallestInterval(of: "curves") == nil)
        #expect(course.run.smallestInterval(of: "site") == nil)
    }

    @Test func `a sum of another shape changes nothing`() throws {
        var course = try Course(Self.everything, Self.deal(Patient.random(200, seed: 6)))
        for _ in 0..<3 {
            let sum = try course.sum()
            let before = course.run.statements
            for wrong in [[], Array(sum.dropLast()), sum + [0]] {
                #expect(throws: StudyError.self) { try course.run.receive(wrong) }
                #expect(course.run.statements == before)
            }
            try course.step()
        }
        _ = try course.finish()
        #expect(throws: StudyError.self) { try course.run.receive([]) }
    }

    @Test func `an analysis without any event says so, and the others go on`() throws {
        let study = Ward.study(
            """
            analyses:
              - cox: {id: none, terms: [age, marker], cohort: frail}
              - cox: {id: none-common, terms: [age, marker], cohort: frail, baseline: common, times: exact}
              - cox: {id: none-grid, terms: [age, marker], cohort: frail, baseline: common}
              - survival: {id: none-curve, cohort: frail, times: exact}
              - cox: {id: nobody, terms: [age, marker], cohort: age > 90}
              - cox: {id: nobody-common, terms: [age, marker], cohort: age > 90, baseline: common, times: exact}
              - cox: {id: nobody-grid, terms: [age, marker], cohort: age > 90, baseline: common}
              - survival: {id: nobody-curve, cohort: age > 90, by: stage, test: log-rank}
              - cox: {id: some, terms: [age, marker]}
            privacy: {time-grid: 1}
            """)
        let patients = Patient.random(120, seed: 8).map { patient in
            var patient = patient
            if patient.frail == 1 { patient.died = 0 }
            return patient
        }
        var course = try Course(study, Self.deal(patients))
        let result = try course.finish()
        // As R: coxph gives NA and log-likelihoods 0 without an event, and refuses an empty data set.
        for id in ["none", "none-common", "none-grid", "nobody", "nobody-common", "nobody-grid"] {
            let cox = try result.cox(id)
            #expect(
                cox.coefficients.allSatisfy(\.isNaN) && cox.logLikelihood == 0 && cox.logLikelihoodNull == 0,
                "\(id)")
            #expect(cox.likelihoodRatio.degreesOfFreedom == 0, "\(id)")
            #expect(
                cox.warnings == [
                    "no covariate can be estimated: there is no event, or no variation in those at risk at any event"
                ])
        }
        let curve = try result.survival("none-curve")
        #expect(curve.groups[0].median.estimate == .notAvailable && curve.counts.events == 0)
        #expect(curve.groups[0].curve.survival.allSatisfy { $0 == .value(1) })
        let empty = try result.survival("nobody-curve")
        #expect(empty.counts.rows == 0 && empty.groups.allSatisfy { $0.rows == 0 && $0.curve.time.isEmpty })
        #expect(empty.test?.test.statistic == .notAvailable)
        let alone = Ward.study("analyses: [{cox: {id: some, terms: [age, marker]}}]")
        var other = try Course(alone, Self.deal(patients))
        #expect(try other.finish().cox("some") == result.cox("some"))
    }

    @Test func `a covariate that says nothing is NA, as in R, and named`() throws {
        let study = Ward.study(
            """
            define: {twice: 2 * age, always: age > 0}
            analyses:
              - cox: {id: redundant, terms: [age, twice, marker]}
              - cox: {id: constant, terms: [marker, always]}
              - cox: {id: constant-common, terms: [marker, always], baseline: common, times: exact}
              - cox: {id: redundant-common, terms: [age, twice, marker], baseline: common, times: exact}
            """)
        var course = try Course(study, Self.deal(Patient.random(120, seed: 9)))
        let result = try course.finish()
        for id in ["redundant", "redundant-common"] {
            let redundant = try result.cox(id)
            #expect(redundant.coefficients.map(\.isNaN) == [false, true, false])
            #expect(redundant.likelihoodRatio.degreesOfFreedom == 2)
            #expect(
                redundant.warnings.count == 1
                    && redundant.warnings[0].hasPrefix("twice is constant or a combination"))
        }
        for id in ["constant", "constant-common"] {
            let constant = try result.cox(id)
            #expect(constant.coefficients.map(\.isNaN) == [false, true])
            #expect(constant.warnings.count == 1 && constant.warnings[0].hasPrefix("always is constant"))
        }
    }

    @Test func `a coefficient that runs to infinity is named`() throws {
        let study = Ward.study(
            """
            analyses:
              - cox: {id: site, terms: [frail]}
              - cox: {id: common, terms: [frail], baseline: common, times: exact}
            """)
        let patients = Patient.random(120, seed: 10).map { patient in
            var patient = patient
            // Nobody frail dies: the coefficient is minus infinity.
            if patient.frail == 1 { patient.died = 0 }
            return patient
        }
        var course = try Course(study, Self.deal(patients))
        let result = try course.finish()
        for id in ["site", "common"] {
            let cox = try result.cox(id)
            #expect(cox.warnings.count == 1 && cox.warnings[0].contains("frail runs to infinity"))
            let term = cox.terms[0]
            #expect(term.coef == .value(-.infinity) && term.hr == .value(0) && term.lower == .value(0))
            let upper = term.upper.value ?? .nan
            #expect(upper > 0 && upper < 1)
        }
    }

    @Test func `covariates known later than time zero are warned of`() throws {
        let study = Ward.study(
            """
            analyses:
              - cox: {id: cox, terms: [response]}
              - cox: {id: common, terms: [response], baseline: common, times: exact}
              - survival: {id: curves, by: response, times: exact}
            """)
        var course = try Course(study, Self.deal(Patient.random(60, seed: 11)))
        let result = try course.finish()
        for warnings in [
            try result.cox("cox").warnings, try result.cox("common").warnings,
            try result.survival("curves").warnings,
        ] {
            #expect(warnings.count == 1 && warnings[0].contains("guarantee-time bias"))
        }
    }

    /// A round's request brings the parts of all hospitals to each: with many hospitals each has room for less.
    @Test(arguments: [(620, 2, true), (621, 3, true), (682, 3, true), (683, 2, false)])
    func `a question that finds no room waits, and one that no round has room for fails its analysis alone`(
        _ hospitals: Int, _ rounds: Int, _ fits: Bool
    ) throws {
        let plan = try Ward.plan(
            Ward.study(
                """
                analyses:
                  - survival: {id: few, by: stage, times: exact}
                  - survival: {id: many, by: stage, test: log-rank, strata: [hospital, frail], times: exact}
                """))
        // 61 positions, 3 groups, events and other exits: 366 numbers, and in 10 strata 3660, with a lane each for troubles.
        // Together 4028, of 2,500,000/620 = 4032 or 2,500,000/621 = 4025; alone 3661, of 3665 for 682 or 3660 for 683.
        let cohort = SiteCohort(table: PatientTable(Patient.random(60, seed: 15)), plan: plan)
        var run = StudyRun(
            plan: plan, sites: (0..<hospitals).map { .init(name: "site-\($0)", policyHash: nil) })
        while !run.isFinished {
            #expect(run.laneCount * hospitals <= 2_500_000)
            try run.receive(try run.queries.flatMap { try cohort.answer($0) })
        }
        let reason =
            "analysis \"many\" would ask each hospital for 3661 numbers at once (its question \"exits\"), and a round carries 3660 from each; "
            + "use a coarser grid, or fewer groups, strata, covariates or levels"
        #expect(run.result?.failure("many") == (fits ? nil : reason))
        #expect(run.result?.failure("few") == nil)
        #expect(run.result?.rounds == rounds)
    }

    /// The widest question of a study, and the analysis that asks it.
    private static func widest(_ study: String) throws -> (lanes: Int, analysis: String, result: StudyResult)
    {
        var course = try Course(study, deal(Patient.random(200, seed: 6)))
        var widest = (lanes: 0, analysis: "")
        while !course.run.isFinished {
            for statement in course.run.statements where statement.lanes > widest.lanes {
                widest = (statement.lanes, statement.analysis)
            }
            try course.step()
        }
        return (widest.lanes, widest.analysis, try #require(course.run.result))
    }

    @Test(arguments: [everything, extras])
    func `a study with more questions than a round has room for has the same result, in more rounds`(
        _ study: String
    ) throws {
        let (lanes, _, free) = try Self.widest(study)
        var rounds = [free.rounds]
        for room in [3 * lanes, 2 * lanes, lanes] {
            var course = try Course(study, Self.deal(Patient.random(200, seed: 6)), numbersMax: room)
            var asked: [QueryStatement] = []
            while !course.run.isFinished {
                #expect(course.run.laneCount <= room && course.run.laneCount > 0)
                asked += course.run.statements
                try course.step()
            }
            let result = try #require(course.run.result)
            #expect(result.analyses == free.analyses)
            #expect(asked.count == Set(asked).count, "a question is asked once")
            rounds.append(result.rounds)
            // The same from the stored sums.
            var replay = StudyRun(
                plan: course.run.plan, sites: [.init(name: "site-1", policyHash: nil)], numbersMax: room)
            for sum in course.sums { try replay.receive(sum) }
            #expect(replay.result == result)
        }
        #expect(rounds == rounds.sorted() && rounds[0] < rounds[3])
    }

    @Test(arguments: [everything, extras])
    func `a question wider than a round fails its analysis alone`(_ study: String) throws {
        let (lanes, analysis, free) = try Self.widest(study)
        var course = try Course(study, Self.deal(Patient.random(200, seed: 6)), numbersMax: lanes - 1)
        let result = try course.finish()
        let reason = try #require(result.failure(analysis))
        #expect(
            reason.hasPrefix(
                "analysis \"\(analysis)\" would ask each hospital for \(lanes) numbers at once (its question \""
            ))
        #expect(
            reason.hasSuffix(
                "\"), and a round carries \(lanes - 1) from each; use a coarser grid, or fewer groups, strata, covariates or levels"
            ))
        for other in free.analyses where other.id != analysis && result.failure(other.id) == nil {
            #expect(result[other.id] == other)
        }
        #expect(result.analyses.contains { result.failure($0.id) == nil })
    }

    // MARK: Sums that no patients give

    /// A hospital may send anything; whatever it sends ends in a sentence, for that analysis alone.
    @Test(arguments: [-1.0, 0.5, 0x1p54, -0x1p54, 1e9])
    func `impossible counts fail the analysis`(_ bad: Double) throws {
        for lane in 0..<4 {
            var course = try Course(Self.everything, Self.deal(Patient.random(100, seed: 12)))
            try course.step { $0[lane] = bad }
            #expect(course.run.queries.allSatisfy { $0.analysis != "curves" })
            let result = try course.finish()
            #expect(
                result.failure("curves") == "the hospitals' counts of rows, people and events make no sense")
            #expect(result.analyses.dropFirst().allSatisfy { result.failure($0.id) == nil })
        }
    }

    @Test func `more people or events than rows fail the analysis`() throws {
        for lane in [1, 2] {
            var course = try Course(Self.everything, Self.deal(Patient.random(100, seed: 12)))
            try course.step { $0[lane] = $0[0] + 1 }
            let result = try course.finish()
            #expect(
                result.failure("curves") == "the hospitals' counts of rows, people and events make no sense")
        }
    }

    @Test(arguments: [-1.0, 0.5, 0x1p54, 1e9])
    func `exits that do not fit the counts fail the analysis`(_ bad: Double) throws {
        for analysis in ["curves", "grid", "common", "weighted"] {
            var course = try Course(Self.everything, Self.deal(Patient.random(100, seed: 12)))
            try course.step()
            var lane = 0
            for query in course.run.queries {
                guard let plan = course.run.plan.analysis(query.analysis) else { continue }
                if query.analysis == analysis, query.question is ExitsQuestion { break }
                lane += query.laneCount(in: plan)
            }
            try course.step { $0[lane + 3] += bad }
            let result = try course.finish()
            #expect(
                result.failure(analysis)
                    == "the hospitals' exits do not add up to their counts of rows and events")
            #expect(result.analyses.allSatisfy { $0.id == analysis || result.failure($0.id) == nil })
        }
    }

    @Test(arguments: [0.5, 1e6])
    func `exits that add up but are no counts fail the analysis`(_ shift: Double) throws {
        var course = try Course(Self.everything, Self.deal(Patient.random(100, seed: 12)))
        try course.step()
        try course.step { sum in
            sum[3] += shift
            sum[4] -= shift
        }
        let result = try course.finish()
        #expect(
            result.failure("curves")
                == "the hospitals' exits do not add up to their counts of rows and events")
    }

    @Test func `risk sets that are empty where someone dies fail the analysis`() throws {
        var course = try Course(Self.everything, Self.deal(Patient.random(100, seed: 12)))
        while course.run.queries.last?.kind != "risk-sums" { try course.step() }
        let last = try #require(course.run.statements.last)
        // All sums over risk sets; after them stands the trouble lane.
        try course.step { sum in
            for lane in sum.indices.suffix(last.lanes).dropLast() { sum[lane] = -5 }
        }
        let result = try course.finish()
        #expect(
            result.failure("weighted")?.hasPrefix("a death is recorded at a time when nobody is at risk")
                == true)
        #expect(result.analyses.allSatisfy { $0.id == "weighted" || result.failure($0.id) == nil })
    }

    /// The largest numbers that fixed point carries, in every lane but the counts: no answer may stop the process.
    @Test(arguments: [0x1p54, -0x1p54, 0x1p-72, 0.0], [everything, extras])
    func `wild sums end every analysis with a result or a sentence`(_ wild: Double, _ study: String) throws {
        var random = SeededGenerator(13)
        for _ in 0..<20 {
            var course = try Course(study, Self.deal(Patient.random(60, seed: 14)))
            try course.step()
            try course.step()
            while !course.run.isFinished {
                let count = course.run.laneCount
                let sum = (0..<count).map { _ in
                    random.next() % 3 == 0 ? wild : Double.random(in: -100...100, using: &random)
                }
                try course.run.receive(sum)
                // Every question can be written down.
                #expect(course.run.statements.allSatisfy { ($0.beta ?? []).allSatisfy(\.isFinite) })
                _ = CanonicalJSON.bytes(course.run.statements)
            }
            _ = CanonicalJSON.bytes(try #require(course.run.result))
        }
    }
}

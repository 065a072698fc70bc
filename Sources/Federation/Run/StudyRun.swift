import Cryptography
package import Survival

/// A study as a deterministic program over sums: what to ask next, given all sums so far.
///
/// The coordinator runs it to drive the rounds; every node runs the same value to check the coordinator; replaying the
/// stored sums gives the same result, bit for bit. It does no I/O and keeps no clock.
package struct StudyRun: Sendable {
    package let plan: StudyPlan
    /// The round that is being asked, from 1; the number of rounds once finished.
    package private(set) var round = 1
    /// The queries of this round, in the order in which their answers are concatenated; empty once finished.
    package private(set) var queries: [Query] = []
    private var analyses: [AnalysisRun]
    private let sites: [StudyResult.Site]

    package init(plan: StudyPlan, sites: [StudyResult.Site]) {
        self.plan = plan
        self.sites = sites
        analyses = plan.analyses.map {
            AnalysisRun($0, privacy: plan.study.privacy)
        }
        gatherQueries()
    }

    /// Numbers of all sites together that a round may carry: its request brings every site the parts of all sites.
    ///
    /// As base64 they take 21 bytes each, 53 of the 64 megabytes that a transport's answer may have.
    private static let numbersMax = 2_500_000

    /// Makes the round of what each analysis asks next; one whose questions find no room fails alone.
    private mutating func gatherQueries() {
        let room = Self.numbersMax / max(sites.count, 1)
        var rest = room
        queries = []
        for index in analyses.indices {
            let lanes = analyses[index].pending.reduce(0) { $0 + self.laneCount(of: $1) }
            if lanes > rest {
                analyses[index].fail(
                    StudyError.sums(
                        "its questions find no room in a round of \(room) numbers for each hospital; "
                            + "use a coarser grid, or fewer groups, strata, covariates or analyses"))
            }
            if lanes <= rest { rest -= lanes }
            queries += analyses[index].pending
        }
    }

    package var isFinished: Bool { queries.isEmpty }

    /// Numbers in this round's answer.
    package var laneCount: Int { queries.reduce(0) { $0 + self.laneCount(of: $1) } }

    package var statements: [QueryStatement] {
        queries.compactMap { query in plan.analysis(query.analysis).map { QueryStatement(query, in: $0) } }
    }

    /// Takes the sum of this round's answers over all sites and moves on.
    ///
    /// Throws `StudyError.sums` if the sum does not have this round's shape. An analysis that cannot be answered fails alone.
    package mutating func receive(_ sum: [Double]) throws(StudyError) {
        guard !isFinished, sum.count == laneCount else {
            throw .sums("a sum of \(sum.count) numbers does not belong to round \(round)")
        }
        var rest = sum[...]
        for index in analyses.indices {
            let answers = analyses[index].pending.map { query in
                let answer = Array(rest.prefix(self.laneCount(of: query)))
                rest = rest.dropFirst(answer.count)
                return answer
            }
            if !answers.isEmpty { analyses[index].receive(answers) }
        }
        gatherQueries()
        if !queries.isEmpty { round += 1 }
    }

    /// The result; nil until finished.
    package var result: StudyResult? {
        guard isFinished else { return nil }
        let endpoint = plan.study.endpoint
        return StudyResult(
            study: plan.study.name, title: plan.study.title, studyHash: plan.hash.hex,
            dictionary: plan.study.dictionary,
            endpoint: .init(time: endpoint.time, event: endpoint.event, unit: endpoint.unit.rawValue),
            sites: sites, rounds: round, analyses: analyses.compactMap(\.result), warnings: [],
            versions: .current)
    }

    /// People in each level over all sites, once the counts are known: what the small-hospital rule compares with.
    package func levelTotals(of analysis: String) -> [Int]? {
        analyses.first { $0.plan.id == analysis }?.levelTotals
    }

    /// People over all sites, by column, that the variances of a ridge penalty take in beyond the analysis's; nil if unknown.
    package func spreadTotals(of analysis: String) -> [Int]? {
        analyses.first { $0.plan.id == analysis }?.spreadTotals
    }

    /// Exits in the thinnest interval of an analysis on a private grid; nil while unknown or with exact times.
    package func smallestInterval(of analysis: String) -> Int? {
        analyses.first { $0.plan.id == analysis }?.thinnestInterval
    }

    private func laneCount(of query: Query) -> Int {
        plan.analysis(query.analysis).map { query.laneCount(in: $0) } ?? 0
    }
}

/// The course of one analysis: counts first, then what its kind needs.
struct AnalysisRun: Sendable {
    private(set) var plan: AnalysisPlan
    private let privacy: StudyFile.Privacy
    private(set) var pending: [Query]
    private(set) var result: AnalysisResult?
    private(set) var levelTotals: [Int]?
    private(set) var spreadTotals: [Int]?
    private(set) var thinnestInterval: Int?
    private var course: Course = .counting

    private enum Course: Sendable {
        case counting
        case locating(TimeSearch, CohortCounts)
        case survival(SurvivalCourse)
        case incidence(IncidenceCourse)
        case concordance(ConcordanceCourse)
        case siteCox(SiteCoxCourse)
        case commonCox(CommonCoxCourse)
        case table(TableCourse)
    }

    init(_ plan: AnalysisPlan, privacy: StudyFile.Privacy) {
        self.plan = plan
        self.privacy = privacy
        pending = [Query(analysis: plan.id, ask: .counts)]
    }

    /// Takes the summed answers to the pending queries, one for each.
    mutating func receive(_ answers: [[Double]]) {
        do {
            switch course {
            case .counting: try begin(answers[0])
            case .locating(var search, let counts):
                if let times = try search.receive(answers[0]) {
                    plan.axis = TimeAxis(times)
                    start(counts)
                } else {
                    locate(search, counts)
                }
            case .survival(var survival):
                follow(try survival.receive(answers))
                thinnestInterval = survival.thinnestInterval
                course = .survival(survival)
            case .incidence(var incidence):
                follow(try incidence.receive(answers))
                thinnestInterval = incidence.thinnestInterval
                course = .incidence(incidence)
            case .concordance(let concordance): finish(.concordance(concordance.result(answers[0])))
            case .siteCox(var cox):
                follow(try cox.receive(answers))
                course = .siteCox(cox)
            case .commonCox(var cox):
                follow(try cox.receive(answers))
                thinnestInterval = cox.thinnestInterval
                course = .commonCox(cox)
            case .table(var table):
                switch try table.receive(answers) {
                case .ask(let asks): pend(asks)
                case .finish(let result): finish(.describe(result))
                }
                course = .table(table)
            }
        } catch {
            fail(error)
        }
    }

    mutating func fail(_ error: any Error) {
        finish(.failed(id: plan.id, kind: plan.name, reason: "\(error)"))
    }

    /// The counts are known: start what the analysis asks for.
    private mutating func begin(_ sum: [Double]) throws {
        let layout = CountsLayout(plan)
        let counts = try layout.counts(sum)
        levelTotals = layout.levelCounts(sum)
        spreadTotals = layout.spreadCounts(sum)
        if let range = plan.searchRange {
            locate(TimeSearch(range: range, rows: counts.rows), counts)
        } else {
            start(counts)
        }
    }

    private mutating func locate(_ search: TimeSearch, _ counts: CohortCounts) {
        course = .locating(search, counts)
        pend([.times(search.cells)])
    }

    private mutating func start(_ counts: CohortCounts) {
        switch plan.kind {
        case .survival(let survival):
            let course = SurvivalCourse(
                plan, survival, counts: counts, smallestInterval: privacy.smallestInterval)
            self.course = .survival(course)
            pend([.exits])
        case .incidence(let incidence):
            course = .incidence(
                IncidenceCourse(
                    plan, incidence, counts: counts, smallestInterval: privacy.smallestInterval))
            pend([.exits])
        case .concordance(let concordance):
            let course = ConcordanceCourse(plan, concordance, counts: counts)
            self.course = .concordance(course)
            pend([course.ask])
        case .cox(let cox) where cox.baseline == .site:
            course = .siteCox(SiteCoxCourse(plan, cox, counts: counts))
            pend(CoxOpening.asks(of: cox, in: plan))
        case .cox(let cox):
            course = .commonCox(
                CommonCoxCourse(plan, cox, counts: counts, smallestInterval: privacy.smallestInterval))
            pend(CoxOpening.asks(of: cox, in: plan))
        case .table(let table):
            course = .table(
                TableCourse(plan, table, counts: counts, smallestCell: privacy.smallestCell))
            pend([.tallies])
        }
    }

    private mutating func follow(_ step: CoxStep) {
        switch step {
        case .ask(let asks): pend(asks)
        case .finish(let result): finish(.cox(result))
        }
    }

    private mutating func follow(_ step: CurveStep) {
        switch step {
        case .ask(let asks): pend(asks)
        case .finish(let result): finish(result)
        }
    }

    private mutating func pend(_ asks: [Query.Ask]) {
        let found = plan.searchRange == nil ? nil : plan.axis
        pending = asks.map { Query(analysis: plan.id, ask: $0, axis: found) }
    }

    private mutating func finish(_ result: AnalysisResult) {
        self.result = result
        pending = []
    }
}

/// What the course of a curve wants next.
enum CurveStep: Sendable {
    case ask([Query.Ask])
    case finish(AnalysisResult)
}

/// What a Cox course wants next.
enum CoxStep: Sendable {
    case ask([Query.Ask])
    case finish(CoxResult)
}

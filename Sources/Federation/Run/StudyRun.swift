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
    private let numbersMax: Int

    package init(plan: StudyPlan, sites: [StudyResult.Site]) {
        self.init(plan: plan, sites: sites, numbersMax: Self.numbersMax)
    }

    /// `numbersMax` are the numbers of all sites together that a round may carry; every site must take the same.
    init(plan: StudyPlan, sites: [StudyResult.Site], numbersMax: Int) {
        self.plan = plan
        self.sites = sites
        self.numbersMax = numbersMax
        analyses = plan.analyses.map {
            AnalysisRun($0, privacy: plan.study.privacy)
        }
        gatherQueries()
    }

    /// Numbers of all sites together that a round may carry: its request brings every site the parts of all sites.
    ///
    /// As base64 they take 21 bytes each, 53 of the 64 megabytes that a transport's answer may have.
    private static let numbersMax = 2_500_000

    /// Makes the round of what each analysis asks next; questions that find no room wait for the next one.
    ///
    /// An analysis with a question that no round has room for fails alone.
    private mutating func gatherQueries() {
        let room = numbersMax / max(sites.count, 1)
        var rest = room
        queries = []
        for index in analyses.indices {
            let tooWide = analyses[index].waiting.first { self.laneCount(of: $0) > room }
            if let tooWide { analyses[index].fail(tooLarge(tooWide, for: room)) }
            for query in analyses[index].waiting {
                let lanes = self.laneCount(of: query)
                guard lanes <= rest else { break }
                rest -= lanes
                analyses[index].ask()
                queries.append(query)
            }
        }
    }

    private func tooLarge(_ query: Query, for room: Int) -> StudyError {
        .sums(
            "analysis \"\(query.analysis)\" would ask each hospital for \(counted(laneCount(of: query), "number")) at once (its question \"\(query.kind)\"), and a round carries \(room) from each; use a coarser grid, or fewer groups, strata, covariates or levels"
        )
    }

    package var isFinished: Bool { queries.isEmpty }

    /// Lanes of this round's answer.
    package var laneCount: Int { queries.reduce(0) { $0 + self.laneCount(of: $1) } }

    package var statements: [QueryStatement] {
        queries.compactMap { query in plan.analysis(query.analysis).map { QueryStatement(query, in: $0) } }
    }

    /// For each query of this round that is an evaluation of a model, its analysis.
    package var evaluations: [String] {
        queries.compactMap { query in
            plan.analysis(query.analysis).flatMap {
                query.summation(in: $0).isEvaluation ? query.analysis : nil
            }
        }
    }

    /// Takes the sum of this round's answers over all sites and moves on.
    ///
    /// Throws `StudyError.sums` if the sum does not have this round's shape. An analysis that cannot be answered fails alone.
    package mutating func receive(_ sum: [Double]) throws(StudyError) {
        guard !isFinished, sum.count == laneCount else {
            throw .sums("a sum of \(counted(sum.count, "number")) does not belong to round \(round)")
        }
        var rest = sum[...]
        for index in analyses.indices {
            let answers = analyses[index].asked.map { query in
                let lanes = rest.prefix(self.laneCount(of: query))
                rest = rest.dropFirst(lanes.count)
                return Answer(lanes: lanes)
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
    /// What it asks next, in order; the first `askedCount` of them in this round.
    private var pending: [Query]
    private var askedCount = 0
    /// Answers that came before those that are still asked for.
    private var answers: [Answer] = []
    private(set) var result: AnalysisResult?
    private(set) var levelTotals: [Int]?
    private(set) var spreadTotals: [Int]?
    private(set) var thinnestInterval: Int?
    private var meanTime: Double?
    private var course: Course = .counting

    private enum Course: Sendable {
        case counting
        case locating(TimeSearch, CohortCounts)
        case underWay(any AnalysisCourse)
    }

    init(_ plan: AnalysisPlan, privacy: StudyFile.Privacy) {
        self.plan = plan
        self.privacy = privacy
        pending = [Query(analysis: plan.id, CountsQuestion())]
    }

    /// The questions of this round.
    var asked: ArraySlice<Query> { pending.prefix(askedCount) }

    /// The questions that no round has asked yet.
    var waiting: ArraySlice<Query> { pending.dropFirst(askedCount) }

    /// The first of those that wait is asked in this round.
    mutating func ask() { askedCount += 1 }

    /// Takes the summed answers to the questions asked, one for each; goes on once all that it needs is there.
    mutating func receive(_ answers: [Answer]) {
        pending.removeFirst(askedCount)
        askedCount = 0
        self.answers += answers
        guard pending.isEmpty else { return }
        let complete = self.answers
        self.answers = []
        do { try takeUp(complete) } catch { fail(error) }
    }

    private mutating func takeUp(_ answers: [Answer]) throws {
        let trouble = answers.reduce(into: Trouble()) { $0.formUnion($1.trouble) }
        if trouble.contains(.unanswerable) { throw StudyError.sums(trouble.reason) }
        switch course {
        case .counting: try begin(try answers.numbers[0])
        case .locating(var search, let counts):
            if let times = try search.receive(try answers.numbers[0]) {
                plan.axis = TimeAxis(plan.endpoint.hasEntry ? times.marked(at: plan.pointTimes) : times)
                start(counts)
            } else {
                locate(search, counts)
            }
        case .underWay(var course):
            let step = try course.receive(answers)
            thinnestInterval = course.thinnestInterval
            self.course = .underWay(course)
            switch step {
            case .ask(let questions): pend(questions)
            case .finish(let result): finish(result)
            }
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
        meanTime = layout.meanTime(sum)
        if let range = plan.searchRange {
            locate(TimeSearch(range: range, rows: counts.rows), counts)
        } else {
            start(counts)
        }
    }

    private mutating func locate(_ search: TimeSearch, _ counts: CohortCounts) {
        course = .locating(search, counts)
        pend([TimesQuestion(search.cells)])
    }

    private mutating func start(_ counts: CohortCounts) {
        let course = plan.kind.course(plan, counts: counts, privacy: privacy)
        self.course = .underWay(course)
        pend(course.opening)
    }

    /// Asks what the study announced to the people who approved it, and nothing else.
    private mutating func pend(_ questions: [any Question]) {
        let announced = plan.questions
        if let other = questions.first(where: { question in !announced.contains { $0 == type(of: question) } }
        ) {
            return fail(StudyError.sums("the question \(type(of: other).name) was not announced"))
        }
        let found = plan.searchRange == nil ? nil : plan.axis
        pending = questions.map { Query(analysis: plan.id, $0, axis: found, meanTime: meanTime) }
    }

    private mutating func finish(_ result: AnalysisResult) {
        self.result = result
        (pending, askedCount, answers) = ([], 0, [])
    }
}

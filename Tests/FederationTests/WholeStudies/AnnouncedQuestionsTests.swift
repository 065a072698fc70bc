import ReferenceStudies
import Survival
import Testing

@testable import Federation

/// What the people who approve a study are shown is what its run asks.
struct AnnouncedQuestionsTests {
    @Test func `each question that a reference case asks was shown, with its numbers named`() throws {
        var kinds: Set<String> = []
        for reference in ReferenceCase.all {
            for way in [CaseStudy.Way.sites, .oneSite] {
                guard let study = CaseStudy(reference, way) else { continue }
                _ = try? study.result { run, _ in
                    for query in run.queries {
                        guard let analysis = run.plan.analysis(query.analysis) else { continue }
                        let shown = analysis.leaving(evaluationsMax: 40)
                        #expect(
                            shown.contains { $0.hasPrefix("\(query.kind), over ") },
                            "\(reference.id) asks \(query.kind)")
                        #expect(
                            query.labels(in: analysis).count == query.numberCount(in: analysis),
                            "\(reference.id): labels of \(query.kind)")
                        kinds.insert(query.kind)
                    }
                }
            }
        }
        #expect(kinds.isSuperset(of: ["counts", "times", "exits", "likelihood", "gram", "influence"]))
    }

    /// A question that no list names cannot be asked: the analysis fails at every hospital alike.
    @Test func `a question that was not announced is not asked`() throws {
        struct Curious: AnalysisCourse {
            var opening: [any Question] { [MomentsQuestion()] }
            var thinnestInterval: Int? { nil }
            func receive(_ answers: [Answer]) throws -> CourseStep { .ask([MomentsQuestion()]) }
        }
        let plan = try Ward.plan(Ward.study("analyses: [{describe: {id: t, variables: [age]}}]"))
        var analysis = try #require(plan.analysis("t"))
        analysis.kind = Overreaching(honest: try #require(analysis.description), course: Curious())
        var run = AnalysisRun(analysis, privacy: plan.study.privacy)
        run.ask()
        run.receive([
            Answer(lanes: [90, 90, 40] + [Double](repeating: 0, count: CountsLayout(analysis).count - 2))
        ])
        #expect(run.waiting.isEmpty)
        guard case .failed(_, _, let reason)? = run.result else {
            Issue.record("the analysis goes on")
            return
        }
        #expect(reason == "the question moments was not announced")
    }
}

/// A table whose course asks for more than its kind announces.
private struct Overreaching: PlannedAnalysis {
    static let name = "describe"

    let honest: DescriptionPlan
    let course: any AnalysisCourse

    var formulas: [(key: String, expression: Survival.Expression)] { honest.formulas }
    var needed: [Survival.Expression] { honest.needed }
    var described: [Survival.Expression] { honest.described }
    var compared: [Survival.Expression] { honest.compared }
    func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] { honest.levels(causes: causes) }
    var weights: Survival.Expression? { honest.weights }
    var design: ModelSpecification? { honest.design }
    var groupCount: Int { honest.groupCount }
    var groupNames: [String] { honest.groupNames }
    var exitGroupCount: Int { honest.exitGroupCount }
    var exitWeights: ExitWeights { honest.exitWeights }
    var usesTimes: Bool { honest.usesTimes }
    var comparesRows: Bool { honest.comparesRows }
    var parameterCount: Int { honest.parameterCount }
    var pointTimes: [Double] { honest.pointTimes }
    var areaTimes: [Double] { honest.areaTimes }
    var pairs: ConcordanceOptions? { honest.pairs }
    var countsRows: Bool { honest.countsRows }
    func questions(in plan: AnalysisPlan) -> [any Question.Type] { honest.questions(in: plan) }
    func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse { course }
    func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows { try honest.prepare(plan, cases, causes: causes, in: table) }
    func line(in plan: AnalysisPlan) -> String { honest.line(in: plan) }
    func summary(in plan: AnalysisPlan) -> String { honest.summary(in: plan) }
    func choices(in plan: AnalysisPlan) -> [String] { honest.choices(in: plan) }
}

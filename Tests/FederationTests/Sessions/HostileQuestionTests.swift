import Cryptography
import Federation
import Survival
import Testing

/// A hospital's session against a coordinator that asks what it may not, or when it may not.
///
/// Each forgery is otherwise in order, so that one check alone can tell; the honest request is accepted afterwards.
struct HostileQuestionTests {
    private let scene: HostileScene
    private var start: Dialogue { scene.start }
    private var late: Dialogue { scene.late }
    private var run: StudyRun { scene.run }
    private var request: RoundRequest { scene.request }

    init() throws { scene = try HostileScene.shared.get() }

    private func altered(_ change: (inout RoundRequest) throws -> Void) rethrows -> RoundRequest {
        var forged = request
        try change(&forged)
        return forged
    }

    // MARK: Questions

    @Test func `coefficients that differ by one bit are refused`() throws {
        let query = run.queries[0]
        guard var point = (query.question as? LikelihoodQuestion)?.point else {
            Issue.record("round 4 asks for no likelihood")
            return
        }
        #expect(point.beta[0] != 0)
        point.beta[0] = point.beta[0].nextUp
        // The statement agrees with itself: its digest is that of the altered question.
        let forged = Query(
            analysis: query.analysis, LikelihoodQuestion(point.coordinates, beta: point.beta))
        let plan = try #require(late.plan.analysis(query.analysis))
        #expect(QueryStatement(query, in: plan) == request.statements[0])
        try scene.expectRefused(
            altered { $0.statements[0] = QueryStatement(forged, in: plan) }, .untrusted,
            "asks what does not follow")
    }

    @Test func `working coordinates that differ by one bit are refused`() throws {
        let query = run.queries[0]
        guard var point = (query.question as? LikelihoodQuestion)?.point else { return }
        point.coordinates.center[1] = point.coordinates.center[1].nextDown
        let forged = Query(
            analysis: query.analysis, LikelihoodQuestion(point.coordinates, beta: point.beta))
        let plan = try #require(late.plan.analysis(query.analysis))
        try scene.expectRefused(
            altered { $0.statements[0] = QueryStatement(forged, in: plan) }, .untrusted,
            "asks what does not follow")
    }

    @Test func `a minus zero for a zero is refused`() throws {
        let plan = try #require(start.plan.analysis("m"))
        let coordinates = Coordinates(center: [0, 0], scale: [1, 1])
        let zero = Query(analysis: "m", LikelihoodQuestion(coordinates, beta: [0, 0]))
        let minus = Query(analysis: "m", LikelihoodQuestion(coordinates, beta: [0, -0.0]))
        #expect(QueryStatement(zero, in: plan) != QueryStatement(minus, in: plan))
    }

    @Test func `an event time moved by one position is refused`() throws {
        let index = try #require(run.queries.firstIndex { $0.kind == "gram" || $0.kind == "risk-sums" })
        let query = run.queries[index]
        func moved(_ grid: EventGrid) -> EventGrid {
            var grid = grid
            grid.strata[0].times[0] += 1
            return grid
        }
        let question: any Question
        switch query.question {
        case var sums as RiskSumsQuestion:
            sums.grid = moved(sums.grid)
            question = sums
        case var gram as GramQuestion:
            gram.grid = moved(gram.grid)
            question = gram
        default: return
        }
        let plan = try #require(late.plan.analysis(query.analysis))
        let forged = QueryStatement(Query(analysis: query.analysis, question), in: plan)
        try scene.expectRefused(
            altered { $0.statements[index] = forged }, .untrusted, "asks what does not follow")
    }

    @Test func `another kind, analysis or number of lanes is refused`() throws {
        try scene.expectRefused(
            altered { $0.statements[0].kind = "moments" }, .untrusted, "asks what does not follow")
        try scene.expectRefused(
            altered { $0.statements[0].analysis = "c" }, .untrusted, "asks what does not follow")
        try scene.expectRefused(
            altered { $0.statements[0].lanes += 1 }, .untrusted, "asks what does not follow")
    }

    @Test func `a question too many, too few, or in another order is refused`() throws {
        try scene.expectRefused(
            altered { $0.statements.append($0.statements[0]) }, .untrusted, "asks what does not follow")
        try scene.expectRefused(
            altered { $0.statements.removeLast() }, .untrusted, "asks what does not follow")
        try scene.expectRefused(altered { $0.statements.reverse() }, .untrusted, "asks what does not follow")
    }

    @Test func `closing before the end is refused`() throws {
        try scene.expectRefused(altered { $0.statements = [] }, .untrusted, "asks what does not follow")
    }

    // MARK: Order of rounds

    @Test func `a round asked twice, left out, or of another session is refused`() throws {
        try scene.expectRefused(scene.requests[2], .outOfPlace, "round 3 does not follow round 3")
        try scene.expectRefused(altered { $0.round = 5 }, .outOfPlace, "round 5 does not follow round 3")
        try scene.expectRefused(altered { $0.round = 0 }, .outOfPlace, "round 0 does not follow round 3")
        try scene.expectRefused(
            altered { $0.session = SHA256Digest(of: "another".utf8) }, .outOfPlace, "round 4 does not follow")
        var member = late.members[0]
        _ = try member.accept(request, under: late.trustView)
        expectRefusal(.outOfPlace, "round 4 does not follow round 4") {
            _ = try member.accept(request, under: late.trustView)
        }
    }

    @Test func `a round before the roster, and an answer before a round, are refused`() throws {
        var member = try SiteSession(
            opening: start.opening, plan: start.plan, site: "site-1", policy: .local,
            secret: [UInt8](repeating: 1, count: 32))
        let first = try #require(start.coordinator.request)
        expectRefusal(.outOfPlace, "before the roster") {
            _ = try member.accept(first, under: start.trustView)
        }
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: start.cohorts[0]) }
        member = start.members[0]
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: start.cohorts[0]) }
    }

    /// Two vectors under one mask would give away their difference.
    @Test func `a round is answered once, also from other rows`() throws {
        var member = late.members[0]
        _ = try member.accept(request, under: late.trustView)
        _ = try member.answer(from: late.cohorts[0])
        for cohort in late.cohorts {
            expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: cohort) }
        }
        member = late.members[0]
        _ = try member.accept(request, under: late.trustView)
        member.countEvaluations()
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: late.cohorts[0]) }
    }

    @Test func `after the end nothing is answered`() throws {
        var dialogue = late
        _ = try dialogue.finish()
        let closing = try #require(dialogue.coordinator.request)
        var member = dialogue.members[0]
        guard case .finished(let result?) = try member.accept(closing, under: dialogue.trustView) else {
            Issue.record("not finished")
            return
        }
        #expect(result == dialogue.coordinator.result)
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: dialogue.cohorts[0]) }
        var next = closing
        next.round += 1
        for request in [closing, next] {
            expectRefusal(.outOfPlace, "the session is over") {
                _ = try member.accept(request, under: dialogue.trustView)
            }
        }
    }

    // MARK: Restart

    @Test func `a session fed its stored messages again gives the same answer`() throws {
        var dialogue = start
        var restored = try SiteSession(
            opening: start.opening, plan: start.plan, site: "site-1", policy: .local,
            secret: SHA256Digest(of: "a session site-1".utf8).bytes)
        _ = try restored.join(try #require(start.coordinator.roster), under: start.trustView)
        for _ in 1..<4 {
            _ = try restored.accept(try #require(dialogue.coordinator.request), under: start.trustView)
            restored.countEvaluations()
            try dialogue.answerRound()
        }
        let request = try #require(dialogue.coordinator.request)
        var member = dialogue.members[0]
        _ = try restored.accept(request, under: start.trustView)
        _ = try member.accept(request, under: start.trustView)
        #expect(try restored.answer(from: start.cohorts[0]) == member.answer(from: start.cohorts[0]))
    }
}

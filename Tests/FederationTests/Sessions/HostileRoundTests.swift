import Cryptography
import Federation
import Survival
import Testing

/// A hospital's session against a coordinator that tampers with the rounds.
///
/// Each forgery is otherwise in order, so that one check alone can tell; the honest request is accepted afterwards.
struct HostileRoundTests {
    private static let study = Ward.study(
        """
        analyses:
          - cox: {id: m, terms: [age, marker]}
          - cox: {id: c, terms: [age, frail], baseline: common, times: exact}
        """)

    private let start: Dialogue
    /// At round 4, which asks at coefficients other than zero; the hospitals have not seen its request.
    private let late: Dialogue
    private let request: RoundRequest
    /// The coordinator's run at round 4, the request of round 3, and the transcript up to it.
    private let run: StudyRun
    private let requestBefore: RoundRequest
    private let transcriptBefore: Transcript

    private static let scene = Result { try Scene() }

    /// What all tests begin with; every part is a value.
    private struct Scene {
        let start: Dialogue
        let late: Dialogue
        let run: StudyRun
        let requests: [RoundRequest]
        let transcripts: [Transcript]

        init() throws {
            let patients = Patient.random(90, seed: 41)
            let tables = (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) }
            var dialogue = try Dialogue(HostileRoundTests.study, tables: tables)
            try dialogue.proceed(toRound: 1)
            start = dialogue
            var run = StudyRun(plan: dialogue.plan, sites: [])
            var requests = [try #require(dialogue.coordinator.request)]
            var transcripts = [
                Transcript(
                    study: dialogue.plan.hash, roster: try #require(dialogue.coordinator.roster).hash,
                    acknowledgements: requests[0].previous)
            ]
            for round in 1..<4 {
                try dialogue.answerRound()
                let next = try #require(dialogue.coordinator.request)
                let asked = requests[round - 1]
                try run.take(
                    next.previous, round: round, request: asked.digest, of: dialogue.names,
                    under: dialogue.authority)
                var transcript = transcripts[round - 1]
                transcript.append(request: asked.digest, answers: next.previous)
                requests.append(next)
                transcripts.append(transcript)
            }
            (late, self.run, self.requests, self.transcripts) = (dialogue, run, requests, transcripts)
        }
    }

    init() throws {
        let scene = try Self.scene.get()
        (start, late, run) = (scene.start, scene.late, scene.run)
        (request, requestBefore, transcriptBefore) = (
            scene.requests[3], scene.requests[2], scene.transcripts[2]
        )
    }

    private func expectRefused(
        _ forged: RoundRequest, of dialogue: Dialogue? = nil, _ kind: ProtocolErrorKind, _ phrase: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let dialogue = dialogue ?? late
        var member = dialogue.members[0]
        expectRefusal(kind, phrase, sourceLocation: sourceLocation) {
            _ = try member.accept(forged, under: dialogue.authority)
        }
        let honest = try #require(dialogue.coordinator.request)
        guard case .answer(let statements) = try member.accept(honest, under: dialogue.authority) else {
            Issue.record("the honest request was not accepted", sourceLocation: sourceLocation)
            return
        }
        #expect(statements == honest.statements, sourceLocation: sourceLocation)
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            try member.answer(from: dialogue.cohorts[0])
        }
    }

    private func altered(_ change: (inout RoundRequest) throws -> Void) rethrows -> RoundRequest {
        var forged = request
        try change(&forged)
        return forged
    }

    // MARK: Questions

    @Test func `coefficients that differ by one bit are refused`() throws {
        let query = run.queries[0]
        guard case .likelihood(let coordinates, var beta) = query.ask else {
            Issue.record("round 4 asks for no likelihood")
            return
        }
        #expect(beta[0] != 0)
        beta[0] = beta[0].nextUp
        // The statement agrees with itself: its digest is that of the altered question.
        let forged = Query(analysis: query.analysis, ask: .likelihood(coordinates, beta: beta))
        let plan = try #require(late.plan.analysis(query.analysis))
        #expect(QueryStatement(query, in: plan) == request.statements[0])
        try expectRefused(
            altered { $0.statements[0] = QueryStatement(forged, in: plan) }, .untrusted,
            "asks what does not follow")
    }

    @Test func `working coordinates that differ by one bit are refused`() throws {
        let query = run.queries[0]
        guard case .likelihood(var coordinates, let beta) = query.ask else { return }
        coordinates.center[1] = coordinates.center[1].nextDown
        let forged = Query(analysis: query.analysis, ask: .likelihood(coordinates, beta: beta))
        let plan = try #require(late.plan.analysis(query.analysis))
        try expectRefused(
            altered { $0.statements[0] = QueryStatement(forged, in: plan) }, .untrusted,
            "asks what does not follow")
    }

    @Test func `a minus zero for a zero is refused`() throws {
        let plan = try #require(start.plan.analysis("m"))
        let coordinates = Query.Coordinates(center: [0, 0], scale: [1, 1])
        let zero = Query(analysis: "m", ask: .likelihood(coordinates, beta: [0, 0]))
        let minus = Query(analysis: "m", ask: .likelihood(coordinates, beta: [0, -0.0]))
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
        let ask: Query.Ask
        switch query.ask {
        case .riskSums(let coordinates, let beta, let grid):
            ask = .riskSums(coordinates, beta: beta, moved(grid))
        case .gram(let coordinates, let beta, let grid, let hazard):
            ask = .gram(coordinates, beta: beta, moved(grid), hazard)
        default: return
        }
        let plan = try #require(late.plan.analysis(query.analysis))
        let forged = QueryStatement(Query(analysis: query.analysis, ask: ask), in: plan)
        try expectRefused(altered { $0.statements[index] = forged }, .untrusted, "asks what does not follow")
    }

    @Test func `another kind, analysis or number of lanes is refused`() throws {
        try expectRefused(
            altered { $0.statements[0].kind = "moments" }, .untrusted, "asks what does not follow")
        try expectRefused(
            altered { $0.statements[0].analysis = "c" }, .untrusted, "asks what does not follow")
        try expectRefused(altered { $0.statements[0].lanes += 1 }, .untrusted, "asks what does not follow")
    }

    @Test func `a question too many, too few, or in another order is refused`() throws {
        try expectRefused(
            altered { $0.statements.append($0.statements[0]) }, .untrusted, "asks what does not follow")
        try expectRefused(altered { $0.statements.removeLast() }, .untrusted, "asks what does not follow")
        try expectRefused(altered { $0.statements.reverse() }, .untrusted, "asks what does not follow")
    }

    @Test func `closing before the end is refused`() throws {
        try expectRefused(altered { $0.statements = [] }, .untrusted, "asks what does not follow")
    }

    // MARK: Order of rounds

    @Test func `a round asked twice, left out, or of another session is refused`() throws {
        try expectRefused(requestBefore, .outOfPlace, "round 3 does not follow round 3")
        try expectRefused(altered { $0.round = 5 }, .outOfPlace, "round 5 does not follow round 3")
        try expectRefused(altered { $0.round = 0 }, .outOfPlace, "round 0 does not follow round 3")
        try expectRefused(
            altered { $0.session = SHA256Digest(of: "another".utf8) }, .outOfPlace, "round 4 does not follow")
        var member = late.members[0]
        _ = try member.accept(request, under: late.authority)
        expectRefusal(.outOfPlace, "round 4 does not follow round 4") {
            _ = try member.accept(request, under: late.authority)
        }
    }

    @Test func `a round before the roster, and an answer before a round, are refused`() throws {
        var member = try SiteSession(
            opening: start.opening, plan: start.plan, site: "site-1", policy: .local,
            secret: [UInt8](repeating: 1, count: 32))
        let first = try #require(start.coordinator.request)
        expectRefusal(.outOfPlace, "before the roster") {
            _ = try member.accept(first, under: start.authority)
        }
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: start.cohorts[0]) }
        member = start.members[0]
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: start.cohorts[0]) }
    }

    /// Two vectors under one mask would give away their difference.
    @Test func `a round is answered once, also from other rows`() throws {
        var member = late.members[0]
        _ = try member.accept(request, under: late.authority)
        _ = try member.answer(from: late.cohorts[0])
        for cohort in late.cohorts {
            expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: cohort) }
        }
        member = late.members[0]
        _ = try member.accept(request, under: late.authority)
        member.countEvaluations()
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: late.cohorts[0]) }
    }

    @Test func `after the end nothing is answered`() throws {
        var dialogue = late
        _ = try dialogue.finish()
        let closing = try #require(dialogue.coordinator.request)
        var member = dialogue.members[0]
        guard case .finished(let result?) = try member.accept(closing, under: dialogue.authority) else {
            Issue.record("not finished")
            return
        }
        #expect(result == dialogue.coordinator.result)
        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: dialogue.cohorts[0]) }
        var next = closing
        next.round += 1
        for request in [closing, next] {
            expectRefusal(.outOfPlace, "the session is over") {
                _ = try member.accept(request, under: dialogue.authority)
            }
        }
    }

    // MARK: What the others are said to have answered

    /// The last round's answers with one of them replaced; the transcript is made to fit.
    private func request(replacing site: Int, by answer: SignedMessage) throws -> RoundRequest {
        var previous = request.previous
        previous[site] = answer
        return request(with: previous)
    }

    private func request(with previous: [SignedMessage]) -> RoundRequest {
        var transcript = transcriptBefore
        transcript.append(request: requestBefore.digest, answers: previous)
        return altered {
            $0.previous = previous
            $0.transcript = transcript.digest
        }
    }

    private func answer(_ site: Int) throws -> RoundAnswer {
        try request.previous[site].open(as: RoundAnswer.self, under: late.authority).content
    }

    @Test func `a forged bundle with a fitting transcript is told apart by its content alone`() throws {
        #expect(request(with: request.previous) == request)
    }

    @Test func `a vector that another hospital has signed is refused`() throws {
        try expectRefused(
            request(replacing: 1, by: late.signed(answer(1), by: 2)), .untrusted,
            "answer of site-2 to round 3 is not")
        try expectRefused(
            request(replacing: 1, by: SignedMessage(answer(1), by: late.office)), .untrusted,
            "answer of site-2 to round 3 is not")
    }

    @Test func `a hospital's vector in another's place is refused`() throws {
        try expectRefused(
            request(replacing: 1, by: request.previous[2]), .untrusted, "answer of site-2 to round 3 is not")
        var posing = try answer(1)
        posing.site = "site-3"
        try expectRefused(
            request(replacing: 1, by: late.signed(posing, by: 1)), .untrusted,
            "answer of site-2 to round 3 is not")
    }

    @Test func `a vector without a fitting signature is refused`() throws {
        let signed = request.previous[1]
        let lanes = try answer(1).lanes
        var other = try answer(1)
        other.lanes = MaskedVector(lanes: lanes.lanes.map { $0 &+ 1 })
        let payload = String(decoding: CanonicalJSON.bytes(other), as: UTF8.self)
        try expectRefused(
            request(replacing: 1, by: signed.altered(payload: payload)), .untrusted, "signature")
    }

    @Test func `an old vector, or an answer to another question, is refused`() throws {
        var other = try answer(1)
        other.round = 2
        try expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .untrusted,
            "answered another question than round 3")
        other = try answer(1)
        other.request = SHA256Digest(of: "another".utf8)
        try expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .untrusted,
            "answered another question than round 3")
    }

    /// A hospital that helps the coordinator signs anything, but cannot know the others' masks.
    @Test func `a made-up vector of a colluding hospital is refused, as the masks do not cancel`() throws {
        var other = try answer(1)
        other.lanes = MaskedVector(lanes: other.lanes.lanes.map { _ in 7 })
        try expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .failed, "masks do not cancel")
        other.lanes = MaskedVector(lanes: [1, 0])
        try expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .failed,
            "a length that this round does not have")
    }

    @Test func `a bundle in another order, one too short or one too long is refused`() throws {
        try expectRefused(
            request(with: request.previous.reversed()), .untrusted, "answer of site-1 to round 3 is not")
        try expectRefused(request(with: Array(request.previous.dropLast())), .outOfPlace, "lacks an answer")
        try expectRefused(
            request(with: request.previous + [request.previous[0]]), .outOfPlace, "lacks an answer")
        try expectRefused(request(with: []), .outOfPlace, "lacks an answer")
    }

    @Test func `another kind of message in the bundle is refused`() throws {
        let hello = try late.signed(late.members[1].hello, by: 1)
        try expectRefused(
            request(replacing: 1, by: hello), .malformed, #"the message "answer" was expected, not "hello""#)
    }

    @Test func `another transcript is refused`() throws {
        try expectRefused(
            altered { $0.transcript = SHA256Digest(of: "another".utf8) }, .untrusted,
            "not the one that this hospital saw")
    }

    /// ECDSA signatures differ each time; the masks are bound to the request's every byte, so everyone must see the same ones.
    @Test func `another signature on the same vector is another request`() throws {
        let resigned = try request(replacing: 1, by: late.signed(answer(1), by: 1))
        #expect(resigned.transcript == request.transcript && resigned.digest != request.digest)
        var members = late.members
        for (site, request) in zip(members.indices, [request, resigned, resigned]) {
            _ = try members[site].accept(request, under: late.authority)
        }
        let answers = try members.indices.map { try members[$0].answer(from: late.cohorts[$0]).lanes }
        #expect(throws: StudyError.self) { try MaskedVector.sum(answers, count: run.laneCount) }
    }

    // MARK: Acknowledgements

    private func first(replacing site: Int, by ack: SignedMessage) throws -> RoundRequest {
        var forged = try #require(start.coordinator.request)
        forged.previous[site] = ack
        let roster = try #require(start.coordinator.roster)
        forged.transcript =
            Transcript(study: start.plan.hash, roster: roster.hash, acknowledgements: forged.previous).digest
        return forged
    }

    @Test func `an acknowledgement of another roster, session or hospital is refused`() throws {
        let roster = try #require(start.coordinator.roster).hash
        let other = SHA256Digest(of: "another".utf8)
        let honest = RosterAcknowledgement(session: start.opening.session, site: "site-2", roster: roster)
        var ack = honest
        ack.roster = other
        try expectRefused(
            first(replacing: 1, by: start.signed(ack, by: 1)), of: start, .untrusted,
            "site-2 was shown another roster")
        ack = honest
        ack.session = other
        try expectRefused(
            first(replacing: 1, by: start.signed(ack, by: 1)), of: start, .untrusted, "is not from site-2")
        ack = honest
        ack.site = "site-3"
        try expectRefused(
            first(replacing: 1, by: start.signed(ack, by: 1)), of: start, .untrusted, "is not from site-2")
        try expectRefused(
            first(replacing: 1, by: start.signed(honest, by: 2)), of: start, .untrusted, "is not from site-2")
    }

    @Test func `a first round without every acknowledgement is refused`() throws {
        var forged = try #require(start.coordinator.request)
        forged.previous.removeLast()
        try expectRefused(forged, of: start, .outOfPlace, "not every hospital has seen the roster")
        let first = try #require(start.coordinator.request)
        try expectRefused(
            self.first(replacing: 1, by: start.signed(start.members[1].hello, by: 1)), of: start, .malformed,
            #"the message "ack" was expected, not "hello""#)
        #expect(try self.first(replacing: 1, by: first.previous[1]) == first)
    }

    @Test func `a hospital whose certificate is withdrawn in the middle ends the session`() throws {
        var member = late.members[0]
        let authority = try late.consortium.authority(revoking: [late.signers[2]])
        expectRefusal(.untrusted, "revoked") { _ = try member.accept(request, under: authority) }
    }

    // MARK: Split views

    /// Hospital 3 helps the coordinator: it signs two vectors for round 1, so that hospitals 1 and 2 see different sums.
    @Test func `hospitals that are shown different sums send noise in the next round`() throws {
        var dialogue = start
        let asked = try #require(dialogue.coordinator.request)
        var answers: [RoundAnswer] = []
        for site in dialogue.members.indices {
            _ = try dialogue.members[site].accept(asked, under: dialogue.authority)
            answers.append(try dialogue.members[site].answer(from: dialogue.cohorts[site]))
        }
        var twin = answers[2]
        var lanes = twin.lanes.lanes
        lanes[4] &+= 1 << 72  // one more row dropped
        twin.lanes = MaskedVector(lanes: lanes)

        let roster = try #require(dialogue.coordinator.roster)
        func next(_ third: RoundAnswer) throws -> RoundRequest {
            let previous = try [answers[0], answers[1], third].enumerated().map {
                try dialogue.signed($0.element, by: $0.offset)
            }
            var transcript = Transcript(
                study: dialogue.plan.hash, roster: roster.hash, acknowledgements: asked.previous)
            transcript.append(request: asked.digest, answers: previous)
            var run = StudyRun(plan: dialogue.plan, sites: [])
            try run.take(
                previous, round: 1, request: asked.digest, of: dialogue.names, under: dialogue.authority)
            return RoundRequest(
                session: dialogue.opening.session, round: 2, transcript: transcript.digest,
                statements: run.statements,
                previous: previous)
        }
        let (one, other) = (try next(answers[2]), try next(twin))
        let count = one.statements.reduce(0) { $0 + $1.lanes }
        func masked(_ requests: [RoundRequest]) throws -> [MaskedVector] {
            try requests.enumerated().map { site, request in
                var member = dialogue.members[site]
                _ = try member.accept(request, under: dialogue.authority)
                return try member.answer(from: dialogue.cohorts[site]).lanes
            }
        }
        #expect(throws: StudyError.self) { try MaskedVector.sum(masked([one, other, one]), count: count) }
        #expect(throws: StudyError.self) { try MaskedVector.sum(masked([one, other, other]), count: count) }
        #expect(throws: Never.self) { try MaskedVector.sum(masked([one, one, one]), count: count) }
        #expect(throws: Never.self) { try MaskedVector.sum(masked([other, other, other]), count: count) }
    }

    // MARK: Restart

    @Test func `a session fed its stored messages again gives the same answer`() throws {
        var dialogue = start
        var restored = try SiteSession(
            opening: start.opening, plan: start.plan, site: "site-1", policy: .local,
            secret: SHA256Digest(of: "a session site-1".utf8).bytes)
        _ = try restored.join(try #require(start.coordinator.roster), under: start.authority)
        for _ in 1..<4 {
            _ = try restored.accept(try #require(dialogue.coordinator.request), under: start.authority)
            restored.countEvaluations()
            try dialogue.answerRound()
        }
        let request = try #require(dialogue.coordinator.request)
        var member = dialogue.members[0]
        _ = try restored.accept(request, under: start.authority)
        _ = try member.accept(request, under: start.authority)
        #expect(try restored.answer(from: start.cohorts[0]) == member.answer(from: start.cohorts[0]))
    }
}

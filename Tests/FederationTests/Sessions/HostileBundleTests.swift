import Cryptography
import Federation
import Survival
import TestConsortia
import Testing

/// A hospital's session against a coordinator that lies about what the other hospitals have said.
///
/// Each forgery is otherwise in order, so that one check alone can tell; the honest request is accepted afterwards.
struct HostileBundleTests {
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

    // MARK: Answers

    /// The last round's answers with one of them replaced; the transcript is made to fit.
    private func request(replacing site: Int, by answer: SignedMessage) throws -> RoundRequest {
        var previous = request.previous
        previous[site] = answer
        return request(with: previous)
    }

    private func request(with previous: [SignedMessage]) -> RoundRequest {
        var transcript = scene.transcripts[2]
        transcript.append(request: scene.requests[2].digest, answers: previous)
        return altered {
            $0.previous = previous
            $0.transcript = transcript.digest
        }
    }

    private func answer(_ site: Int) throws -> RoundAnswer {
        try request.previous[site].open(as: RoundAnswer.self, under: late.trustView).content
    }

    @Test func `a forged bundle with a fitting transcript is told apart by its content alone`() throws {
        #expect(request(with: request.previous) == request)
    }

    @Test func `a vector that another hospital has signed is refused`() throws {
        try scene.expectRefused(
            request(replacing: 1, by: late.signed(answer(1), by: 2)), .untrusted,
            "answer of site-2 to round 3 is not")
        try scene.expectRefused(
            request(replacing: 1, by: SignedMessage(answer(1), by: late.office)), .untrusted,
            "answer of site-2 to round 3 is not")
    }

    @Test func `a hospital's vector in another's place is refused`() throws {
        try scene.expectRefused(
            request(replacing: 1, by: request.previous[2]), .untrusted, "answer of site-2 to round 3 is not")
        var posing = try answer(1)
        posing.site = "site-3"
        try scene.expectRefused(
            request(replacing: 1, by: late.signed(posing, by: 1)), .untrusted,
            "answer of site-2 to round 3 is not")
    }

    @Test func `a vector without a fitting signature is refused`() throws {
        let signed = request.previous[1]
        let lanes = try answer(1).lanes
        var other = try answer(1)
        other.lanes = MaskedVector(lanes: lanes.lanes.map { $0 &+ 1 })
        let payload = String(decoding: CanonicalJSON.bytes(other), as: UTF8.self)
        try scene.expectRefused(
            request(replacing: 1, by: signed.altered(payload: payload)), .untrusted, "signature")
    }

    @Test func `an old vector, or an answer to another question, is refused`() throws {
        var other = try answer(1)
        other.round = 2
        try scene.expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .untrusted,
            "answered another question than round 3")
        other = try answer(1)
        other.request = SHA256Digest(of: "another".utf8)
        try scene.expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .untrusted,
            "answered another question than round 3")
    }

    /// A hospital that helps the coordinator signs anything, but cannot know the others' masks.
    @Test func `a made-up vector of a colluding hospital is refused, as the masks do not cancel`() throws {
        var other = try answer(1)
        other.lanes = MaskedVector(lanes: other.lanes.lanes.map { _ in 7 })
        try scene.expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .failed, "masks do not cancel")
        other.lanes = MaskedVector(lanes: [1, 0])
        try scene.expectRefused(
            request(replacing: 1, by: late.signed(other, by: 1)), .failed,
            "a length that this round does not have")
    }

    @Test func `a bundle in another order, one too short or one too long is refused`() throws {
        try scene.expectRefused(
            request(with: request.previous.reversed()), .untrusted, "answer of site-1 to round 3 is not")
        try scene.expectRefused(
            request(with: Array(request.previous.dropLast())), .outOfPlace, "lacks an answer")
        try scene.expectRefused(
            request(with: request.previous + [request.previous[0]]), .outOfPlace, "lacks an answer")
        try scene.expectRefused(request(with: []), .outOfPlace, "lacks an answer")
    }

    @Test func `another kind of message in the bundle is refused`() throws {
        let hello = try late.signed(late.members[1].hello, by: 1)
        try scene.expectRefused(
            request(replacing: 1, by: hello), .malformed, #"the message "answer" was expected, not "hello""#)
    }

    @Test func `another transcript is refused`() throws {
        try scene.expectRefused(
            altered { $0.transcript = SHA256Digest(of: "another".utf8) }, .untrusted,
            "not the one that this hospital saw")
    }

    /// ECDSA signatures differ each time; the masks are bound to the request's every byte, so everyone must see the same ones.
    @Test func `another signature on the same vector is another request`() throws {
        let resigned = try request(replacing: 1, by: late.signed(answer(1), by: 1))
        #expect(resigned.transcript == request.transcript && resigned.digest != request.digest)
        var members = late.members
        for (site, request) in zip(members.indices, [request, resigned, resigned]) {
            _ = try members[site].accept(request, under: late.trustView)
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
        try scene.expectRefused(
            first(replacing: 1, by: start.signed(ack, by: 1)), atStart: true, .untrusted,
            "site-2 was shown another roster")
        ack = honest
        ack.session = other
        try scene.expectRefused(
            first(replacing: 1, by: start.signed(ack, by: 1)), atStart: true, .untrusted, "is not from site-2"
        )
        ack = honest
        ack.site = "site-3"
        try scene.expectRefused(
            first(replacing: 1, by: start.signed(ack, by: 1)), atStart: true, .untrusted, "is not from site-2"
        )
        try scene.expectRefused(
            first(replacing: 1, by: start.signed(honest, by: 2)), atStart: true, .untrusted,
            "is not from site-2")
    }

    @Test func `a first round without every acknowledgement is refused`() throws {
        var forged = try #require(start.coordinator.request)
        forged.previous.removeLast()
        try scene.expectRefused(forged, atStart: true, .outOfPlace, "not every hospital has seen the roster")
        let first = try #require(start.coordinator.request)
        try scene.expectRefused(
            self.first(replacing: 1, by: start.signed(start.members[1].hello, by: 1)), atStart: true,
            .malformed,
            #"the message "ack" was expected, not "hello""#)
        #expect(try self.first(replacing: 1, by: first.previous[1]) == first)
    }

    @Test func `a hospital whose certificate is withdrawn in the middle ends the session`() throws {
        var member = late.members[0]
        let trustView = try late.consortium.trustView(revoking: [late.signers[2]])
        expectRefusal(.untrusted, "revoked") { _ = try member.accept(request, under: trustView) }
    }

    // MARK: Split views

    /// Hospital 3 helps the coordinator: it signs two vectors for round 1, so that hospitals 1 and 2 see different sums.
    @Test func `hospitals that are shown different sums send noise in the next round`() throws {
        var dialogue = start
        let asked = try #require(dialogue.coordinator.request)
        var answers: [RoundAnswer] = []
        for site in dialogue.members.indices {
            _ = try dialogue.members[site].accept(asked, under: dialogue.trustView)
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
                previous, round: 1, request: asked.digest, of: dialogue.names, under: dialogue.trustView)
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
                _ = try member.accept(request, under: dialogue.trustView)
                return try member.answer(from: dialogue.cohorts[site]).lanes
            }
        }
        #expect(throws: StudyError.self) { try MaskedVector.sum(masked([one, other, one]), count: count) }
        #expect(throws: StudyError.self) { try MaskedVector.sum(masked([one, other, other]), count: count) }
        #expect(throws: Never.self) { try MaskedVector.sum(masked([one, one, one]), count: count) }
        #expect(throws: Never.self) { try MaskedVector.sum(masked([other, other, other]), count: count) }
    }
}

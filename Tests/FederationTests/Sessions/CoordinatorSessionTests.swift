import Cryptography
import Federation
import Survival
import TestConsortia
import Testing

/// The coordinator's side of a session, message by message.
struct CoordinatorSessionTests {
    private static let study = Ward.study("analyses: [{cox: {id: m, terms: [age, marker]}}]")
    private let start: Dialogue

    private static let scene = Result {
        let patients = Patient.random(90, seed: 60)
        return try Dialogue(
            CoordinatorSessionTests.study,
            tables: (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) })
    }

    init() throws { start = try Self.scene.get() }

    /// The dialogue at the first round, with one answer given.
    private func inRound() throws -> (dialogue: Dialogue, answers: [RoundAnswer]) {
        var dialogue = start
        try dialogue.proceed(toRound: 1)
        let request = try #require(dialogue.coordinator.request)
        let answers = try dialogue.members.indices.map { site in
            _ = try dialogue.members[site].accept(request, under: dialogue.trustView)
            return try dialogue.members[site].answer(from: dialogue.cohorts[site])
        }
        return (dialogue, answers)
    }

    // MARK: The honest course

    @Test func `a session gathers keys, acknowledgements and answers, and says whom it waits for`() throws {
        var dialogue = start
        #expect(dialogue.coordinator.phase == .gatheringKeys)
        #expect(dialogue.coordinator.waitingFor == ["site-1", "site-2", "site-3"])
        #expect(dialogue.coordinator.roster == nil && dialogue.coordinator.request == nil)
        try dialogue.deliver(dialogue.members[1].hello, from: 1)
        #expect(dialogue.coordinator.waitingFor == ["site-1", "site-3"])
        try dialogue.deliver(dialogue.members[0].hello, from: 0)
        try dialogue.deliver(dialogue.members[2].hello, from: 2)
        #expect(dialogue.coordinator.phase == .gatheringAcknowledgements)
        #expect(dialogue.coordinator.waitingFor == ["site-1", "site-2", "site-3"])
        try dialogue.acknowledge()
        #expect(dialogue.coordinator.phase == .round(1))
        #expect(dialogue.coordinator.statements.map(\.kind) == ["counts"])
        #expect(dialogue.coordinator.result == nil)
        try dialogue.answerRound()
        #expect(dialogue.coordinator.phase == .round(2))
        #expect(dialogue.coordinator.statements.map(\.kind) == ["moments"])
        let result = try #require(try dialogue.finish())
        #expect(dialogue.coordinator.phase == .finished)
        #expect(dialogue.coordinator.waitingFor.isEmpty && dialogue.coordinator.statements.isEmpty)
        #expect(dialogue.coordinator.request?.statements.isEmpty == true)
        #expect(dialogue.coordinator.request?.round == result.rounds + 1)
        #expect(result.sites.map(\.policyHash) == Array(repeating: DisclosurePolicy.local.hash.hex, count: 3))
    }

    @Test func `the coordinator's result is the one that every hospital forms by itself`() throws {
        var dialogue = start
        let result = try dialogue.finish()
        let closing = try #require(dialogue.coordinator.request)
        for site in dialogue.members.indices {
            guard
                case .finished(let own) = try dialogue.members[site].accept(
                    closing, under: dialogue.trustView)
            else {
                Issue.record("not finished")
                continue
            }
            #expect(own == result)
        }
    }

    @Test func `the order of messages does not matter`() throws {
        var (dialogue, answers) = try inRound()
        var other = dialogue.coordinator
        for site in [0, 1, 2] { try dialogue.deliver(answers[site], from: site) }
        for site in [2, 0, 1] {
            try other.receive(
                dialogue.signed(answers[site], by: site), from: dialogue.names[site],
                under: dialogue.trustView)
        }
        #expect(other.request?.statements == dialogue.coordinator.request?.statements)
        #expect(other.request?.transcript == dialogue.coordinator.request?.transcript)
    }

    // MARK: Repeats

    @Test func `the same message again changes nothing, also under another signature`() throws {
        var (dialogue, answers) = try inRound()
        let once = try dialogue.signed(answers[0], by: 0)
        try dialogue.coordinator.receive(once, from: "site-1", under: dialogue.trustView)
        try dialogue.coordinator.receive(once, from: "site-1", under: dialogue.trustView)
        try dialogue.deliver(answers[0], from: 0)
        #expect(dialogue.coordinator.waitingFor == ["site-2", "site-3"])
        try dialogue.deliver(answers[1], from: 1)
        try dialogue.deliver(answers[2], from: 2)
        #expect(dialogue.coordinator.phase == .round(2))
        #expect(dialogue.coordinator.request?.previous[0] == once)
    }

    @Test func `a round that a hospital holds for a person is waited for, and answered later`() throws {
        var (dialogue, answers) = try inRound()
        let session = dialogue.opening.session
        try dialogue.deliver(RoundHeld(session: session, round: 1, site: "site-2"), from: 1)
        try dialogue.deliver(RoundHeld(session: session, round: 1, site: "site-2"), from: 1)
        #expect(dialogue.coordinator.holding == ["site-2"])
        #expect(dialogue.coordinator.waitingFor == ["site-1", "site-2", "site-3"])
        for (word, site) in [
            (RoundHeld(session: session, round: 2, site: "site-1"), 0),
            (RoundHeld(session: session, round: 1, site: "site-3"), 0),
            (RoundHeld(session: dialogue.plan.hash, round: 1, site: "site-1"), 0),
        ] {
            expectRefusal(.outOfPlace, "the word that round 1 is held is not site-1's") {
                try dialogue.deliver(word, from: site)
            }
        }
        expectRefusal(.outOfPlace, "the word that round 1 is held is not site-1's") {
            let word = RoundHeld(session: session, round: 1, site: "site-1")
            try dialogue.coordinator.receive(
                dialogue.signed(word, by: 2), from: "site-1", under: dialogue.trustView)
        }
        #expect(dialogue.coordinator.holding == ["site-2"])
        for site in [0, 1, 2] { try dialogue.deliver(answers[site], from: site) }
        #expect(dialogue.coordinator.phase == .round(2) && dialogue.coordinator.holding.isEmpty)
    }

    @Test func `only a round can be held, and not by a hospital that has answered it`() throws {
        let held = RoundHeld(session: start.opening.session, round: 1, site: "site-1")
        var dialogue = start
        expectRefusal(.outOfPlace, "does not belong to this step") { try dialogue.deliver(held, from: 0) }
        var answers: [RoundAnswer]
        (dialogue, answers) = try inRound()
        try dialogue.deliver(answers[0], from: 0)
        expectRefusal(.outOfPlace, "is not site-1's") { try dialogue.deliver(held, from: 0) }
    }

    @Test func `a second, different message for one step is refused`() throws {
        var dialogue = start
        try dialogue.deliver(dialogue.members[0].hello, from: 0)
        var hello = dialogue.members[0].hello
        hello.key = dialogue.members[1].hello.key
        expectRefusal(.outOfPlace, "site-1 sent another hello for the same step") {
            try dialogue.deliver(hello, from: 0)
        }
        #expect(dialogue.coordinator.waitingFor == ["site-2", "site-3"])

        var (round, answers) = try inRound()
        try round.deliver(answers[0], from: 0)
        var other = answers[0]
        other.lanes = MaskedVector(lanes: other.lanes.lanes.map { $0 &+ 1 })
        expectRefusal(.outOfPlace, "site-1 sent another answer for the same step") {
            try round.deliver(other, from: 0)
        }
    }

    // MARK: Out of place

    @Test func `a message of another step is refused`() throws {
        var (dialogue, answers) = try inRound()
        var keys = start
        expectRefusal(.outOfPlace, #"the message "answer" does not belong to this step"#) {
            try keys.deliver(answers[0], from: 0)
        }
        let ack = RosterAcknowledgement(
            session: start.opening.session, site: "site-1", roster: SHA256Digest(of: "any".utf8))
        expectRefusal(.outOfPlace, #"the message "ack" does not belong to this step"#) {
            try keys.deliver(ack, from: 0)
        }
        expectRefusal(.outOfPlace, #"the message "hello" does not belong to this step"#) {
            try dialogue.deliver(dialogue.members[0].hello, from: 0)
        }
        expectRefusal(.outOfPlace, #"the message "ack" does not belong to this step"#) {
            try dialogue.deliver(ack, from: 0)
        }
    }

    @Test func `a hospital without a part in the session is refused`() throws {
        var dialogue = start
        let stranger = try dialogue.consortium.signer(.node("site-4"))
        let hello = try SignedMessage(dialogue.members[0].hello, by: stranger)
        expectRefusal(.outOfPlace, "site-4 has no part in this session") {
            try dialogue.coordinator.receive(hello, from: "site-4", under: dialogue.trustView)
        }
    }

    @Test func `a hospital cannot speak for another`() throws {
        var dialogue = start
        let hello = dialogue.members[0].hello
        // The connection is site-2's; the message says site-1, and is signed by either.
        for signer in [0, 1] {
            expectRefusal(.outOfPlace, "the hello is not site-2's") {
                try dialogue.coordinator.receive(
                    dialogue.signed(hello, by: signer), from: "site-2", under: dialogue.trustView)
            }
        }
        // The connection and the words are site-1's, the signature is site-2's.
        expectRefusal(.outOfPlace, "the hello is not site-1's") {
            try dialogue.coordinator.receive(
                dialogue.signed(hello, by: 1), from: "site-1", under: dialogue.trustView)
        }
        #expect(dialogue.coordinator.waitingFor.count == 3)
    }

    @Test func `nor acknowledge or answer for another`() throws {
        var dialogue = start
        try dialogue.sayHello()
        let roster = try #require(dialogue.coordinator.roster).hash
        let own = RosterAcknowledgement(session: start.opening.session, site: "site-1", roster: roster)
        let others = RosterAcknowledgement(session: start.opening.session, site: "site-2", roster: roster)
        for ack in [try dialogue.signed(own, by: 1), try dialogue.signed(others, by: 0)] {
            expectRefusal(.outOfPlace, "the acknowledgement is not site-1's") {
                try dialogue.coordinator.receive(ack, from: "site-1", under: dialogue.trustView)
            }
        }
        let (round, answers) = try inRound()
        dialogue = round
        var other = answers[0]
        other.site = "site-2"
        for answer in [try dialogue.signed(answers[0], by: 1), try dialogue.signed(other, by: 0)] {
            expectRefusal(.outOfPlace, "the answer is not site-1's to round 1") {
                try dialogue.coordinator.receive(answer, from: "site-1", under: dialogue.trustView)
            }
        }
        #expect(dialogue.coordinator.waitingFor.count == 3)
    }

    @Test func `a message of another session, study, roster, round or request is refused`() throws {
        let other = SHA256Digest(of: "another".utf8)
        var dialogue = start
        for change: (inout Hello) -> Void in [{ $0.session = other }, { $0.study = other }] {
            var hello = dialogue.members[0].hello
            change(&hello)
            expectRefusal(.outOfPlace, "the hello is not site-1's for this session") {
                try dialogue.deliver(hello, from: 0)
            }
        }
        try dialogue.sayHello()
        let roster = try #require(dialogue.coordinator.roster).hash
        for (session, roster) in [(other, roster), (dialogue.opening.session, other)] {
            let ack = RosterAcknowledgement(session: session, site: "site-1", roster: roster)
            expectRefusal(.outOfPlace, "the acknowledgement is not site-1's") {
                try dialogue.deliver(ack, from: 0)
            }
        }
        var (round, answers) = try inRound()
        for change: (inout RoundAnswer) -> Void in [
            { $0.session = other }, { $0.request = other }, { $0.round = 2 },
        ] {
            var answer = answers[0]
            change(&answer)
            expectRefusal(.outOfPlace, "the answer is not site-1's to round 1") {
                try round.deliver(answer, from: 0)
            }
        }
    }

    @Test func `a vector of another length is refused at the door`() throws {
        var (dialogue, answers) = try inRound()
        for count in [0, 2, answers[0].lanes.lanes.count - 1, answers[0].lanes.lanes.count + 1] {
            var answer = answers[0]
            answer.lanes = MaskedVector(lanes: [UInt128](repeating: 1, count: count))
            expectRefusal(.malformed, "does not have the length of round 1") {
                try dialogue.deliver(answer, from: 0)
            }
        }
        #expect(dialogue.coordinator.waitingFor.count == 3)
    }

    @Test func `a revoked hospital is refused`() throws {
        var dialogue = start
        let trustView = try dialogue.consortium.trustView(revoking: [dialogue.signers[0]])
        expectRefusal(.untrusted, "revoked") {
            try dialogue.coordinator.receive(
                dialogue.signed(dialogue.members[0].hello, by: 0), from: "site-1", under: trustView)
        }
    }

    // MARK: Ends

    @Test func `a refusal ends the session, and names the hospital and its reason`() throws {
        let words = "policy rule people-min: fewer than 20 people at this hospital"
        let refusal = Refusal(session: start.opening.session, site: "site-2", reason: words)
        var dialogues = [start]
        var acknowledging = start
        try acknowledging.sayHello()
        dialogues += [acknowledging, try inRound().dialogue]
        for var dialogue in dialogues {
            try dialogue.deliver(refusal, from: 1)
            #expect(dialogue.coordinator.phase == .refused(site: "site-2", reason: words))
            #expect(dialogue.coordinator.waitingFor.isEmpty && dialogue.coordinator.result == nil)
            for message in [
                try dialogue.signed(dialogue.members[0].hello, by: 0),
                try dialogue.signed(
                    Refusal(session: start.opening.session, site: "site-1", reason: "too"), by: 0),
            ] {
                expectRefusal(.outOfPlace, "the session is over") {
                    try dialogue.coordinator.receive(message, from: "site-1", under: dialogue.trustView)
                }
            }
        }
    }

    @Test func `a refusal counts from the hospital itself, for this session`() throws {
        var dialogue = start
        let refusal = Refusal(session: start.opening.session, site: "site-2", reason: "no")
        expectRefusal(.outOfPlace, "the refusal is not site-1's") {
            try dialogue.coordinator.receive(
                dialogue.signed(refusal, by: 1), from: "site-1", under: dialogue.trustView)
        }
        expectRefusal(.outOfPlace, "the refusal is not site-2's") {
            try dialogue.coordinator.receive(
                dialogue.signed(refusal, by: 0), from: "site-2", under: dialogue.trustView)
        }
        expectRefusal(.outOfPlace, "the refusal is not site-1's") {
            try dialogue.coordinator.receive(
                dialogue.signed(refusal, by: 0), from: "site-1", under: dialogue.trustView)
        }
        var old = refusal
        old.session = SHA256Digest(of: "another".utf8)
        expectRefusal(.outOfPlace, "the refusal is not site-2's") { try dialogue.deliver(old, from: 1) }
        #expect(dialogue.coordinator.phase == .gatheringKeys)
    }

    @Test func `a hospital may refuse after it has answered`() throws {
        var (dialogue, answers) = try inRound()
        try dialogue.deliver(answers[1], from: 1)
        try dialogue.deliver(Refusal(session: start.opening.session, site: "site-2", reason: "no"), from: 1)
        #expect(dialogue.coordinator.phase == .refused(site: "site-2", reason: "no"))
    }

    @Test func `after the end nothing is taken`() throws {
        var dialogue = start
        _ = try dialogue.finish()
        let result = dialogue.coordinator.result
        expectRefusal(.outOfPlace, "the session is over") {
            try dialogue.deliver(
                Refusal(session: start.opening.session, site: "site-2", reason: "no"), from: 1)
        }
        #expect(dialogue.coordinator.phase == .finished && dialogue.coordinator.result == result)
    }

    /// Nobody can tell whose vector is wrong, but everyone must be told that the session is over.
    @Test func `vectors whose masks do not cancel end the session with a sentence`() throws {
        var (dialogue, answers) = try inRound()
        answers[1].lanes = MaskedVector(lanes: answers[1].lanes.lanes.map { $0 &+ 1 })
        for site in [1, 2, 0] { try dialogue.deliver(answers[site], from: site) }
        guard case .failed(let reason) = dialogue.coordinator.phase else {
            Issue.record("the session goes on: \(dialogue.coordinator.phase)")
            return
        }
        #expect(reason.hasPrefix("the masks do not cancel"))
        #expect(dialogue.coordinator.waitingFor.isEmpty && dialogue.coordinator.result == nil)
        expectRefusal(.outOfPlace, "the session is over") { try dialogue.deliver(answers[0], from: 0) }
    }

    // MARK: Restart

    /// Killed after any message, the coordinator goes on from the messages it stored.
    @Test func `stored messages give a fresh session the same requests and the same result`() throws {
        var dialogue = start
        var stored: [(site: String, message: SignedMessage)] = []
        var requests: [RoundRequest] = []
        func restored() throws -> CoordinatorSession {
            var session = start.coordinator
            for (site, message) in stored { try session.receive(message, from: site, under: start.trustView) }
            return session
        }
        func deliver(_ message: SignedMessage, _ site: Int, to dialogue: inout Dialogue) throws {
            try dialogue.coordinator.receive(message, from: dialogue.names[site], under: dialogue.trustView)
            stored.append((dialogue.names[site], message))
            let again = try restored()
            #expect(
                again.phase == dialogue.coordinator.phase
                    && again.waitingFor == dialogue.coordinator.waitingFor)
            #expect(
                again.roster == dialogue.coordinator.roster && again.request == dialogue.coordinator.request)
            dialogue.coordinator = again
        }
        for site in dialogue.members.indices {
            try deliver(dialogue.signed(dialogue.members[site].hello, by: site), site, to: &dialogue)
        }
        let roster = try #require(dialogue.coordinator.roster)
        for site in dialogue.members.indices {
            let ack = try dialogue.members[site].join(roster, under: dialogue.trustView)
            try deliver(dialogue.signed(ack, by: site), site, to: &dialogue)
        }
        while case .round = dialogue.coordinator.phase {
            let request = try #require(dialogue.coordinator.request)
            requests.append(request)
            for site in dialogue.members.indices {
                _ = try dialogue.members[site].accept(request, under: dialogue.trustView)
                let answer = try dialogue.members[site].answer(from: dialogue.cohorts[site])
                try deliver(dialogue.signed(answer, by: site), site, to: &dialogue)
            }
        }
        var straight = start
        let result = try straight.finish()
        #expect(try restored().result?.analyses == result?.analyses)
        #expect(dialogue.coordinator.result == (try restored().result))
        #expect(requests.map(\.round) == Array(1...requests.count))
    }
}

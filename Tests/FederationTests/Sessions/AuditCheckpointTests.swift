import Cryptography
import Federation
import Survival
import Testing

/// Where each hospital's audit log stands travels with its hello and answers, and only by its own word.
struct AuditCheckpointTests {
    private static let study = Ward.study("analyses: [{cox: {id: m, terms: [age]}}]")

    private static func checkpoint(
        _ site: String, _ sequence: Int, at time: Int = 5, head: String = "head"
    ) -> AuditCheckpoint {
        AuditCheckpoint(
            site: site, sequence: sequence, head: SHA256Digest(of: "\(head) \(sequence)".utf8), at: time)
    }

    /// A dialogue in which each hospital's hello carries a checkpoint, up to the complete roster.
    private func dialogue(signedBy signer: (Int) -> Int = { $0 }) throws -> Dialogue {
        let patients = Patient.random(90, seed: 44)
        let tables = (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) }
        var dialogue = try Dialogue(Self.study, tables: tables)
        for site in dialogue.members.indices {
            let name = dialogue.names[site]
            dialogue.members[site] = try SiteSession(
                opening: dialogue.opening, plan: dialogue.plan, site: name, policy: .local,
                secret: SHA256Digest(of: name.utf8).bytes,
                checkpoint: try dialogue.signed(Self.checkpoint(name, 3 + site), by: signer(site)))
        }
        return dialogue
    }

    private static func sequences(_ checkpoints: [String: SignedMessage]) throws -> [String: Int] {
        try checkpoints.mapValues {
            try CanonicalJSON.decode(AuditCheckpoint.self, from: Array($0.payload.utf8)).sequence
        }
    }

    @Test func `everybody learns where the others' logs stand, round by round`() throws {
        var dialogue = try dialogue()
        try dialogue.sayHello()
        try dialogue.acknowledge()
        let first = ["site-1": 3, "site-2": 4, "site-3": 5]
        #expect(try Self.sequences(dialogue.coordinator.checkpoints) == first)
        for member in dialogue.members { #expect(try Self.sequences(member.checkpoints) == first) }
        let request = try #require(dialogue.coordinator.request)
        for site in dialogue.members.indices {
            _ = try dialogue.members[site].accept(request, under: dialogue.trustView)
            let checkpoint = try dialogue.signed(Self.checkpoint(dialogue.names[site], 9), by: site)
            let answer = try dialogue.members[site].answer(
                from: dialogue.cohorts[site], checkpoint: checkpoint)
            try dialogue.deliver(answer, from: site)
        }
        let second = ["site-1": 9, "site-2": 9, "site-3": 9]
        #expect(try Self.sequences(dialogue.coordinator.checkpoints) == second)
        var member = dialogue.members[0]
        _ = try member.accept(try #require(dialogue.coordinator.request), under: dialogue.trustView)
        #expect(try Self.sequences(member.checkpoints) == second)
        #expect(try dialogue.finish() != nil, "answers without one are taken")
    }

    @Test func `nobody vouches for another hospital's log`() throws {
        let forged = try dialogue { _ in 0 }
        let words = "the checkpoint of site-2's audit log is not from site-2"
        var coordinator = forged.coordinator
        expectRefusal(.untrusted, words) {
            try coordinator.receive(
                forged.signed(forged.members[1].hello, by: 1), from: "site-2", under: forged.trustView)
        }
        let hellos = try forged.members.indices.map { try forged.signed(forged.members[$0].hello, by: $0) }
        var member = forged.members[0]
        let opening = try SignedMessage(forged.opening, by: forged.office)
        expectRefusal(.untrusted, words) {
            _ = try member.join(Roster(opening: opening, hellos: hellos), under: forged.trustView)
        }
    }

    @Test func `nor with an answer, which is refused at the door and not held against the session`() throws {
        var dialogue = try dialogue()
        try dialogue.proceed(toRound: 1)
        let request = try #require(dialogue.coordinator.request)
        var forged = dialogue.members[1]
        _ = try forged.accept(request, under: dialogue.trustView)
        let foreign = try dialogue.signed(Self.checkpoint("site-2", 9), by: 0)
        let answer = try forged.answer(from: dialogue.cohorts[1], checkpoint: foreign)
        expectRefusal(.untrusted, "the checkpoint of site-2's audit log is not from site-2") {
            try dialogue.deliver(answer, from: 1)
        }
        #expect(try dialogue.finish() != nil)
    }

    @Test func `one log cannot have been in two states`() {
        let then = Self.checkpoint("s", 10, at: 100)
        #expect(!then.contradicts(then))
        #expect(!Self.checkpoint("s", 11, at: 100).contradicts(then))
        #expect(!Self.checkpoint("s", 11, at: 101).contradicts(then))
        #expect(!Self.checkpoint("s", 9, at: 99).contradicts(then), "it came late")
        #expect(Self.checkpoint("s", 10, at: 101, head: "other").contradicts(then), "rewritten")
        #expect(Self.checkpoint("s", 9, at: 101).contradicts(then), "cut off")
        #expect(Self.checkpoint("s", 11, at: 99).contradicts(then), "the other one is cut off")
        #expect(!Self.checkpoint("t", 9, at: 101).contradicts(then))
    }
}

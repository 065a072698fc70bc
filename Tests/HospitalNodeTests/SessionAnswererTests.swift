import Ledger
import CohortStore
import Cryptography
import Federation
import Foundation
import Logging
import Membership
import Survival
import Synchronization
import Testing

@testable import HospitalNode

/// The actor that does what was decided: a ledger and patients on disk, a connection in memory.
struct SessionAnswererTests {
    private static let model = "{cox: {id: m, terms: [age]}}"
    private let hospital: Hospital
    private let connection: MemoryConnection
    private let unstored = Unstored()

    /// The messages that were sent before the ledger had them.
    private final class Unstored: Sendable {
        let messages = Mutex<[String]>([])
    }

    init() throws {
        let hospital = try Hospital(policy: ["sites-min": "3"])
        var other = try OtherSide(
            try hospital.submission(Self.model), sites: ["north", "south", "west"],
            trustView: try hospital.administration().trustView(), signer: { try hospital.signer($0) })
        try other.letOthersSpeak()
        let (unstored, id, study) = (self.unstored, other.id, other.plan.hash)
        connection = MemoryConnection(other) { message in
            // Another reader of the file: what it sees is on disk.
            let ledger = try? hospital.administration().ledger
            let session = try? ledger?.session(id.hex)
            let bytes = CanonicalJSON.bytes(message)
            let isStored: Bool
            switch message.type {
            case Hello.type: isStored = session.flatMap { try? StoredStart(from: $0).hello } == message
            case RosterAcknowledgement.type: isStored = session?.ack == bytes
            case RoundAnswer.type:
                isStored = (try? ledger?.rounds(of: id.hex).contains { $0.answer == bytes }) == true
            case RoundHeld.type: isStored = (try? ledger?.heldRound(of: study)) != nil
            case Refusal.type: isStored = session?.outcome?.hasPrefix("refused") == true
            default: isStored = true
            }
            if !isStored { unstored.messages.withLock { $0.append(message.type) } }
        }
        self.hospital = hospital
    }

    /// The node as a process that starts now.
    private func answerer() throws -> SessionAnswerer {
        SessionAnswerer(
            administration: try hospital.administration(), connection: connection,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Lets the study arrive, and approves it.
    private func approve(isHeld: Bool = false) async throws {
        let study = connection.other.plan.hash
        var item = connection.other.item
        (item.state, item.session, item.step, item.isWaitingForYou) = (.submitted, nil, nil, false)
        #expect(try await answerer().take(WorkList(items: [item])))
        try hospital.administration().approve(
            try hospital.study(study), until: hospital.now + 86_400, by: "Dr. Kim", isHeld: isHeld)
    }

    private var outcome: String? {
        get throws { try hospital.administration().ledger.session(connection.other.id.hex)?.outcome }
    }

    /// Works, each time as a process that has just started, until the session is over; counts what was to be tried again.
    private func finish(restarting: Bool) async throws -> Int {
        var failures = 0
        var node = try answerer()
        for _ in 0..<100 {
            if try outcome != nil { return failures }
            if await !node.take(connection.work) { failures += 1 }
            if restarting { node = try answerer() }
        }
        Issue.record("the session does not end")
        return failures
    }

    @Test(arguments: [false, true])
    func `a session goes to its confirmed result, over restarts too`(_ restarting: Bool) async throws {
        try await approve()
        #expect(try await finish(restarting: restarting) == 0)
        #expect(try outcome == "finished")
        #expect(unstored.messages.withLock { $0 } == [])
        let types = connection.sent.map(\.type)
        #expect(types.prefix(3) == [Hello.type, RosterAcknowledgement.type, RoundAnswer.type])
        let ledger = try hospital.administration().ledger
        #expect(try ledger.session(connection.other.id.hex)?.secret == nil)
        #expect(try ledger.verifyAudit() > 0)
    }

    @Test func `whatever call's answer is lost, the same bytes are sent again`() async throws {
        try await approve()
        let sentBefore = connection.sent.count
        // Each step makes up to three calls.
        for lost in 0..<12 {
            connection.lose(call: connection.callCount + 1 + lost % 3)
            _ = try await answerer().take(connection.work)
        }
        connection.lose(call: nil)
        _ = try await finish(restarting: true)
        #expect(try outcome == "finished")
        #expect(unstored.messages.withLock { $0 } == [])
        var steps: [String: SignedMessage] = [:]
        for message in connection.sent.dropFirst(sentBefore) {
            let answer = try? CanonicalJSON.decode(RoundAnswer.self, from: Array(message.payload.utf8))
            let step = "\(message.type) \(answer?.round ?? 0)"
            #expect(steps[step, default: message] == message, "\(step)")
            steps[step] = message
        }
    }

    @Test func `a held round is answered when it is released, without a new list`() async throws {
        try await approve(isHeld: true)
        let node = try answerer()
        while connection.other.session.phase != .round(1) { _ = await node.take(connection.work) }
        #expect(await node.take(connection.work))
        #expect(connection.sent.last?.type == RoundHeld.type)
        #expect(await node.answerReleased())
        #expect(connection.other.session.phase == .round(1), "nobody has released it")
        let administration = try hospital.administration()
        let study = try hospital.study(connection.other.plan.hash)
        try administration.release(try administration.heldRound(of: study).request, of: study, by: "Dr. Kim")
        #expect(await node.answerReleased())
        #expect(connection.other.session.phase == .round(2))
        #expect(unstored.messages.withLock { $0 } == [])
    }

    @Test func `a revoked approval is told, and ends the session at its next step`() async throws {
        try await approve()
        let node = try answerer()
        while connection.other.session.phase != .round(1) { _ = await node.take(connection.work) }
        try hospital.administration().revoke(
            try hospital.study(connection.other.plan.hash), reason: "consent withdrawn", by: "Dr. Kim")
        #expect(await node.reportDecisions())
        #expect(connection.other.decision == .declined)
        #expect(await node.take(connection.work))
        #expect(
            connection.other.session.phase
                == .refused(site: "north", reason: "the study is not approved here"))
        #expect(try outcome == "refused: the study is not approved here")
        #expect(unstored.messages.withLock { $0 } == [])
    }

    @Test func `a policy changed on disk ends the session, with its new rules in force`() async throws {
        try await approve()
        let node = try answerer()
        while connection.other.session.phase != .round(1) { _ = await node.take(connection.work) }
        try hospital.setPolicy(["people-min": "21"])
        #expect(await node.take(connection.work))
        #expect(
            try outcome == "refused: the approval was given under another policy; it must be given again")
        #expect(connection.sent.last?.type == Refusal.type)
    }

    @Test func `while the policy cannot be used nothing is answered, and nothing is refused`() async throws {
        try await approve()
        let node = try answerer()
        while connection.other.session.phase != .round(1) { _ = await node.take(connection.work) }
        let count = connection.sent.count
        try hospital.write("people-min: many", to: "policy.yaml")
        #expect(await !node.take(connection.work))
        #expect(connection.sent.count == count)
        try hospital.setPolicy(["sites-min": "3"])
        _ = await node.take(connection.work)
        #expect(connection.other.session.phase == .round(2))
    }
}

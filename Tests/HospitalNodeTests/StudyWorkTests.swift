import SQLiteFiles
import CohortStore
import Cryptography
import Federation
import Membership
import Survival
import TestConsortia
import Testing

@testable import Ledger
@testable import HospitalNode

/// What a node does next, decided by a value: without a network, a file or a process.
struct StudyWorkTests {
    /// A node and the rest of its consortium, with what was sent.
    private struct Scene {
        var node: MemoryNode
        var other: OtherSide
        private var live: [SHA256Digest: LiveSession] = [:]
        /// Every act that was given, in order.
        private(set) var acts: [StudyWork.Act] = []
        /// Every message that was to be sent, whether it arrived or not.
        private(set) var sent: [SignedMessage] = []
        /// Whether each of them was in the ledger before.
        private(set) var wasStoredBeforeSent = true
        /// What is done about an act in place of doing it; nil does it.
        var interference: ((StudyWork.Act, inout Scene) throws -> StudyWork.Event?)?

        init(_ consortium: Consortium) throws {
            let lead = consortium.id(.operator("lead"))
            let text = """
                study: study
                dictionary: ward@1
                sites: [north, south, west]
                endpoint: \(Hospital.endpoint)
                analyses: [{cox: {id: m, terms: [age]}}]
                """
            let message = try SignedMessage(
                StudySubmission(study: text, dictionary: Hospital.dictionary, submitter: lead),
                by: try consortium.signer(.operator("lead")))
            let trustView = try consortium.trustView()
            node = MemoryNode(
                site: "north", signer: try consortium.signer(.node("north")), trustView: trustView,
                patients: HospitalPatient.made(60))
            other = try OtherSide(
                message, sites: ["north", "south", "west"], trustView: trustView,
                signer: { try consortium.signer($0) })
            try other.letOthersSpeak()
        }

        /// The node's process is killed: all is lost that is not in its ledger.
        mutating func crash() { live = [:] }

        private struct Killed: Error {}

        /// Does one item of work.
        ///
        /// With `deathAt`, the process dies at that act of all, before or after it is done; then nil.
        @discardableResult
        mutating func work(deathAt death: (act: Int, isDone: Bool)? = nil) throws -> StudyWork.Ending? {
            let item = other.item
            var work = StudyWork(item, remembering: item.session.flatMap { live[$0] })
            var event = StudyWork.Event.begun
            while true {
                let act = work.next(event, node)
                acts.append(act)
                if let death, death.act == acts.count, !death.isDone {
                    if case .send(let message, _) = act { note(message) }
                    crash()
                    return nil
                }
                if case .end(let ending) = act { return ending }
                event = perform(act)
                if let death, death.act == acts.count {
                    crash()
                    return nil
                }
            }
        }

        private mutating func note(_ message: SignedMessage) {
            sent.append(message)
            if !node.hasJournalled(message) { wasStoredBeforeSent = false }
        }

        private mutating func perform(_ act: StudyWork.Act) -> StudyWork.Event {
            do {
                if case .send(let message, _) = act { note(message) }
                if let event = try interference?(act, &self) { return event }
                switch act {
                case .heedPolicy: return .policy(node.policy.hash)
                case .fetch(let inquiry): return .fetched(try other.reply(to: inquiry))
                case .journal(let entry): try node.write(entry)
                case .remember(let id, let session): live[id] = session
                case .send(let message, _): try other.receive(message)
                case .considerApproval, .say, .end: break
                }
                return .done
            } catch {
                return .failed(error)
            }
        }

        /// Works until the coordinator has nothing more to ask, and the session is over here.
        mutating func finish(deathAt death: (act: Int, isDone: Bool)? = nil) throws {
            for _ in 0..<200 {
                let isOver = other.item.state.isOver
                let ending = try work(deathAt: death)
                if isOver, case .done? = ending { return }
            }
            Issue.record("the session does not end")
        }

        var outcome: String? { node.session(other.id)?.outcome }

        /// The sentences of the refusals that the coordinator was told.
        var refusals: [String] {
            other.received.compactMap { message in
                guard message.type == Refusal.type else { return nil }
                return try? CanonicalJSON.decode(Refusal.self, from: Array(message.payload.utf8)).reason
            }
        }

        func count(_ type: String) -> Int { sent.count { $0.type == type } }

        /// Whether all that was sent for one step of the session is the same to the byte.
        var hasSentSameBytes: Bool {
            var steps: [String: SignedMessage] = [:]
            for message in sent where message.type != Refusal.type && message.type != RoundHeld.type {
                let answer = try? CanonicalJSON.decode(RoundAnswer.self, from: Array(message.payload.utf8))
                let step = "\(message.type) \(answer?.round ?? 0)"
                guard steps[step, default: message] == message else { return false }
                steps[step] = message
            }
            return true
        }
    }

    private let consortium: Consortium

    init() throws { consortium = try Consortium() }

    private func scene() throws -> Scene { try Scene(consortium) }

    /// Up to the first round's request.
    private func sceneInRound() throws -> Scene {
        var scene = try scene()
        while scene.other.session.phase != .round(1) { try scene.work() }
        return scene
    }

    @Test func `a session goes from an unknown study to a confirmed result`() throws {
        var scene = try scene()
        try scene.finish()
        #expect(scene.outcome == "finished" && scene.wasStoredBeforeSent)
        #expect(scene.count(Hello.type) == 1 && scene.count(RosterAcknowledgement.type) == 1)
        #expect(scene.count(RoundAnswer.type) == scene.node.rounds(of: scene.other.id).count)
        #expect(scene.node.session(scene.other.id)?.secret == nil)
        #expect(Set(scene.node.kept.map(\.checkpoint.site)) == ["south", "west"])
    }

    /// The process dies at each act in turn, once before it is done and once after.
    @Test func `whenever a node is killed, it sends what it stored, and the same bytes for the same step`()
        throws
    {
        var undisturbed = try scene()
        try undisturbed.finish()
        let expected = try #require(undisturbed.other.session.result).analyses
        for act in 1...undisturbed.acts.count {
            for isDone in [false, true] {
                var scene = try scene()
                try scene.finish(deathAt: (act, isDone))
                #expect(scene.wasStoredBeforeSent && scene.hasSentSameBytes, "act \(act), \(isDone)")
                #expect(scene.other.session.result?.analyses == expected, "act \(act), \(isDone)")
                #expect(scene.outcome == "finished", "act \(act), \(isDone)")
            }
        }
    }

    /// A message may have arrived although nobody was told so.
    @Test(arguments: [false, true])
    func `whenever the coordinator cannot be reached, the work is tried again, with the same bytes`(
        _ hasArrived: Bool
    ) throws {
        var undisturbed = try scene()
        try undisturbed.finish()
        var callCount = 0
        for act in undisturbed.acts {
            switch act {
            case .fetch, .send: callCount += 1
            default: break
            }
        }
        for lost in 1...callCount {
            var scene = try scene()
            var calls = 0
            scene.interference = { act, scene in
                switch act {
                case .fetch: break
                case .send(let message, _):
                    if calls + 1 == lost, hasArrived { try scene.other.receive(message) }
                default: return nil
                }
                calls += 1
                return calls == lost ? .failed(MembershipError.unreachable("no route")) : nil
            }
            var endings: [StudyWork.Ending] = []
            for _ in 0..<100 where scene.outcome == nil {
                endings += [try scene.work()].compactMap(\.self)
            }
            let failures = endings.count { if case .tryAgain = $0 { true } else { false } }
            #expect(failures == 1, "call \(lost)")
            #expect(scene.outcome == "finished" && scene.hasSentSameBytes && scene.wasStoredBeforeSent)
        }
    }

    @Test func `a session that has moved on is left until the next list`() throws {
        var scene = try scene()
        scene.interference = { act, _ in
            guard case .fetch(.opening) = act else { return nil }
            return .failed(OtherSide.conflict)
        }
        guard case .done? = try scene.work() else {
            Issue.record("tried again at once")
            return
        }
        #expect(scene.sent.isEmpty && scene.outcome == nil)
    }

    // MARK: Refusing

    private enum Lie: CaseIterable {
        case notTheCoordinators, anotherRound, otherQuestions, anotherTranscript
    }

    @Test(arguments: Lie.allCases)
    private func `a round that does not follow is refused, told, and told again`(_ lie: Lie) throws {
        var scene = try sceneInRound()
        var request = try #require(scene.other.session.request)
        switch lie {
        case .notTheCoordinators: break
        case .anotherRound: request.round = 2
        case .otherQuestions: request.statements.removeAll()
        case .anotherTranscript: request.transcript = scene.other.id
        }
        let signer = lie == .notTheCoordinators ? scene.node.signer : scene.other.coordinator
        scene.other.forged[1] = try SignedMessage(request, by: signer)
        let waiting = scene
        try scene.finish()
        #expect(scene.count(RoundAnswer.type) == 0 && scene.refusals.count == 1)
        let outcome = try #require(scene.outcome)
        #expect(outcome == "refused: \(scene.refusals[0])")
        #expect(scene.node.session(scene.other.id)?.secret == nil)
        guard case .refused(let site, let reason) = scene.other.session.phase else {
            Issue.record("the coordinator was not told")
            return
        }
        #expect(site == "north" && reason == scene.refusals[0])
        // The refusal was lost on its way: it is sent again, and nothing else is.
        var deaf = waiting
        deaf.interference = { act, _ in
            guard case .send = act else { return nil }
            return .failed(MembershipError.unreachable("no route"))
        }
        try deaf.work()
        deaf.interference = nil
        deaf.crash()
        try deaf.work()
        #expect(deaf.refusals == scene.refusals && deaf.count(RoundAnswer.type) == 0)
        #expect(deaf.wasStoredBeforeSent)
    }

    @Test func `what depends on this hospital's rows is refused without its reason`() throws {
        var scene = try sceneInRound()
        scene.node.objection = .failed("too few patients of one sort")
        try scene.finish()
        #expect(scene.refusals == [Refusal.withoutReason])
        #expect(scene.outcome == "refused without its reason: too few patients of one sort")
    }

    @Test func `a refusal that the ledger does not take is told even so`() throws {
        var scene = try sceneInRound()
        scene.node.objection = .outOfPlace("the approval has expired")
        scene.node.ledgerFault = .file("ledger", .full)
        try scene.finish()
        #expect(scene.refusals == ["the approval has expired"])
        #expect(scene.count(RoundAnswer.type) == 0)
    }

    @Test func `a file that is damaged ends the session, one that is full for now does not`() throws {
        for (fault, isLasting) in [
            (LedgerError.unknownSession("x"), true), (.file("ledger", .full), false),
        ] {
            var scene = try sceneInRound()
            scene.node.ledgerFault = fault
            let ending = try scene.work()
            if isLasting {
                #expect(
                    scene.refusals == ["this hospital's node cannot use its files; its log says why"])
            } else if case .tryAgain? = ending {
                #expect(scene.sent.filter { $0.type == RoundAnswer.type }.isEmpty)
                try scene.finish()
                #expect(scene.outcome == "finished")
            } else {
                Issue.record("\(fault)")
            }
        }
    }

    @Test func `what the others' logs said stays known of a round that is not answered`() throws {
        var scene = try sceneInRound()
        #expect(scene.node.kept.count == 2)
        try scene.work()
        scene.node.ledgerFault = .decidedMeanwhile(scene.other.plan.hash)
        try scene.work()
        #expect(scene.count(RoundAnswer.type) == 1 && scene.outcome == nil)
        #expect(scene.node.kept.count == 4)
        try scene.finish()
        #expect(scene.outcome == "finished")
    }

    // MARK: Decided meanwhile

    @Test func `an approval withdrawn while an answer is computed keeps it here`() throws {
        var scene = try sceneInRound()
        scene.interference = { act, scene in
            guard case .journal(.answered) = act else { return nil }
            scene.node.objection = .outOfPlace("the study is not approved here")
            return .failed(LedgerError.decidedMeanwhile(scene.other.plan.hash))
        }
        try scene.work()
        #expect(scene.count(RoundAnswer.type) == 0)
        #expect(scene.refusals == ["the study is not approved here"])
    }

    @Test func `a policy changed while an answer is computed keeps it here`() throws {
        var scene = try sceneInRound()
        var reads = 0
        scene.interference = { act, scene in
            guard case .heedPolicy = act else { return nil }
            reads += 1
            if reads == 2 { scene.node.policy.peopleMin = 1 }
            return nil
        }
        try scene.work()
        #expect(reads == 2 && scene.count(RoundAnswer.type) == 0)
        #expect(scene.node.rounds(of: scene.other.id).isEmpty)
        #expect(scene.refusals == ["this hospital's policy was changed during the session"])
    }

    @Test func `a policy changed between two rounds ends the session, also after a restart`() throws {
        for hasRestarted in [false, true] {
            var scene = try sceneInRound()
            try scene.work()
            scene.node.policy.peopleMin = 1
            if hasRestarted { scene.crash() }
            try scene.work()
            #expect(scene.refusals == ["this hospital's policy was changed during the session"])
        }
    }

    @Test func `patients imported anew during a session end it`() throws {
        var scene = try sceneInRound()
        scene.node.table = PatientTable(HospitalPatient.made(61))
        try scene.work()
        #expect(scene.refusals == ["this hospital's patients changed during the session"])
    }

    @Test func `an answer that is stored is not sent again without an approval`() throws {
        var scene = try sceneInRound()
        scene.interference = { act, _ in
            guard case .send = act else { return nil }
            return .failed(MembershipError.unreachable("no route"))
        }
        try scene.work()
        #expect(scene.node.rounds(of: scene.other.id).count == 1)
        scene.interference = nil
        scene.node.objection = .outOfPlace("the study is not approved here")
        try scene.work()
        #expect(scene.count(RoundAnswer.type) == 1 && scene.refusals == ["the study is not approved here"])
    }

    // MARK: Held rounds

    @Test func `a held round waits for a person, over restarts, and is answered once released`() throws {
        var scene = try sceneInRound()
        scene.node.isHeld = true
        for _ in 0..<3 {
            try scene.work()
            scene.crash()
        }
        #expect(scene.count(RoundHeld.type) == 3 && scene.count(RoundAnswer.type) == 0)
        #expect(scene.other.session.holding == ["north"] && scene.wasStoredBeforeSent)
        #expect(try !scene.node.hasReleasedRound(scene.other.item))
        scene.node.released = scene.other.session.request
        #expect(try scene.node.hasReleasedRound(scene.other.item))
        try scene.work()
        #expect(scene.count(RoundAnswer.type) == 1 && scene.other.session.phase == .round(2))
    }

    // MARK: Endings

    @Test func `a session that was given up is ended here, and its secret erased`() throws {
        var scene = try sceneInRound()
        var item = scene.other.item
        item.session = nil
        var work = StudyWork(item, remembering: nil)
        var event = StudyWork.Event.begun
        while true {
            let act = work.next(event, scene.node)
            if case .end = act { break }
            if case .journal(let entry) = act { try scene.node.write(entry) }
            event = if case .heedPolicy = act { .policy(scene.node.policy.hash) } else { .done }
        }
        #expect(scene.outcome == "given up by the coordinator")
    }

    @Test func `a result that does not follow from the sums is not confirmed`() throws {
        var scene = try scene()
        scene.interference = { act, scene in
            guard case .fetch(.result) = act, var result = scene.other.session.result else { return nil }
            result.analyses.removeAll()
            return .fetched(.result(result))
        }
        try scene.finish()
        #expect(
            scene.outcome
                == "result not confirmed: the coordinator's result is not the one that follows from the sums"
        )
    }
}

import Cryptography
package import Survival

/// The coordinator's side of one session: gathers keys, acknowledgements and masked vectors, and says what comes next.
///
/// A value that decides; the coordinator stores each message before it acknowledges it, and after a restart feeds the
/// stored messages in again. What it holds are sums and masked vectors: it has no way to a site's own numbers.
package struct CoordinatorSession: Sendable {
    package let opening: SessionOpening
    private let signedOpening: SignedMessage
    private let plan: StudyPlan
    private var messages: [String: SignedMessage] = [:]
    private var held: [String: SignedMessage] = [:]
    private var policies: [String: SHA256Digest] = [:]
    /// The newest checkpoint that came from each site.
    package private(set) var checkpoints: [String: SignedMessage] = [:]
    private var transcript: Transcript?
    private var run: StudyRun?
    package private(set) var phase: Phase = .gatheringKeys
    /// The most lanes that an answer to any round so far has, its two check lanes apart.
    package private(set) var laneCountMax = 0
    package private(set) var roster: Roster?
    /// The request of the round that is being answered; after the last round, the closing request.
    package private(set) var request: RoundRequest?

    package enum Phase: Hashable, Sendable {
        case gatheringKeys
        case gatheringAcknowledgements
        case round(Int)
        case finished
        case refused(site: String, reason: String)
        /// The parts of a round do not add up and nobody can tell whose is wrong, or a site runs another version.
        case failed(reason: String)

        fileprivate var isOver: Bool {
            switch self {
            case .gatheringKeys, .gatheringAcknowledgements, .round: false
            case .finished, .refused, .failed: true
            }
        }
    }

    package init(opening: SessionOpening, signed: SignedMessage, plan: StudyPlan) {
        self.opening = opening
        self.plan = plan
        signedOpening = signed
    }

    /// Sites that the session waits for, in the opening's order.
    package var waitingFor: [String] {
        phase.isOver ? [] : opening.sites.filter { messages[$0] == nil }
    }

    /// Those of them that hold the round for a person there, by their own word.
    package var holding: [String] { waitingFor.filter { held[$0] != nil } }

    package var result: StudyResult? { phase == .finished ? run?.result : nil }

    /// Likelihood evaluations and other queries of the current round, for those who watch.
    package var statements: [QueryStatement] { phase.isOver ? [] : request?.statements ?? [] }

    /// Takes a message of a site; the same message again changes nothing.
    ///
    /// Throws if it is not from that site, does not belong to the present phase, or differs from what the site sent before.
    package mutating func receive(
        _ message: SignedMessage, from site: String, under trustView: TrustView
    ) throws(ProtocolError) {
        guard opening.sites.contains(site) else { throw .outOfPlace("\(site) has no part in this session") }
        if let earlier = messages[site], earlier.type == message.type {
            guard earlier.payload == message.payload else {
                throw .outOfPlace("\(site) sent another \(message.type) for the same step")
            }
            return
        }
        switch (phase, message.type) {
        case (.gatheringKeys, Hello.type): try takeHello(message, from: site, under: trustView)
        case (.gatheringAcknowledgements, RosterAcknowledgement.type):
            try takeAcknowledgement(message, from: site, under: trustView)
        case (.round(let round), RoundAnswer.type):
            try takeAnswer(message, from: site, round: round, under: trustView)
        case (.round(let round), RoundHeld.type):
            try takeHeld(message, from: site, round: round, under: trustView)
        case (_, _) where phase.isOver: throw .outOfPlace("the session is over")
        case (_, Refusal.type): try takeRefusal(message, from: site, under: trustView)
        default:
            throw .outOfPlace(
                "the message \"\(message.type.prefix(20))\" does not belong to this step of the session")
        }
        if !phase.isOver, waitingFor.isEmpty { advance(under: trustView) }
    }

    private mutating func takeHello(
        _ message: SignedMessage, from site: String, under trustView: TrustView
    ) throws(ProtocolError) {
        let (hello, signer) = try message.open(as: Hello.self, under: trustView)
        guard signer.role == .node(site), hello.site == site, hello.session == opening.session,
            hello.study == opening.study
        else { throw .outOfPlace("the hello is not \(site)'s for this session") }
        if let checkpoint = hello.checkpoint { _ = try checkpoint.checkpoint(of: site, under: trustView) }
        messages[site] = message
        policies[site] = hello.policy
        checkpoints[site] = hello.checkpoint
        guard hello.versions != opening.versions else { return }
        phase = .failed(
            reason: Versions.fault(
                site, hello.versions, beside: "the coordinator", opening.versions ?? .current)
                ?? "\(site) tells its version in a session that began without")
    }

    private mutating func takeAcknowledgement(
        _ message: SignedMessage, from site: String, under trustView: TrustView
    ) throws(ProtocolError) {
        let (ack, signer) = try message.open(as: RosterAcknowledgement.self, under: trustView)
        guard signer.role == .node(site), ack.site == site, ack.session == opening.session,
            ack.roster == roster?.hash
        else { throw .outOfPlace("the acknowledgement is not \(site)'s for this roster") }
        messages[site] = message
    }

    private mutating func takeAnswer(
        _ message: SignedMessage, from site: String, round: Int, under trustView: TrustView
    ) throws(ProtocolError) {
        let (answer, signer) = try message.open(as: RoundAnswer.self, under: trustView)
        guard signer.role == .node(site), answer.site == site, answer.session == opening.session,
            answer.round == round, answer.request == request?.digest
        else { throw .outOfPlace("the answer is not \(site)'s to round \(round)") }
        guard answer.lanes.lanes.count == (run?.laneCount ?? 0) + 2 else {
            throw .malformed("the answer of \(site) does not have the length of round \(round)")
        }
        if let checkpoint = answer.checkpoint { _ = try checkpoint.checkpoint(of: site, under: trustView) }
        messages[site] = message
        if let checkpoint = answer.checkpoint { checkpoints[site] = checkpoint }
    }

    private mutating func takeHeld(
        _ message: SignedMessage, from site: String, round: Int, under trustView: TrustView
    ) throws(ProtocolError) {
        let (word, signer) = try message.open(as: RoundHeld.self, under: trustView)
        guard signer.role == .node(site), word.site == site, word.session == opening.session,
            word.round == round, messages[site] == nil
        else { throw .outOfPlace("the word that round \(round) is held is not \(site)'s") }
        held[site] = message
    }

    private mutating func takeRefusal(
        _ message: SignedMessage, from site: String, under trustView: TrustView
    ) throws(ProtocolError) {
        let (refusal, signer) = try message.open(as: Refusal.self, under: trustView)
        guard signer.role == .node(site), refusal.site == site, refusal.session == opening.session else {
            throw .outOfPlace("the refusal is not \(site)'s")
        }
        phase = .refused(site: site, reason: refusal.reason)
    }

    /// Everyone has answered this step: form the next.
    private mutating func advance(under trustView: TrustView) {
        let gathered = opening.sites.compactMap { messages[$0] }
        switch phase {
        case .gatheringKeys:
            roster = Roster(opening: signedOpening, hellos: gathered)
            phase = .gatheringAcknowledgements
        case .gatheringAcknowledgements: begin(gathered)
        case .round(let round):
            do { try close(round, gathered, under: trustView) } catch { phase = .failed(reason: "\(error)") }
        case .finished, .refused, .failed: return
        }
        (messages, held) = ([:], [:])
    }

    private mutating func begin(_ acknowledgements: [SignedMessage]) {
        guard let roster else { return }
        let run = StudyRun(
            plan: plan, sites: opening.sites.map { .init(name: $0, policyHash: policies[$0]?.hex) })
        let transcript = Transcript(study: plan.hash, roster: roster.hash, acknowledgements: acknowledgements)
        (self.run, self.transcript) = (run, transcript)
        laneCountMax = run.laneCount
        phase = .round(1)
        request = RoundRequest(
            session: opening.session, round: 1, transcript: transcript.digest, statements: run.statements,
            previous: acknowledgements)
    }

    private mutating func close(
        _ round: Int, _ answers: [SignedMessage], under trustView: TrustView
    ) throws(ProtocolError) {
        guard var run, var transcript, let request else { return }
        try run.take(answers, round: round, request: request.digest, of: opening.sites, under: trustView)
        transcript.append(request: request.digest, answers: answers)
        (self.run, self.transcript) = (run, transcript)
        laneCountMax = max(laneCountMax, run.laneCount)
        phase = run.isFinished ? .finished : .round(round + 1)
        self.request = RoundRequest(
            session: opening.session, round: round + 1, transcript: transcript.digest,
            statements: run.statements,
            previous: answers)
    }
}

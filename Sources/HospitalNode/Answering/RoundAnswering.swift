import Cryptography
import Federation
import Ledger
import Logging
import Survival

/// Answering a round of a session, or holding it for a person.
struct RoundAnswering: WorkStage {
    private let round: Int
    private let study: SHA256Digest
    private let id: SHA256Digest
    private let live: LiveSession?
    private var state = State.begun

    private enum State {
        case begun, fetching
        /// Computed, and not yet seen by anyone; the policy is looked at once more.
        case computed(Computed)
        case journalling(Computed)
        /// The round will not be answered now; what the others' logs said is being kept.
        case failing(any Error)
        case sending
    }

    private struct Computed {
        var session: LiveSession
        var entry: JournalEntry.Answered
        /// The hash of the hospital's policy when it was computed.
        var inForce: SHA256Digest
    }

    let refuses = true

    init(_ round: Int, of study: SHA256Digest, _ id: SHA256Digest, remembering live: LiveSession?) {
        (self.round, self.study, self.id, self.live) = (round, study, id, live)
    }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        switch state {
        case .begun: return try begin(records)
        case .fetching: return try take(event.message, records)
        case .computed(let computed):
            guard case .policy(let policy) = event else { preconditionFailure("the policy was to be read") }
            // It may have taken long: what left now would leave under rules that are not in force any more.
            guard policy == computed.inForce else {
                return try fail(
                    with: ProtocolError.outOfPlace(
                        "this hospital's policy was changed during the session"),
                    keeping: computed.entry.checkpoints, records)
            }
            state = .journalling(computed)
            return [.journal(.answered(computed.entry))]
        case .journalling(let computed):
            state = .sending
            let questions = counted(computed.entry.request.statements.count, "question")
            return [
                .remember(id, computed.session),
                .say(.info, "study \(study.short): round \(round) answered, \(questions)"),
                .send(computed.entry.answer, to: .round(round, of: id)),
            ]
        case .failing(let error): return try leave(after: error, records)
        case .sending: return nil
        }
    }

    mutating func recover(from error: any Error, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        switch state {
        case .computed(let computed), .journalling(let computed):
            return try fail(with: error, keeping: computed.entry.checkpoints, records)
        case .begun, .fetching, .failing, .sending: throw error
        }
    }

    private mutating func begin(_ records: some NodeRecords) throws -> [StudyWork.Act]? {
        guard try records.openSession(id) != nil else { return nil }
        guard let earlier = try records.round(round, of: id) else {
            state = .fetching
            return [.fetch(.request(round, of: id))]
        }
        _ = try records.requireApproval(of: study)
        state = .sending
        let answer = try CanonicalJSON.decode(SignedMessage.self, from: earlier.answer)
        return [.send(answer, to: .round(round, of: id))]
    }

    /// Verifies a request, and answers or holds it.
    private mutating func take(
        _ message: SignedMessage, _ records: some NodeRecords
    ) throws -> [StudyWork.Act]? {
        // Meanwhile a released round may have been answered, or the session ended; from here on nothing is waited for.
        guard let stored = try records.openSession(id), try records.round(round, of: id) == nil else {
            return nil
        }
        var session = try live ?? LiveSession(restoring: stored, id, from: records)
        let remembered: [StudyWork.Act] = live == nil ? [.remember(id, session)] : []
        let trustView = try records.trustView()
        let (request, signer) = try message.open(as: RoundRequest.self, under: trustView)
        guard signer.role == .coordinator, request.round == round else {
            throw ProtocolError.untrusted("round \(round) is not the coordinator's")
        }
        try session.loaded.requireUnchanged(since: try StoredStart(from: stored).snapshot)
        try session.loaded.requireUnchanged(since: try records.snapshot(of: session.study.plan))
        let approval = try records.requireApproval(of: study)
        try session.requirePolicy(approval.policy.hash)
        _ = try session.session.accept(request, under: trustView)
        let arrived = try records.arrivals(session.session.checkpoints, under: trustView)
        if approval.isHeld, try !records.isReleased(request, of: study) {
            state = .sending
            return remembered + (try hold(message, request, arrived, records))
        }
        do {
            let computed = try compute(request, message, session, arrived, under: approval, records)
            state = .computed(computed)
            return remembered + arrived.warnings + troubles(of: computed.session) + [.heedPolicy]
        } catch {
            let acts = try fail(with: error, keeping: arrived, records) ?? []
            return remembered + arrived.warnings + acts
        }
    }

    private func troubles(of session: LiveSession) -> [StudyWork.Act] {
        session.session.troubles.map { .say(.warning, "study \(study.short), round \(round): \($0)") }
    }

    /// Computes the answer to a round that was accepted; the first of a session with whose rows it holds.
    private func compute(
        _ request: RoundRequest, _ message: SignedMessage, _ session: LiveSession,
        _ arrived: [ArrivedCheckpoint], under approval: StudyApproval, _ records: some NodeRecords
    ) throws -> Computed {
        var session = session
        let cohorts =
            request.round == 1
            ? try records.requireAdmissible(session.study, session.loaded, under: approval.policy).records
            : []
        let answer = try session.session.answer(
            from: session.loaded.cohort, checkpoint: try records.checkpoint())
        let entry = JournalEntry.Answered(
            study: study, request: request, asked: message,
            answer: try SignedMessage(answer, by: records.signer), decision: approval.entry.decision,
            policy: approval.policy.hash, cohorts: cohorts, checkpoints: arrived)
        return Computed(session: session, entry: entry, inForce: records.policy.hash)
    }

    /// Keeps a round until a person releases it.
    private func hold(
        _ message: SignedMessage, _ request: RoundRequest, _ arrived: [ArrivedCheckpoint],
        _ records: some NodeRecords
    ) throws -> [StudyWork.Act] {
        let held = RoundHeld(session: id, round: round, site: records.site)
        return [.journal(.held(message, request, of: study, arrived))] + arrived.warnings + [
            .say(
                .notice,
                "study \(study.short): round \(round) waits for a person: coxswain node release \(study.short)"
            ),
            .send(try SignedMessage(held, by: records.signer), to: .round(round, of: id)),
        ]
    }

    /// What the others' logs said stays known, although the round is not answered.
    private mutating func fail(
        with error: any Error, keeping arrived: [ArrivedCheckpoint], _ records: some NodeRecords
    ) throws -> [StudyWork.Act]? {
        guard !arrived.isEmpty else { return try leave(after: error, records) }
        state = .failing(error)
        return [.journal(.arrived(arrived))]
    }

    private func leave(after error: any Error, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        guard case LedgerError.decidedMeanwhile = error else { throw error }
        // Nothing has left: what is decided now says why, or lets the round be answered when it is next looked at.
        _ = try records.requireApproval(of: study)
        return nil
    }
}

import Cryptography
import Federation
import Membership
import Survival

@testable import HospitalNode

/// The coordinator and the other hospitals of a session with one node, as values.
struct OtherSide: Sendable {
    let submission: SignedMessage
    let plan: StudyPlan
    let opening: SignedMessage
    let id: SHA256Digest
    let trustView: TrustView
    private(set) var session: CoordinatorSession
    private var others: [(site: String, session: SiteSession, cohort: SiteCohort)] = []
    private let signers: [String: Signer]
    let coordinator: Signer
    /// What the coordinator was told by the node, in order.
    private(set) var received: [SignedMessage] = []
    private(set) var decision = SiteDecision.approved
    /// Replaces the request of a round by a lie.
    var forged: [Int: SignedMessage] = [:]

    /// `signer` gives a member's certificate and key; `sites` are the node and the others, the node first.
    init(
        _ submission: SignedMessage, sites: [String], trustView: TrustView,
        signer: (SPIFFEID.Role) throws -> Signer
    ) throws {
        self.submission = submission
        self.trustView = trustView
        plan = try LocalStudy.read(submission).1
        coordinator = try signer(.coordinator)
        signers = try sites.dropFirst().reduce(into: [:]) { $0[$1] = try signer(.node($1)) }
        id = SHA256Digest(of: "session of \(submission.payloadDigest.hex)".utf8)
        let content = SessionOpening(session: id, study: plan.hash, sites: sites)
        opening = try SignedMessage(content, by: coordinator)
        session = CoordinatorSession(opening: content, signed: opening, plan: plan)
        for (index, site) in sites.enumerated().dropFirst() {
            let table = PatientTable(HospitalPatient.made(60, from: 100 * index))
            guard let signer = signers[site] else { continue }
            let word = AuditCheckpoint(site: site, sequence: 3, head: plan.hash, at: trustView.time)
            let session = try SiteSession(
                opening: content, plan: plan, site: site, policy: .local,
                secret: SHA256Digest(of: "secret of \(site)".utf8).bytes,
                checkpoint: try SignedMessage(word, by: signer))
            others.append((site, session, SiteCohort(table: table, plan: plan)))
        }
    }

    /// What the node finds when it asks for work.
    var item: WorkList.Item {
        let (state, step): (StudyState, SessionStep) =
            switch session.phase {
            case .gatheringKeys: (.running, .keys)
            case .gatheringAcknowledgements: (.running, .roster)
            case .round: (.running, .round)
            case .finished: (.finished, .closed)
            case .refused, .failed: (.failed, .closed)
            }
        return WorkList.Item(
            study: plan.hash, state: state, decision: decision, session: id, step: step,
            round: session.request?.round ?? 0,
            isWaitingForYou: session.waitingFor.contains(session.opening.sites[0]))
    }

    func reply(to inquiry: Inquiry) throws -> Inquiry.Reply {
        switch inquiry {
        case .submission: return .message(submission)
        case .opening: return .message(opening)
        case .checkpoints: return .checkpoints([])
        case .roster:
            guard let roster = session.roster else { throw Self.conflict }
            return .roster(roster)
        case .request(let round, _):
            if let forged = forged[round] { return .message(forged) }
            guard let request = session.request, request.round == round else { throw Self.conflict }
            return .message(try SignedMessage(request, by: coordinator))
        case .result:
            guard let result = session.result else { throw Self.conflict }
            return .result(result)
        }
    }

    static let conflict = MembershipError.rejected(status: 409, reason: "not now", hint: nil)

    /// Takes a message of the node; then the others say what is waited for.
    mutating func receive(_ message: SignedMessage) throws {
        received.append(message)
        if message.type == Decision.type {
            let content = try CanonicalJSON.decode(Decision.self, from: Array(message.payload.utf8))
            decision = SiteDecision(of: content, at: trustView.time)
            return
        }
        do {
            try session.receive(message, from: session.opening.sites[0], under: trustView)
        } catch {
            throw Self.conflict
        }
        try letOthersSpeak()
    }

    /// The other hospitals say what is waited for.
    mutating func letOthersSpeak() throws {
        for index in others.indices where session.waitingFor.contains(others[index].site) {
            switch session.phase {
            case .gatheringKeys: try deliver(others[index].session.hello, from: index)
            case .gatheringAcknowledgements:
                guard let roster = session.roster else { continue }
                try deliver(try others[index].session.join(roster, under: trustView), from: index)
            case .round:
                guard let request = session.request else { continue }
                _ = try others[index].session.accept(request, under: trustView)
                // Its log has grown since the round before.
                let word = try checkpoint(of: others[index].site, sequence: 3 + request.round)
                try deliver(
                    try others[index].session.answer(from: others[index].cohort, checkpoint: word),
                    from: index)
            case .finished, .refused, .failed: break
            }
        }
    }

    /// Another hospital's word for where its log stands; nil of one that has no part here.
    private func checkpoint(of site: String, sequence: Int) throws -> SignedMessage? {
        let word = AuditCheckpoint(site: site, sequence: sequence, head: plan.hash, at: trustView.time)
        return try signers[site].map { try SignedMessage(word, by: $0) }
    }

    private mutating func deliver(_ content: some Message, from index: Int) throws {
        guard let signer = signers[others[index].site] else { return }
        try session.receive(
            SignedMessage(content, by: signer), from: others[index].site, under: trustView)
    }
}

extension PatientTable {
    /// Patients as an import has them.
    init(_ patients: [HospitalPatient]) {
        self.init(
            rowCount: patients.count, person: patients.indices.map { Int32($0) },
            columns: [
                "months": .number(patients.map { Double($0.months) }),
                "died": .boolean(patients.map { $0.died ? 1 : 0 }),
                "age": .number(patients.map { Double($0.age) }),
                "crp": .number(patients.map { Double($0.crp) ?? .nan }),
                "sex": .category(patients.map { $0.sex == "f" ? 0 : 1 }),
            ])
    }
}

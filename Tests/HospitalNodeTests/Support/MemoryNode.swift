import Cryptography
import Federation
import Survival

@testable import CohortStore
@testable import HospitalNode
@testable import Ledger

/// A node whose ledger, patients and decisions are values; what its admin decided is set by hand.
struct MemoryNode: NodeRecords {
    let site: String
    let signer: Signer
    var time: Int
    var policy: DisclosurePolicy
    /// Whom to believe.
    var trust: TrustView
    var table: PatientTable
    /// What is in the way of an approval; nil if nothing is.
    var objection: ProtocolError?
    var isHeld = false
    var released: RoundRequest?
    /// What the next write of the ledger throws.
    var ledgerFault: LedgerError?
    /// Refusals are not taken up by the ledger.
    private(set) var journal: [JournalEntry] = []
    var lapse: String?

    private var study: StudyEntry?
    private var sessions: [SessionEntry] = []
    private var answers: [String: [RoundEntry]] = [:]
    private var held: HeldRound?
    private(set) var kept: [ArrivedCheckpoint] = []

    init(site: String, signer: Signer, trustView: TrustView, patients: [HospitalPatient]) {
        (self.site, self.signer, trust) = (site, signer, trustView)
        (time, policy, table) = (trustView.time, .local, PatientTable(patients))
    }

    // MARK: Reading

    func trustView() -> TrustView { trust }
    func entry(of study: SHA256Digest) -> StudyEntry? { self.study?.hash == study ? self.study : nil }
    func sessions(of study: SHA256Digest) -> [SessionEntry] { sessions.filter { $0.study == study } }
    func session(_ id: SHA256Digest) -> SessionEntry? { sessions.first { $0.id == id.hex } }
    func rounds(of session: SHA256Digest) -> [RoundEntry] { answers[session.hex] ?? [] }
    func round(_ round: Int, of session: SHA256Digest) -> RoundEntry? {
        rounds(of: session).first { $0.round == round }
    }
    func heldRound(of study: SHA256Digest) -> HeldRound? { held }
    func checkpoints(of peer: String) -> [HeldCheckpoint] {
        kept.map(\.checkpoint).filter { $0.site == peer }
    }
    func auditHead() -> AuditHead {
        AuditHead(sequence: journal.count, hash: SHA256Digest(of: "\(journal.count)".utf8))
    }
    func auditHash(at sequence: Int) -> SHA256Digest? { SHA256Digest(of: "\(sequence)".utf8) }

    func requireApproval(of study: SHA256Digest) throws -> StudyApproval {
        if let objection { throw objection }
        guard let entry = self.study else { throw ProtocolError.outOfPlace("the study is not approved here") }
        return StudyApproval(
            entry: entry, snapshot: snapshot, policy: policy, isUnattended: false, isHeld: isHeld)
    }

    func standing(of study: SHA256Digest) -> (entry: StudyEntry?, lapse: String?) { (self.study, lapse) }

    func isReleased(_ request: RoundRequest, of study: SHA256Digest) -> Bool { released == request }

    func cohort(for plan: StudyPlan, submission: StudySubmission) -> LoadedCohort {
        LoadedCohort(cohort: SiteCohort(table: table, plan: plan), snapshot: snapshot)
    }

    private var snapshot: SHA256Digest { SHA256Digest(of: "\(table.rowCount) rows".utf8) }

    func snapshot(of plan: StudyPlan) -> SHA256Digest { snapshot }

    func rows(of plan: StudyPlan, in loaded: LoadedCohort) -> StudyRows {
        StudyRows(analyses: [], person: [], answered: [])
    }

    func secret() throws -> [UInt8] { try randomBytes(32) }

    // MARK: Writing

    /// Decides about the study, as an admin does.
    mutating func decide(_ decision: StudyEntry.Decision) { study?.decision = decision }

    mutating func write(_ entry: JournalEntry) throws {
        if let fault = ledgerFault {
            ledgerFault = nil
            throw fault
        }
        journal.append(entry)
        switch entry {
        case .received(let hash, let message, _):
            study = StudyEntry(
                hash: hash, submission: CanonicalJSON.bytes(message), receivedAt: time, decision: .pending)
        case .joined(let id, let study, let secret, let start, _):
            sessions.append(
                SessionEntry(
                    id: id.hex, study: study, secret: secret, hello: CanonicalJSON.bytes(start), beganAt: time
                ))
        case .acknowledged(let id, _, let roster, let ack, let arrived):
            change(id) { ($0.roster, $0.ack) = (CanonicalJSON.bytes(roster), CanonicalJSON.bytes(ack)) }
            kept += arrived
        case .held(let message, let request, _, let arrived):
            held = HeldRound(
                session: request.session.hex, round: request.round, request: CanonicalJSON.bytes(message),
                since: time)
            kept += arrived
        case .answered(let answered):
            answers[answered.request.session.hex, default: []].append(
                RoundEntry(
                    round: answered.request.round, requestDigest: answered.request.digest,
                    request: CanonicalJSON.bytes(answered.asked),
                    answer: CanonicalJSON.bytes(answered.answer)))
            held = nil
            kept += answered.checkpoints
        case .arrived(let arrived): kept += arrived
        case .refused: break
        case .ended(let id, _, let outcome): change(id) { ($0.secret, $0.outcome) = (nil, outcome) }
        }
    }

    private mutating func change(_ id: SHA256Digest, _ body: (inout SessionEntry) -> Void) {
        if let index = sessions.firstIndex(where: { $0.id == id.hex }) { body(&sessions[index]) }
    }

    /// Whether the bytes of a message are in the ledger; of a refusal, that it is written down; of a hold, that the round is held.
    func hasJournalled(_ message: SignedMessage) -> Bool {
        let bytes = CanonicalJSON.bytes(message)
        switch message.type {
        case Hello.type: return sessions.contains { (try? StoredStart(from: $0).hello) == message }
        case RosterAcknowledgement.type: return sessions.contains { $0.ack == bytes }
        case RoundAnswer.type: return answers.values.joined().contains { $0.answer == bytes }
        case RoundHeld.type: return held != nil
        case Refusal.type:
            return journal.contains { if case .refused = $0 { true } else { false } }
        default: return false
        }
    }
}

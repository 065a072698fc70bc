import Cryptography
import Federation
import Ledger
import Membership

/// What people decide, and what is believed of it later: entries of the audit log that this node signed.
///
/// The ledger is a file; who can write it can enter any row, and with some work a whole chain of entries. What is not signed with
/// the node's key, in its place in the chain, is not believed.
extension NodeOffice {
    enum Act: String, CaseIterable {
        case approved = "study-approved"
        case approvedUnattended = "study-approved-unattended"
        case declined = "study-declined"
        case revoked = "approval-revoked"
        case released = "round-released"

        /// Those that decide about a study.
        static let decisions: [Act] = [.approved, .approvedUnattended, .declined, .revoked]

        var isApproval: Bool { self == .approved || self == .approvedUnattended }
    }

    /// Signs an entry for its place at the end of the log, and makes the change that it tells of along with it.
    ///
    /// Another process may append in between; then it is signed anew.
    func record(
        _ act: Act, _ body: AuditBody, _ change: (AuditNote) throws(LedgerError) -> Void
    ) throws {
        let at = clock()
        for _ in 0..<Self.attemptsMax {
            var body = body
            body.after = try ledger.auditHead().hash
            body.signature = HexBytes(
                try member.signer.key.sign(Self.signedBytes(act.rawValue, at: at, body)))
            do {
                return try change(AuditNote(kind: act.rawValue, body: body.json, at: at, after: body.after))
            } catch .auditMoved {
                continue
            }
        }
        throw LedgerError.auditMoved
    }

    /// How often an entry is tried while other processes write.
    private static let attemptsMax = 20

    /// An act as the audit log has it, with its time.
    typealias SignedAct = (act: Act, at: Int, body: AuditBody)

    /// The newest act of some kinds on a study; nil if there is none.
    ///
    /// Throws if the audit log is not intact, or if the act is not signed by this node for its place in the log.
    func act(_ acts: [Act], on study: SHA256Digest) throws -> SignedAct? {
        try believed(try ledger.lastEntry(of: acts.map(\.rawValue), study: study))
    }

    /// A study's row and the newest decision about it, both of one moment: a person may decide, in another process, between
    /// the one reading and the other.
    func decided(on study: SHA256Digest) throws -> (study: StudyEntry?, decision: SignedAct?) {
        let (row, entry) = try ledger.studyAndLastEntry(of: Act.decisions.map(\.rawValue), study: study)
        return (row, try believed(entry))
    }

    private func believed(_ entry: AuditEntry?) throws -> SignedAct? {
        try requireAuditLog()
        guard let entry, let act = Act(rawValue: entry.kind) else { return nil }
        let body = try CanonicalJSON.decode(AuditBody.self, fromStored: Array(entry.body.utf8))
        var unsigned = body
        unsigned.signature = nil
        guard let signature = body.signature, body.after == entry.previous,
            member.signer.certificate.isValidSignature(
                signature.bytes, of: Self.signedBytes(entry.kind, at: entry.at, unsigned))
        else {
            throw ProtocolError.outOfPlace(
                "a decision in this hospital's ledger was not signed with its node's key; it must be given again"
            )
        }
        return (act, entry.at, body)
    }

    /// Walks what was appended to the log since the last time, or all of it.
    func requireAuditLog() throws {
        do {
            try ledger.verifyNewAudit()
        } catch LedgerError.auditBroken {
            throw ProtocolError.broken("the audit log of this hospital's node is not intact")
        }
    }

    private static func signedBytes(_ kind: String, at time: Int, _ body: AuditBody) -> [UInt8] {
        Array("coxswain/1/act\0\(kind)\0\(time)\0\(body.json)".utf8)
    }
}

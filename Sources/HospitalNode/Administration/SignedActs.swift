import Cryptography
import Federation
import Ledger
import Membership

/// What people decide, and what is believed of it later: entries of the audit log that this node signed.
///
/// The ledger is a file; who can write it can enter any row, and with some work a whole chain of entries. What is not signed with
/// the node's key, in its place in the chain, is not believed.
struct SignedActs: Sendable {
    let ledger: NodeLedger
    let signer: Signer
    let clock: @Sendable () -> Int

    enum Kind: String, CaseIterable {
        case approved = "study-approved"
        case approvedUnattended = "study-approved-unattended"
        case declined = "study-declined"
        case revoked = "approval-revoked"
        case released = "round-released"

        /// Those that decide about a study.
        static let decisions: [Kind] = [.approved, .approvedUnattended, .declined, .revoked]

        var isApproval: Bool { self == .approved || self == .approvedUnattended }
    }

    /// Signs an entry for its place at the end of the log, and makes the change that it tells of along with it.
    ///
    /// Another process may append in between; then it is signed anew.
    func record(
        _ act: Kind, _ body: AuditBody, _ change: (AuditNote) throws(LedgerError) -> Void
    ) throws {
        let at = clock()
        for _ in 0..<Self.attemptsMax {
            var body = body
            body.after = try ledger.auditHead().hash
            body.signature = HexBytes(
                try signer.key.sign(Self.signedBytes(act.rawValue, at: at, body)))
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
    typealias Act = (kind: Kind, at: Int, body: AuditBody)

    /// The newest act of some kinds on a study; nil if there is none.
    ///
    /// Throws if the audit log is not intact, or if the act is not signed by this node for its place in the log.
    func newest(_ kinds: [Kind], on study: SHA256Digest) throws -> Act? {
        try believed(try ledger.lastEntry(of: kinds.map(\.rawValue), study: study))
    }

    /// A study's row and the newest decision about it, both of one moment: a person may decide, in another process, between
    /// the one reading and the other.
    func decided(on study: SHA256Digest) throws -> (study: StudyEntry?, decision: Act?) {
        let (row, entry) = try ledger.studyAndLastEntry(of: Kind.decisions.map(\.rawValue), study: study)
        return (row, try believed(entry))
    }

    private func believed(_ entry: AuditEntry?) throws -> Act? {
        try requireAuditLog()
        guard let entry, let kind = Kind(rawValue: entry.kind) else { return nil }
        let body = try CanonicalJSON.decode(AuditBody.self, fromStored: Array(entry.body.utf8))
        var unsigned = body
        unsigned.signature = nil
        guard let signature = body.signature, body.after == entry.previous,
            signer.certificate.isValidSignature(
                signature.bytes, of: Self.signedBytes(entry.kind, at: entry.at, unsigned))
        else {
            throw ProtocolError.outOfPlace(
                "a decision in this hospital's ledger was not signed with its node's key; it must be given again"
            )
        }
        return (kind, entry.at, body)
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

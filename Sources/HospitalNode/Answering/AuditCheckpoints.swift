import Cryptography
package import Federation
import Ledger
import Logging
import Membership

/// What other members know of this node's audit log, and this node of theirs.
extension NodeRecords {
    /// This node's signed word for where its log stands.
    func checkpoint() throws -> SignedMessage {
        let head = try auditHead()
        return try SignedMessage(
            AuditCheckpoint(site: site, sequence: head.sequence, head: head.hash, at: time), by: signer)
    }

    /// Other hospitals' checkpoints that are not kept yet, each with whether it contradicts one that is.
    ///
    /// They are kept in the transaction of the step that brought them (`NodeLedger.recordAnswer`, for instance).
    func arrivals(
        _ messages: [String: SignedMessage], under trustView: TrustView
    ) throws -> [ArrivedCheckpoint] {
        try messages.sorted { $0.key < $1.key }.compactMap { peer, message in
            guard peer != site else { return nil }
            let checkpoint = try message.checkpoint(of: peer, under: trustView)
            let held = try checkpoints(of: peer).map { $0.checkpoint }
            guard !held.contains(checkpoint) else { return nil }
            let isContradicted = held.contains { $0.contradicts(checkpoint) }
            return ArrivedCheckpoint(
                HeldCheckpoint(
                    site: peer, sequence: checkpoint.sequence, head: checkpoint.head, at: checkpoint.at,
                    message: CanonicalJSON.bytes(message)),
                contradiction: isContradicted ? note("peer-log-differs", AuditBody(peer: peer)) : nil)
        }
    }

    /// Holds this node's log against checkpoints that others kept; gives how many of them are this node's.
    ///
    /// Throws if an entry that the log once had is not there or another. Other hospitals' checkpoints are passed over, as are
    /// those that are not signed with a certificate that holds now.
    func requireWholeLog(against messages: [SignedMessage]) throws -> Int {
        let trustView = try self.trustView()
        var count = 0
        for message in messages {
            let checkpoint: AuditCheckpoint
            do { checkpoint = try message.checkpoint(of: site, under: trustView) } catch { continue }
            count += 1
            let known =
                checkpoint.sequence == 0 ? checkpoint.head : try auditHash(at: checkpoint.sequence)
            guard known == checkpoint.head else {
                throw NodeError.ask(
                    "the audit log does not have entry \(checkpoint.sequence) as this node signed it once: it was cut or rewritten",
                    hint:
                        "keep the ledger for the data-protection officer, and restore it from its newest backup"
                )
            }
        }
        return count
    }
}

extension NodeAdministration {
    /// The newest checkpoint that is kept of each other hospital, as signed.
    package func peerCheckpoints() throws -> [SignedMessage] {
        try ledger.checkpointSites().compactMap { peer in
            try ledger.checkpoints(of: peer).last.map {
                try CanonicalJSON.decode(SignedMessage.self, from: $0.message)
            }
        }
    }

    /// Holds this node's log against checkpoints that others kept, as `requireWholeLog` does.
    package func verifyLog(against messages: [SignedMessage]) throws -> Int {
        try requireWholeLog(against: messages)
    }

    /// The same, with what the coordinator keeps.
    package func verifyLogAgainstCoordinator() async throws -> Int {
        let connection = configuration.member.connection(as: member)
        do {
            let messages = try await connection.get([SignedMessage].self, "/v1/checkpoints")
            await connection.close()
            return try verifyLog(against: messages)
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension [ArrivedCheckpoint] {
    /// What is said of logs that were cut or rewritten.
    var warnings: [StudyWork.Act] {
        filter { $0.contradiction != nil }.map { item in
            .say(
                .error,
                "the audit log of \(item.checkpoint.site) is not the one that it was: it was cut or rewritten"
            )
        }
    }
}

extension HeldCheckpoint {
    fileprivate var checkpoint: AuditCheckpoint {
        AuditCheckpoint(site: site, sequence: sequence, head: head, at: at)
    }
}

import Cryptography
import Federation
import Foundation
import Ledger
package import Logging
import Membership
import ServiceLifecycle
import Survival

/// A node as a long-lived service: polls the coordinator, fetches studies, reports decisions, answers rounds.
///
/// It opens connections and listens on none. What it may answer is decided by `SiteSession` and the policy; here every message
/// is journalled before it is sent, so that a node killed at any moment resends the same bytes.
package struct NodeService: Service {
    private let office: NodeOffice
    private let connection: CoordinatorConnection
    private let clerk: SessionClerk
    private let logger: Logger
    private let lock: RunLock

    /// Throws if another process runs on the same ledger, or if its audit log is not intact.
    package init(_ office: NodeOffice, logger: Logger) throws {
        lock = try RunLock(on: office.configuration.ledger)
        do {
            _ = try office.ledger.verifyAudit()
        } catch LedgerError.auditBroken(let entry, let breach) {
            throw NodeError.ask(
                "\(LedgerError.auditBroken(entry: entry, breach))",
                hint: "keep the ledger for the data-protection officer, and restore it from its backup")
        }
        self.office = office
        self.logger = logger
        connection = office.configuration.member.connection(as: office.member)
        clerk = SessionClerk(office: office, connection: connection, logger: logger)
    }

    package func run() async throws {
        logger.info(
            "node \(office.site): policy \(office.policy.hash.short), coordinator \(office.configuration.member.coordinator)"
        )
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await followWork() }
                group.addTask { await reportDecisions() }
            }
        }
        await connection.close()
    }

    /// Long-polls for work and does it, backing off while the coordinator cannot be reached.
    ///
    /// What could not be done is tried again after a pause that other work ends early: a study with which this node can do
    /// nothing must not slow the others down.
    private func followWork() async {
        var seen: SHA256Digest?
        var wait = Self.waitMax
        var backOff = BackOff()
        var isCutOff = false
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                let path = "/v1/work?wait=\(wait)" + (seen.map { "&after=\($0.hex)" } ?? "")
                let work = try await connection.get(WorkList.self, path, waiting: wait)
                if isCutOff { logger.info("coordinator reached") }
                isCutOff = false
                await clerk.setWork(work)
                let isNew = seen != work.version
                seen = work.version
                if await clerk.doWork(work) {
                    backOff.reset()
                    wait = Self.waitMax
                } else {
                    wait = max(1, min(Int(backOff.next() / .seconds(1)), Self.waitMax))
                }
                // A coordinator that does not hold the poll must not make us run.
                if !isNew || wait < Self.waitMax { await rest(until: began + Self.roundMin) }
            } catch {
                guard !Task.isCancelled else { return }
                isCutOff = true
                logger.warning("\(error); trying again within half a minute")
                try? await Task.sleep(for: backOff.next())  // cancelled: the loop ends
            }
        }
    }

    /// Shortest time from one poll to the next where the last one brought nothing new, or nothing that could be done.
    private static let roundMin = Duration.milliseconds(500)

    private func rest(until time: ContinuousClock.Instant) async {
        try? await Task.sleep(until: time, clock: .continuous)  // cancelled: the loop ends
    }

    /// Longest a poll is held, in seconds.
    private static let waitMax = 25

    /// Tells the coordinator what the admin decides, and answers what the admin releases, also while a poll is under way.
    private func reportDecisions() async {
        var backOff = BackOff()
        while !Task.isCancelled {
            let isReported = await clerk.reportDecisions()
            let isAnswered = await clerk.answerReleased()
            if isReported, isAnswered { backOff.reset() }
            let pause = isReported && isAnswered ? .milliseconds(500) : backOff.next()
            try? await Task.sleep(for: pause)  // cancelled: the loop ends
        }
    }
}

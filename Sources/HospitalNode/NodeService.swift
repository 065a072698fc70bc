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
/// It opens connections and listens on none. What it does is decided by `StudyWork`: every message is journalled before it is sent,
/// so that a node killed at any moment resends the same bytes.
package struct NodeService: Service {
    private let administration: NodeAdministration
    private let connection: any CoordinatorConnection
    private let answerer: SessionAnswerer
    private let logger: Logger
    private let lock: RunLock

    /// Throws if another process runs on the same ledger, or if its audit log is not intact.
    package init(_ administration: NodeAdministration, logger: Logger) throws {
        lock = try RunLock(on: administration.configuration.ledger)
        do {
            _ = try administration.ledger.verifyAudit()
        } catch LedgerError.auditBroken(let entry, let breach) {
            throw NodeError.ask(
                "\(LedgerError.auditBroken(entry: entry, breach))",
                hint: "keep the ledger for the data-protection officer, and restore it from its backup")
        }
        self.administration = administration
        self.logger = logger
        connection = administration.configuration.member.connection(as: administration.member)
        answerer = SessionAnswerer(administration: administration, connection: connection, logger: logger)
    }

    package func run() async throws {
        logger.info(
            "node \(administration.site): policy \(administration.policy.hash.short), coordinator \(administration.configuration.member.coordinator)"
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
    private func followWork() async {
        var polling = WorkPolling()
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                let work = try await connection.get(WorkList.self, polling.path, waiting: polling.wait)
                if polling.listed(work.version) { logger.info("coordinator reached") }
                let pause = polling.worked(isDone: await answerer.take(work))
                // Cancelled: the loop ends.
                if pause > .zero { try? await Task.sleep(until: began + pause, clock: .continuous) }
            } catch {
                guard !Task.isCancelled else { return }
                logger.warning("\(error); trying again within half a minute")
                try? await Task.sleep(for: polling.failed())  // cancelled: the loop ends
            }
        }
    }

    /// Tells the coordinator what the admin decides, and answers what the admin releases, also while a poll is under way.
    private func reportDecisions() async {
        var backOff = BackOff()
        while !Task.isCancelled {
            let isReported = await answerer.reportDecisions()
            let isAnswered = await answerer.answerReleased()
            if isReported, isAnswered { backOff.reset() }
            let pause = isReported && isAnswered ? .milliseconds(500) : backOff.next()
            try? await Task.sleep(for: pause)  // cancelled: the loop ends
        }
    }
}

import CohortStore
import Cryptography
import Federation
import Foundation
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
        } catch StoreError.ledger(.auditBroken(let entry, let breach)) {
            throw NodeError.ask(
                "\(StoreError.ledger(.auditBroken(entry: entry, breach)))",
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
            do {
                let path = "/v1/work?wait=\(wait)" + (seen.map { "&after=\($0.hex)" } ?? "")
                let work = try await connection.get(WorkList.self, path, waiting: wait)
                if isCutOff { logger.info("coordinator reached") }
                isCutOff = false
                await clerk.setWork(work)
                seen = work.version
                if await clerk.doWork(work) {
                    backOff.reset()
                    wait = Self.waitMax
                } else {
                    wait = max(1, min(Int(backOff.next() / .seconds(1)), Self.waitMax))
                }
            } catch {
                guard !Task.isCancelled else { return }
                let pause = backOff.next()
                isCutOff = true
                logger.warning("\(error); trying again in \(pause)")
                try? await Task.sleep(for: pause)  // cancelled: the loop ends
            }
        }
    }

    /// Longest a poll is held, in seconds.
    private static let waitMax = 25

    /// Tells the coordinator what the admin decides, and answers what the admin releases, also while a poll is under way.
    private func reportDecisions() async {
        while !Task.isCancelled {
            await clerk.reportDecisions()
            await clerk.answerReleased()
            try? await Task.sleep(for: .milliseconds(500))  // cancelled: the loop ends
        }
    }
}

/// Pauses that double from half a second to half a minute, each shortened at random so that nodes do not march in step.
struct BackOff {
    private var seconds = 0.5

    mutating func next() -> Duration {
        defer { seconds = min(seconds * 2, 30) }
        return .milliseconds(Int(seconds * Double.random(in: 0.5...1) * 1000))
    }

    mutating func reset() { self = BackOff() }
}

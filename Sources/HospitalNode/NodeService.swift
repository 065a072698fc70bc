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

    package init(_ office: NodeOffice, logger: Logger) {
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
    private func followWork() async {
        var seen: SHA256Digest?
        var backOff = BackOff()
        while !Task.isCancelled {
            do {
                let path = "/v1/work?wait=25" + (seen.map { "&after=\($0.hex)" } ?? "")
                let work = try await connection.get(WorkList.self, path, waiting: 25)
                if backOff.isWaiting { logger.info("coordinator reached") }
                await clerk.setWork(work)
                let isDone = await clerk.doWork(work)
                seen = isDone ? work.version : nil
                if isDone {
                    backOff.reset()
                } else {
                    try? await Task.sleep(for: backOff.next())  // cancelled: the loop ends
                }
            } catch {
                guard !Task.isCancelled else { return }
                let pause = backOff.next()
                logger.warning("\(error); trying again in \(pause)")
                try? await Task.sleep(for: pause)  // cancelled: the loop ends
            }
        }
    }

    /// Tells the coordinator what the admin decides, also while a poll is under way.
    private func reportDecisions() async {
        while !Task.isCancelled {
            await clerk.reportDecisions()
            try? await Task.sleep(for: .milliseconds(500))  // cancelled: the loop ends
        }
    }
}

/// Pauses that double from half a second to half a minute, each shortened at random so that nodes do not march in step.
struct BackOff {
    private var seconds = 0.5
    private(set) var isWaiting = false

    mutating func next() -> Duration {
        defer { seconds = min(seconds * 2, 30) }
        isWaiting = true
        return .milliseconds(Int(seconds * Double.random(in: 0.5...1) * 1000))
    }

    mutating func reset() { self = BackOff() }
}

import Cryptography
import Federation
import Foundation
package import Logging
import Membership
import ServiceLifecycle
import TLSTransport

/// The coordinator as a long-lived service: its studies behind mutual TLS, and the watch over the studies' patience.
package struct CoordinatorService: Service {
    private let coordinator: StudyCoordinator
    private let server: MutualTLSServer
    private let logger: Logger
    private let lock: RunLock

    /// Opens the state and takes up what was running; fails if database, identity or address cannot be used, or if
    /// another process runs on the same database.
    package static func open(
        _ configuration: CoordinatorConfiguration, logger: Logger
    ) async throws -> CoordinatorService {
        let member = try Member(files: configuration.identity, consortium: configuration.consortium)
        guard member.identity.role == .coordinator else {
            throw MembershipError.unusable(
                "\(configuration.identity.certificateChain) is not a coordinator's certificate")
        }
        let lock = try RunLock(on: configuration.database)
        let coordinator = StudyCoordinator(
            store: try CoordinatorStore(path: configuration.database), signer: member.signer,
            environment: .init(
                trustView: { try member.trustView(at: Int(Date().timeIntervalSince1970)) },
                randomBytes: { try randomBytes(32) }),
            logger: logger)
        try await coordinator.restore()
        return CoordinatorService(configuration, coordinator: coordinator, lock: lock, logger: logger)
    }

    private init(
        _ configuration: CoordinatorConfiguration, coordinator: StudyCoordinator, lock: RunLock,
        logger: Logger
    ) {
        let api = CoordinatorAPI(coordinator: coordinator, logger: logger)
        self.coordinator = coordinator
        self.lock = lock
        self.logger = logger
        server = MutualTLSServer(
            host: configuration.listen.host, port: configuration.listen.port,
            identity: configuration.identity,
            limits: ServerLimits(), logger: logger,
            authorize: { api.authorize($0, consortium: configuration.consortium) },
            bodyBytesMax: { api.bodyBytesMax(of: $0) },
            onBound: { port in
                logger.info(
                    "coordinator of \(configuration.consortium) listens on \(configuration.listen.host):\(port)"
                )
                guard let file = configuration.portFile else { return }
                do {
                    try Data("\(port)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
                } catch {
                    throw MembershipError.unusable("cannot write the port to \(file)")
                }
            },
            respond: { await api.respond(to: $0) })
    }

    package func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { await watchPatience() }
                try await group.next()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            Task { await coordinator.shutDown() }
        }
    }

    private func watchPatience() async {
        var backOff = BackOff()
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            let pause: Duration
            do {
                try await coordinator.checkPatience()
                try await coordinator.checkContacts()
                backOff.reset()
                pause = .seconds(1)
            } catch {
                logger.error("cannot check the studies' patience: \(sentence(of: error))")
                pause = backOff.next()
            }
            // Cancelled: the loop ends.
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
        }
    }
}

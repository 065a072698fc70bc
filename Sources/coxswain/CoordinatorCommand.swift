import ArgumentParser
import Coordinator
import Foundation
import Logging
import Membership
import ServiceLifecycle
import Survival
import UnixSignals

/// `coxswain coordinator`: the consortium's coordinator.
struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Run the consortium's coordinator.", subcommands: [Run.self])

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Listen for nodes and operators, drive the rounds of launched studies.",
            discussion: """
                Example: coxswain coordinator run --config coordinator.yaml
                It stores studies, signed messages and results in one SQLite file and takes up running studies after a
                restart. It never holds a hospital's own numbers: what it adds up is masked.
                """)
        @Option(name: .shortAndLong, help: "The configuration file (see Config/coordinator.yaml).")
        var config = "coordinator.yaml"

        func run() async throws {
            let configuration = try CoordinatorConfiguration(
                try ConfigurationFile(path: config), environment: ProcessInfo.processInfo.environment)
            let logger = try ProgramLog.logger("coordinator", level: configuration.logLevel)
            let service = try await CoordinatorService.open(configuration, logger: logger)
            let group = ServiceGroup(
                services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            try await group.run()
        }
    }
}

/// Logs go to standard error, one line an event.
enum ProgramLog {
    static func logger(_ name: String, level text: String) throws -> Logger {
        guard let level = Logger.Level(rawValue: text) else {
            throw MembershipError.unusable(
                "log-level \"\(text)\" is none of: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        var logger = Logger(label: name) { VisibleLog(StreamLogHandler.standardError(label: $0)) }
        logger.logLevel = level
        return logger
    }
}

/// A log whose lines others may have caused: what acts on a terminal is written out, and an event stays one line.
private struct VisibleLog: LogHandler {
    private var log: StreamLogHandler

    init(_ log: StreamLogHandler) { self.log = log }

    var logLevel: Logger.Level {
        get { log.logLevel }
        set { log.logLevel = newValue }
    }
    var metadata: Logger.Metadata {
        get { log.metadata }
        set { log.metadata = newValue }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { log[metadataKey: key] }
        set { log[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(event.message.description.replacing("\n", with: " ").visible)"
        log.log(event: event)
    }
}

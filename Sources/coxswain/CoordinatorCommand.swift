import ArgumentParser
import Coordinator
import Foundation
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

import ArgumentParser
import CohortStore
import Cryptography
import Federation
import Foundation
import HospitalNode
import Ledger
import Logging
import Membership
import ServiceLifecycle
import Survival
import UnixSignals

/// `coxswain node`: what a site admin does at a hospital.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run a hospital's node: import patients, decide about studies, answer rounds.",
        subcommands: [
            Init.self, Import.self, Describe.self, Studies.self, Show.self, Preview.self, Approve.self,
            Decline.self,
            Revoke.self, Release.self, Ledger.self, Run.self, Watch.self, Check.self, Policy.self, Peers.self,
            Audit.self,
        ])

    struct Location: ParsableArguments {
        @Option(name: .shortAndLong, help: "The node's configuration file (see Config/node.yaml).")
        var config = "node.yaml"

        func configuration() throws -> NodeConfiguration {
            try NodeConfiguration(
                try ConfigurationFile(path: config), environment: ProcessInfo.processInfo.environment)
        }

        func administration() throws -> NodeAdministration {
            try NodeAdministration(try configuration(), clock: { currentTime() })
        }
    }

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check identity and policy, and make the node's two databases.",
            discussion: """
                Example: coxswain node init --config node.yaml
                The cohort database holds the patients and is opened read-only while answering; the ledger holds studies,
                decisions, what was sent, and the audit log. What exists already is left as it is.
                """)
        @OptionGroup var location: Location

        func run() throws {
            let configuration = try location.configuration()
            let administration = try NodeAdministration.create(configuration, clock: { currentTime() })
            try show("node \(administration.site) is ready: \(configuration.cohort), \(configuration.ledger)")
            try show("policy \(configuration.policy), hash \(administration.policy.hash.hex)")
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import a CSV file of patients under a data dictionary: all rows, or none.",
            discussion: """
                Example: coxswain node import patients.csv --dictionary hcc-extrahepatic.yaml
                Every cell is checked against the dictionary; what does not fit is reported by line and column, never by
                its value, and nothing is imported. The patients stay in the node's cohort database.
                """)
        @Argument(help: "The CSV file: UTF-8, comma-separated, with a header line.") var file: String
        @Option(name: .shortAndLong, help: "The data dictionary (YAML).") var dictionary: String
        @Flag(help: "Replace the rows that were imported under this dictionary before.") var replace = false
        @OptionGroup var location: Location

        func run() throws {
            let administration = try location.administration()
            let report = try administration.importPatients(
                csv: file, dictionary: dictionary, replacing: replace)
            for line in ImportText(report).lines { try show(line) }
            try show("file SHA-256 \(report.record.fileDigest.hex)")
            for study in try administration.studies() where study.plan.study.dictionary == report.dictionary {
                guard let lapse = try administration.standing(of: study.plan.hash).lapse else { continue }
                try show("approval of \(study.plan.study.name) (\(study.plan.hash.short)): \(lapse)")
            }
        }
    }

    struct Describe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Describe the imported patients, for this hospital's own eyes.")
        @Option(name: .shortAndLong, help: "Which dictionary (name@version), if there are several.")
        var dictionary: String?
        @OptionGroup var location: Location

        func run() throws {
            try show(DescriptionText(try location.administration().describe(dictionary: dictionary)).text)
        }
    }

    struct Studies: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the studies that arrived, with their decisions.")
        @OptionGroup var location: Location

        func run() throws {
            var table = TerminalTable(["STUDY", "HASH", "FROM", "DECISION"])
            let administration = try location.administration()
            for study in try administration.studies() {
                let (entry, lapse) = try administration.standing(of: study.plan.hash)
                table.add([
                    study.plan.study.name, study.plan.hash.short, "\(study.submission.submitter)",
                    DecisionText.of(entry ?? study.entry) + (lapse.map { "; does not hold: \($0)" } ?? "")
                        + (try administration.refusal(of: study).map { "; refused to answer: \($0)" } ?? ""),
                ])
            }
            try show(table.text)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Explain a study in plain words, with this hospital's own numbers; warnings first.")
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Flag(help: "Show the study file alone, word for word.") var text = false
        @OptionGroup var location: Location

        func run() throws {
            let administration = try location.administration()
            let study = try administration.study(study)
            guard !text else { return try show(study.submission.study) }
            try show(
                StudyExplanation(
                    try administration.assess(study), policy: administration.policy, site: administration.site
                ).text)
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Approve a study, exactly as shown, until a day.",
            discussion: """
                Example: coxswain node approve hcc-extrahepatic --until 2027-03-31 --by "Dr Kim"
                The approval holds to the end of that day in UTC (24:00 UTC), whatever the machine's time zone; "today" is the
                day that it is in UTC.
                """)
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Option(help: "The last day of the approval in UTC, e.g. 2027-03-31, or \"today\".") var until: String
        @Option(help: "Who approves.") var by: String
        @Flag(help: "Let each round wait until it is released (coxswain node release).") var hold = false
        @OptionGroup var location: Location

        func validate() throws {
            guard CalendarDay.end(of: until) != nil else {
                throw ValidationError("--until is a day, for instance 2027-03-31, or \"today\"")
            }
        }

        func run() throws {
            guard let end = CalendarDay.end(of: until) else { return }
            let administration = try location.administration()
            let study = try administration.study(study)
            try administration.approve(study, until: end, by: by, isHeld: hold)
            try show(
                "approved: \(study.plan.study.name) (\(study.plan.hash.hex)) until \(CalendarDay.last(end)), by \(by)"
            )
        }
    }

    struct Decline: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decline a study; the study lead sees the reason.")
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Option(help: "Why, in a sentence that the study lead can act on.") var reason: String
        @Option(help: "Who declines.") var by: String
        @OptionGroup var location: Location

        func run() throws {
            let administration = try location.administration()
            let study = try administration.study(study)
            try administration.decline(study, reason: reason, by: by)
            try show("declined: \(study.plan.study.name) (\(study.plan.hash.hex))")
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the node: fetch studies, report decisions, answer approved rounds.",
            discussion: """
                The node dials out to the coordinator and listens on no port. Stop it with Ctrl-C or SIGTERM; a round that
                was answered before is resent byte for byte after a restart.
                """)
        @OptionGroup var location: Location

        func run() async throws {
            let configuration = try location.configuration()
            let logger = try ProgramLog.logger("node", level: configuration.logLevel)
            let service = try NodeService(
                try NodeAdministration(configuration, clock: { currentTime() }), logger: logger)
            let group = ServiceGroup(
                services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            try await group.run()
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check identity, policy, databases, audit log, and the way to the coordinator.")
        @OptionGroup var location: Location

        func run() async throws {
            let administration = try location.administration()
            let member = administration.member
            try show(
                "identity     \(member.identity), until \(CalendarDay.text(member.signer.certificate.notAfter))"
            )
            let trustView = try member.trustView(at: currentTime())
            try trustView.trust.validate(member.signer.certificate, at: trustView.time)
            try show(
                "authority    trusted; revocation list until \(CalendarDay.text(trustView.trust.crlExpires))")
            try show("policy       \(administration.policy.hash.hex)")
            for dictionary in try administration.dictionaries() {
                try show("patients     \(dictionary.identifier): \(counted(dictionary.rowCount, "row"))")
            }
            let entries = counted(try administration.ledger.verifyAudit(), "entry", "entries")
            try show("audit log    \(entries), chain intact")
            try await administration.probeCoordinator()
            try show(
                "coordinator  \(administration.configuration.member.coordinator) reached, certificate accepted"
            )
            let count = try await administration.verifyLogAgainstCoordinator()
            try show("checkpoints  \(count) of this node's log at the coordinator, as in the log")
        }
    }
}

/// A decision as a list shows it.
enum DecisionText {
    static func of(_ entry: StudyEntry) -> String {
        if let outcome = entry.outcome { return outcome }
        switch entry.decision {
        case .pending: return "pending"
        case .approved(let until, let by, _, _):
            return "approved until \(CalendarDay.text(until)) (UTC) by \(by)"
        case .declined(let reason, let by, _): return "declined by \(by): \(reason)"
        }
    }
}

import ArgumentParser
import Cryptography
import Federation
import Foundation
import Membership
import StudyReport
import Survival

/// `coxswain study`: what a study lead does.
struct StudyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Check, submit, launch and watch studies; fetch their results.",
        subcommands: [
            Check.self, Submit.self, Launch.self, Watch.self, Results.self, Cancel.self, List.self,
            Checkpoints.self,
        ])

    /// Where the coordinator is, and as whom to speak to it.
    struct Access: ParsableArguments {
        @Option(name: .shortAndLong, help: "The operator's configuration file (see Config/operator.yaml).")
        var config = "operator.yaml"

        /// Connects, does something, and says goodbye whatever came of it.
        func withCoordinator<Value>(_ body: (CoordinatorClient) async throws -> Value) async throws -> Value {
            let coordinator = try CoordinatorClient(config: config)
            do {
                let value = try await body(coordinator)
                await coordinator.close()
                return value
            } catch {
                await coordinator.close()
                throw error
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a study file against its data dictionary, without sending anything.",
            discussion: """
                With --policy it says what the text-only rules of a hospital's policy would say; what depends on the hospital's
                patients (fewest people, events, levels, differences), only "coxswain node show" can tell there.
                Example: coxswain study check study.yaml --dictionary dictionary.yaml --policy policy.yaml --operator jane
                """)
        @Argument(help: "The study file (YAML).") var file: String
        @Option(name: .shortAndLong, help: "The data dictionary (YAML).") var dictionary: String
        @Option(
            help:
                "A hospital's disclosure policy (YAML) to hold the study's text against; may stand several times."
        )
        var policy: [String] = []
        @Option(help: "Who would submit the study: the name in the operator's certificate, for --policy.")
        var `operator`: String?

        func validate() throws {
            guard `operator` == nil || !policy.isEmpty else {
                throw ValidationError("--operator goes with --policy")
            }
        }

        func run() throws {
            let plan = try StudyFiles(study: file, dictionary: dictionary).plan()
            try plan.study.requireEnoughSites()
            try plan.requireAnswerable()
            try show(
                "\(file): \(plan.study.name), \(counted(plan.study.sites.count, "site")), dictionary \(plan.study.dictionary)"
            )
            for analysis in plan.analyses {
                try show("  \("\(analysis.id): \(analysis.kind.line(in: analysis))")")
            }
            for note in plan.notes { try show("note: \(note)") }
            let foresights = try policy.map { try PolicyForesight($0, of: plan, by: `operator`) }
            for foresight in foresights { try show(foresight.text) }
            let refusing = foresights.filter { !$0.objections.isEmpty }.map(\.path)
            guard refusing.isEmpty else { throw ForeseenRefusal(policies: refusing) }
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign a study and submit it to the coordinator; the hospitals then decide about it.",
            discussion:
                "Example: coxswain study submit study.yaml --dictionary dictionary.yaml --config operator.yaml"
        )
        @Argument(help: "The study file (YAML).") var file: String
        @Option(name: .shortAndLong, help: "The data dictionary (YAML).") var dictionary: String
        @OptionGroup var access: Access

        func run() async throws {
            let files = try StudyFiles(study: file, dictionary: dictionary)
            let plan = try files.plan()
            try plan.study.requireEnoughSites()
            try plan.requireAnswerable()
            let status = try await access.withCoordinator {
                try await $0.submit(study: files.study.text, dictionary: files.dictionary.text)
            }
            try show("submitted \(status.name): \(status.study.hex)")
            ProgramOutput.say(
                status.state == .finished
                    ? "coxswain: hint: it is finished already; see \"coxswain study results \(status.name)\""
                    : "coxswain: hint: each hospital now decides; see \"coxswain study watch \(status.name)\""
            )
        }
    }

    struct Launch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Launch a study that the hospitals have approved.")
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Flag(help: "Stay and show progress until the study is over.") var watch = false
        @OptionGroup var access: Access

        func run() async throws {
            try await access.withCoordinator { coordinator in
                let status = try await coordinator.launch(study)
                try show(
                    "launched \(status.name) with \(status.session?.sites.joined(separator: ", ") ?? "")")
                if watch { try await coordinator.watch(status.study.hex, untilDecided: false) }
            }
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a study's progress until it is over: decisions, rounds, who is waited for.",
            discussion:
                "Exit status: 0 finished, 2 failed or cancelled. With --decisions it ends when all have decided."
        )
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Flag(help: "End as soon as every hospital has approved (status 0) or one has declined (status 2).")
        var decisions = false
        @OptionGroup var access: Access

        func run() async throws {
            try await access.withCoordinator { try await $0.watch(study, untilDecided: decisions) }
        }
    }

    struct Results: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch a finished study's results.",
            discussion: """
                Example: coxswain study results hcc-extrahepatic --format json > results.json
                Exit status: 0 every analysis has its result, 3 some have none; the output is complete and says why.
                """)
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Option(help: "text, json or csv.") var format: ReportFormat = .text
        @Flag(help: "With csv: p-values as the text report has them, such as <0.001, for tables of a paper.")
        var roundedP = false
        @OptionGroup var access: Access

        func validate() throws {
            guard !roundedP || format == .csv else {
                throw ValidationError("--rounded-p goes with --format csv")
            }
        }

        func run() async throws {
            let result = try await access.withCoordinator { try await $0.result(study) }
            try show(StudyReport(result), as: format, roundsP: roundedP)
            try result.requireAnswers()
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancel a study that is not over.")
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @OptionGroup var access: Access

        func run() async throws {
            let status = try await access.withCoordinator { try await $0.cancel(study) }
            try show("cancelled \(status.name)")
        }
    }

    struct Checkpoints: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where each hospital's audit log stood last, by its own signed word.",
            discussion: """
                json is a file that a hospital can hold its log against: coxswain node audit verify --against FILE. Keep it where
                neither the coordinator nor a hospital can change it.
                """)
        enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }
        @Option(help: "text or json.") var format: Format = .text
        @OptionGroup var access: Access

        func run() async throws {
            let messages = try await access.withCoordinator { try await $0.checkpoints() }
            guard format == .text else {
                return try ProgramOutput.write(jsonText(messages))
            }
            var table = TerminalTable(["HOSPITAL", "ENTRIES", "SIGNED", "NEWEST ENTRY"])
            for message in messages {
                let checkpoint = try CanonicalJSON.decode(
                    AuditCheckpoint.self, from: Array(message.payload.utf8))
                table.add([
                    checkpoint.site, "\(checkpoint.sequence)", CalendarDay.text(checkpoint.at),
                    checkpoint.head.hex,
                ])
            }
            try show(table.text)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "List all studies at the coordinator; of others' only whether they wait, run or are over.",
            discussion: """
                HOSPITALS names those that are not simply approved and online: pending (nobody there has decided), declined, expired or
                lapsed (an approval that must be given again), unknown hospital (no node of that name has ever called the
                coordinator: a slip in the study file, or a node that does not run yet), offline since, must be updated (it or the
                coordinator runs another version), held (the round waits there for a person). "study watch" gives reasons.
                """)
        @OptionGroup var access: Access

        func run() async throws {
            var table = TerminalTable(["STUDY", "HASH", "STATE", "APPROVED", "SUBMITTED BY", "HOSPITALS"])
            let studies = try await access.withCoordinator { coordinator in
                try await coordinator.list().map { ($0, coordinator.isOwn($0)) }
            }
            for (status, isOwn) in studies {
                let approved = status.sites.count { $0.decision == .approved }
                table.add([
                    status.name, status.study.short, status.state.rawValue,
                    isOwn ? "\(approved)/\(status.sites.count)" : "-",
                    "\(status.submitter)", isOwn ? status.remarks : "-",
                ])
            }
            try show(table.text)
        }
    }
}

extension ReportFormat: ExpressibleByArgument {}

/// A study file and its dictionary as texts.
struct StudyFiles {
    let study: ConfigurationFile
    let dictionary: ConfigurationFile

    init(study: String, dictionary: String) throws {
        self.study = try ConfigurationFile(path: study, what: "study file")
        self.dictionary = try ConfigurationFile(path: dictionary, what: "dictionary")
    }

    /// The study compiled against the dictionary; every fault is thrown with file and line where it has one.
    func plan() throws -> StudyPlan {
        try StudyPlan(
            study: try StudyFile(yaml: study.text, file: study.path),
            dictionary: try DataDictionary(yaml: dictionary.text, file: dictionary.path),
            hash: SHA256Digest(of: study.text.utf8))
    }
}

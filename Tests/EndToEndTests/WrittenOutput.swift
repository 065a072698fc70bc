import Foundation
import Survival
import Testing

@testable import coxswain

extension EndToEnd {
    /// What a command has to say reaches whoever asked, or the command says that it did not.
    @Suite
    struct WrittenOutput {
        /// How a command's output is lost.
        private enum Loss: String, CaseIterable {
            case full = "exec \"$@\" >/dev/full"
            case closed = "exec \"$@\" >&-"
            case errorsFull = "exec \"$@\" 2>/dev/full"
            case errorsClosed = "exec \"$@\" 2>&-"
            case unread = "{ sleep 0.2; \"$@\"; } | true; exit ${PIPESTATUS[0]}"

            /// What the command must end with if it prints on standard output; nil: with what it ends with otherwise.
            var status: Int32? {
                switch self {
                case .full, .closed: ExitStatus.unwritable.rawValue
                case .unread: 128 + SIGPIPE
                case .errorsFull, .errorsClosed: nil
                }
            }
        }

        private static func lose(_ loss: Loss, _ words: [String], _ consortium: Consortium) async throws
            -> Outcome
        {
            try await run(
                "bash", ["-c", loss.rawValue, "coxswain", Repository.coxswain] + words, in: consortium.folder,
                environment: ["COXSWAIN_COORDINATOR": consortium.address])
        }

        /// A command that was given, and whether it may be given again and again.
        private struct Line {
            var words: [String]
            var isRepeatable: Bool

            init(_ text: String, _ isRepeatable: Bool = true) {
                words = text.split(separator: " ").map { String($0).replacing("_", with: " ") }
                self.isRepeatable = isRepeatable
            }

            func runs(_ command: [String]) -> Bool { words.starts(with: command) }
        }

        private static let node = "--config site-1/node.yaml"
        private static let lead = "--config study-lead/operator.yaml"
        /// Every command that prints, in an order in which each has something to do; spaces within a word are underscores.
        private static let lines = [
            Line("ca init --ca second --consortium second", false), Line("ca list --ca office"),
            Line("ca issue operator guest --ca office --out guest", false),
            Line("ca revoke spiffe://demo-consortium/operator/guest --ca office", false),
            Line("node init \(node)"), Line("node describe \(node)"), Line("node studies \(node)"),
            Line("node show other \(node)"), Line("node preview other --rounds 1 \(node)"),
            Line("node policy \(node)"), Line("node peers \(node)"), Line("node ledger \(node)"),
            Line("node check \(node)"), Line("node audit verify \(node)"), Line("node audit export \(node)"),
            Line("node audit export --format json \(node)"), Line("node audit export --format html \(node)"),
            Line("node audit checkpoints \(node)"),
            Line("node decline other --reason no --by me \(node)", false),
            Line("node approve other --until \(Consortium.day(in: 30)) --by me \(node)", false),
            Line("node revoke other --reason no --by me \(node)", false),
            Line(
                "node import \(Repository.data("lung/site-1.csv")) --dictionary dictionary.yaml --replace \(node)",
                false),
            Line("study check study.yaml --dictionary dictionary.yaml"), Line("study list \(lead)"),
            Line("study checkpoints \(lead)"), Line("study checkpoints --format json \(lead)"),
            Line("study results brief \(lead)"), Line("study results brief --format json \(lead)"),
            Line("study results brief --format csv --rounded-p \(lead)"),
            Line("study submit other.yaml --dictionary dictionary.yaml \(lead)", false),
            Line("study cancel other \(lead)", false),
            Line(
                "fit study.yaml --data \(Repository.data("lung/site-1.csv")) --dictionary dictionary.yaml --format json"
            ),
            Line("--help"), Line("--version"), Line("node"), Line("help study"),
        ]
        /// Those that a test of their own is for: services, which print nothing, and commands that wait.
        private static let others = [
            ["node", "run"], ["coordinator", "run"], ["node", "watch"], ["node", "release"],
            ["study", "watch"],
            ["study", "launch"],
        ]

        @Test func `every command is tried, and no other place writes to the program's streams`() async throws
        {
            struct Dump: Decodable {
                struct Command: Decodable {
                    var commandName: String
                    var subcommands: [Command]?
                    func leaves(_ words: [String] = []) -> [[String]] {
                        let below = subcommands ?? []
                        return below.isEmpty ? [words] : below.flatMap { $0.leaves(words + [$0.commandName]) }
                    }
                }
                var command: Command
            }
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let dump = try await run(Repository.coxswain, ["--experimental-dump-help"], in: folder)
                .succeeded()
            let leaves = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command.leaves()
            #expect(leaves.count > 25)
            for leaf in leaves where leaf != ["help"] {
                let isTried = Self.others.contains(leaf) || Self.lines.contains { $0.runs(leaf) }
                #expect(isTried, "\(leaf.joined(separator: " "))")
            }
            let sources = URL(fileURLWithPath: "\(Repository.root)/Sources")
            let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
            for case let file as URL in try #require(files) where file.pathExtension == "swift" {
                guard file.lastPathComponent != "ProgramOutput.swift" else { continue }
                let text = try String(contentsOf: file, encoding: .utf8)
                for word in [
                    " print(", "(print(", "debugPrint(", "dump(", "FileHandle.standard", "fputs(", "putchar(",
                    "STDOUT_FILENO", "STDERR_FILENO", "standardError(label",
                ] {
                    #expect(!text.contains(word), "\(word) in \(file.lastPathComponent)")
                }
            }
        }

        @Test
        func
            `output that cannot be written is an error of every command, and a reader that has gone ends it`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                _ = try await consortium.runStudy()
                let other = try replaced("study: brief", by: "study: other", in: consortium.scenario.study)
                try consortium.folder.write(other, to: "other.yaml")
                try await consortium.submit("other.yaml")
                try await poll("the other study to arrive") {
                    try await consortium.node("site-1", "studies").output.contains("other")
                }
                for line in Self.lines {
                    for loss in line.isRepeatable ? Loss.allCases : [.full] {
                        let outcome = try await Self.lose(loss, line.words, consortium)
                        #expect(outcome.status == loss.status ?? 0, "\(loss): \(outcome)")
                        let words = "coxswain: error: cannot write to standard output: "
                        if loss == .full {
                            #expect(outcome.error.contains(words + "no space left on device\n"), "\(outcome)")
                        }
                        if loss == .closed {
                            #expect(outcome.error.contains(words + "it is closed\n"), "\(outcome)")
                        }
                    }
                }
                try await requireOfThoseThatWait(consortium)
            }
        }

        /// Nothing of it is a control character, which no name or reason may have.
        private static let hostile = "b\u{202E}c\u{200B}d\u{2066}e\u{FEFF}f\u{3164}g\u{E0041}h"

        private func expectNothingUnseen(_ text: String, _ source: String) {
            // CSV ends its lines so (RFC 4180).
            let lines = text.replacing("\r\n", with: "\n")
            let unseen = lines.unicodeScalars.filter { $0 != "\n" && !$0.isSeen }
            #expect(unseen.isEmpty, "\(source): \(unseen.map(\.writtenOut))")
        }

        @Test func `no command lets others' words reorder a line of a terminal or hide in it`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                _ = try await consortium.runStudy()
                let other = try replaced("study: brief", by: "study: other", in: consortium.scenario.study)
                try consortium.folder.write(other, to: "other.yaml")
                try await consortium.submit("other.yaml")
                try await poll("the other study to arrive") {
                    try await consortium.node("site-1", "studies").output.contains("other")
                }
                // A study file has no such character, however it is spelled; names and reasons of people may.
                for words in [Self.hostile, "b\\u202Ec", "b\\u200Bc"] {
                    let study = try replaced("A brief study", by: "\"\(words)\"", in: other)
                    try consortium.folder.write(study, to: "hostile.yaml")
                    let outcome = try await consortium.study(
                        "submit", "hostile.yaml", "--dictionary", "dictionary.yaml")
                    #expect(outcome.status == 1 && outcome.error.contains("the invisible character U+20"))
                    expectNothingUnseen(outcome.error, words)
                }
                // Once to say something everywhere, and once more to look at what was said.
                for line in Self.lines + Self.lines.filter(\.isRepeatable) {
                    let words = line.words.map { $0 == "me" || $0 == "no" ? Self.hostile : $0 }
                    let outcome = try await consortium.coxswain(words)
                    #expect(outcome.status == 0, "\(outcome)")
                    expectNothingUnseen(outcome.output + outcome.error, line.words.joined(separator: " "))
                }
                for words in [
                    ["node", "show", Self.hostile, "--config", "site-1/node.yaml"], [Self.hostile],
                    ["study", "watch", "other", "--config", "study-lead/operator.yaml"],
                    ["study", "check", Self.hostile], ["fit", "study.yaml", "--data", Self.hostile],
                ] {
                    let outcome = try await consortium.coxswain(words)
                    #expect(outcome.status != 0, "\(outcome)")
                    expectNothingUnseen(outcome.output + outcome.error, words.joined(separator: " "))
                }
                for log in ["site-1/log", "coordinator/log"] {
                    expectNothingUnseen(consortium.folder.text(log), log)
                }
            }
        }

        @Test func `the version is told with those of protocol and engine`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let said = try await run(Repository.coxswain, ["--version"], in: folder).succeeded()
            #expect(
                said
                    == "coxswain \(Program.version) (protocol \(Versions.current.protocol), engine \(Engine.version))\n"
            )
        }

        /// A round that waits to be released, a study that is launched and watched.
        private func requireOfThoseThatWait(_ consortium: Consortium) async throws {
            let text = try replaced("study: brief", by: "study: third", in: consortium.scenario.study)
            try consortium.folder.write(text, to: "third.yaml")
            try await consortium.submit("third.yaml")
            for site in consortium.scenario.siteNames {
                try await poll("the third study to arrive at \(site)") {
                    try await consortium.node(site, "studies").output.contains("third")
                }
                try await consortium.node(
                    site, "approve", "third", "--until", Consortium.day(in: 30), "--by", "me", "--hold"
                ).succeeded()
            }
            try await consortium.study("watch", "third", "--decisions").succeeded()
            let unwritable = ExitStatus.unwritable.rawValue
            let watch = ["node", "watch", "--config", "site-1/node.yaml"]
            async let watched = Self.lose(.full, watch, consortium)
            let launch = ["study", "launch", "third", "--config", "study-lead/operator.yaml"]
            #expect(try await Self.lose(.full, launch, consortium).status == unwritable)
            #expect(try await watched.status == unwritable, "the audit log gets entries while it watches")
            let release = ["node", "release", "third", "--config", "site-1/node.yaml"]
            try await poll("the round to wait") {
                try await consortium.node("site-1", "release", "third").status == 0
            }
            for loss in Loss.allCases {
                let outcome = try await Self.lose(loss, release, consortium)
                #expect(outcome.status == loss.status ?? 0, "\(loss): \(outcome)")
            }
            // What it is for is to say what goes on.
            let running = ["study", "watch", "third", "--config", "study-lead/operator.yaml"]
            #expect(try await Self.lose(.errorsFull, running, consortium).status == unwritable)
            try await consortium.study("cancel", "third").succeeded()
            let over = ["study", "watch", "third", "--config", "study-lead/operator.yaml"]
            #expect(
                try await Self.lose(.errorsClosed, over, consortium).status == ExitStatus.studyOver.rawValue)
        }

        @Test(arguments: ["2>/dev/full", "2>&-", "2> >(true)"])
        func `an error that cannot be said keeps its status`(redirection: String) async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            for (words, status) in [
                (["fit", "none.yaml", "--data", "none.csv"], ExitStatus.failed), (["fut"], .wrongUsage),
            ] {
                let outcome = try await run(
                    "bash", ["-c", "\"$@\" \(redirection)", "bash", Repository.coxswain] + words, in: folder)
                #expect(outcome.status == status.rawValue, "\(outcome)")
            }
        }

        @Test func `a note that cannot be said is an error, unless nobody wants it`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let study = """
                study: guessed
                dictionary: guessed@1
                sites: [a, b, c]
                endpoint: {time: os_months, event: death, unit: month}
                analyses: [{cox: {id: age, terms: [age]}}]
                """
            try folder.write(study, to: "study.yaml")
            let fit = ["fit", "study.yaml", "--data", "\(Repository.root)/Deploy/demo-data/hospital-1.csv"]
            for (redirection, status) in [
                ("2>/dev/full", ExitStatus.unwritable), ("2>&-", .done), ("2> >(true)", .done),
            ] {
                let outcome = try await run(
                    "bash", ["-c", "\"$@\" \(redirection)", "bash", Repository.coxswain] + fit, in: folder)
                #expect(
                    outcome.status == status.rawValue && !outcome.output.isEmpty, "\(redirection): \(outcome)"
                )
            }
        }

        /// Where a closed stream's number is free, the first file that is opened would get it, and with it what is printed.
        @Test func `services go on without a log, and nothing that was to be printed gets into their files`()
            async throws
        {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                try await consortium.startCoordinator()
                for (site, redirection) in zip(
                    consortium.scenario.siteNames, ["2>/dev/full", "2>&- >&- <&-", "2> >(true)", ""])
                {
                    try consortium.startNode(site, redirection: redirection)
                }
                let results = try await consortium.runStudy()
                #expect(!results.isEmpty)
                for site in consortium.scenario.siteNames {
                    #expect(try await consortium.node(site, "check").status == 0)
                }
            }
        }

        @Test func `the exit statuses are those of the documentation`() throws {
            let section = try #require(
                try Repository.text("Deploy/README.md").components(separatedBy: "## Exit statuses")
                    .dropFirst().first)
            let rows = section.split(separator: "\n").compactMap { line -> Int32? in
                let cells = line.split(separator: "|", omittingEmptySubsequences: false)
                return cells.count > 2 ? Int32(cells[1].trimmingCharacters(in: .whitespaces)) : nil
            }
            #expect(Set(rows).subtracting([128 + SIGPIPE]) == Set(ExitStatus.allCases.map(\.rawValue)))
        }
    }
}

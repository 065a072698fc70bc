import Foundation
import Testing

extension EndToEnd {
    /// Bad input on the command line: a status, one sentence, what next, and nothing changed.
    @Suite
    struct FailClosed {
        /// A command that has to fail, with what its first line says after `coxswain: error: `.
        struct Misuse: Sendable {
            var arguments: [String]
            var status: Int32 = 1
            var sentence: String
            var hint: String?

            init(_ command: String, _ sentence: String, status: Int32 = 1, hint: String? = nil) {
                arguments = command.split(separator: " ").map { $0 == "_" ? "" : String($0) }
                (self.sentence, self.status, self.hint) = (sentence, status, hint)
            }
        }

        // MARK: Without a coordinator

        private static let node = "--config site-1/node.yaml"
        private static let csv = Repository.data("lung/site-1.csv")

        private static let misusesOfWords = [
            Misuse("nonsense", "unexpected argument 'nonsense'", status: 64),
            Misuse("node import \(csv) -d d --bogus", "unknown option '--bogus'", status: 64),
            Misuse("study submit --dictionary d", "missing expected argument '<file>'", status: 64),
            Misuse(
                "study results x --format xml", "the value 'xml' is invalid for '--format <format>'",
                status: 64),
            Misuse(
                "node approve x --until 2027-02-30 --by me", "--until is a day, for instance 2027-03-31",
                status: 64),
            Misuse(
                "node approve x --until 2027-03-31T10:00 --by me",
                "--until is a day, for instance 2027-03-31", status: 64),
            Misuse(
                "ca issue node Site_1 --ca office --out x",
                "a name has lower-case letters, digits and hyphens", status: 64),
            Misuse("ca issue coordinator --ca office --out x", "say with --dns or --ip where", status: 64),
            Misuse("ca issue node new --ca office --days 0 --out x", "--days is from 1 to 3650", status: 64),
            Misuse(
                "fit s.yaml --data a.csv --sites x --sites y", "the option --sites is given twice", status: 64
            ),
            Misuse(
                "study check s.yaml -d a.yaml --dictionary b.yaml", "the option --dictionary is given twice",
                status: 64),
            Misuse(
                "fit s.yaml --data a.csv --data b.csv", "of several files each is a site; name them",
                status: 64
            ),
            Misuse(
                "fit s.yaml --data a=a.csv --data a=b.csv", "two files have the same site's name", status: 64),
            Misuse("node preview x --rounds 0", "--rounds is a number above 0", status: 64),
        ]

        private static let misusesOfFiles = [
            Misuse(
                "node import none.csv -d dictionary.yaml --replace \(node)",
                "none.csv: there is no such file; nothing was imported"),
            Misuse("node import \(csv) -d none.yaml \(node)", "the dictionary none.yaml cannot be read"),
            Misuse(
                "node import folder -d dictionary.yaml --replace \(node)",
                "folder: this is no file, but a pipe, a folder or a device"),
            Misuse("node check --config none.yaml", "the configuration none.yaml cannot be read"),
            Misuse(
                "node check --config site-1/mistyped.yaml",
                "site-1/mistyped.yaml:4:1: unknown key \"consortum\"; did you mean \"consortium\"?"),
            Misuse(
                "node check --config site-1/twice.yaml",
                "the key \"cohort\" is there twice"),
            Misuse("node check --config site-1/no-policy.yaml", "the policy "),
            Misuse("node run --config site-1/no-policy.yaml", "the policy "),
            Misuse(
                "node run --config site-1/loose.yaml",
                "site-1/loose-policy.yaml:6:13: people-min may not be below 10"),
            Misuse(
                "node run --config site-1/unknown.yaml",
                "unknown key \"people-mim\"; did you mean \"people-min\"?"),
            Misuse(
                "node check --config site-1/stranger.yaml",
                "identity.pem names no member of another-consortium"),
            Misuse(
                "node run --config site-1/open.yaml", "identity.key can be read by others; run \"chmod 600 "),
            Misuse("node run --config site-1/lead.yaml", "identity.pem is not a node's certificate"),
            Misuse("node run --config site-1/mixed.yaml", "identity.key is not the key of "),
            Misuse(
                "study list --config site-1/lead-as-node.yaml",
                "identity.pem is not an operator's certificate"),
            Misuse(
                "coordinator run --config site-1/node.yaml", "node.yaml:4:1: the key \"listen\" is missing"),
            Misuse("study check none.yaml -d dictionary.yaml", "the study file none.yaml cannot be read"),
            Misuse(
                "ca init --ca office --consortium again",
                "office is not empty; an office is made in a new folder"),
            Misuse(
                "ca issue node site-1 --ca office --out site-1/identity",
                "site-1/identity already holds an identity"),
            Misuse(
                "ca revoke spiffe://x/node/y --ca office", "no valid certificate has the serial number or id"),
        ]

        private static let misusesOfPatients = [
            Misuse(
                "node import \(csv) -d dictionary.yaml \(node)", "there are rows for lung@1 already",
                hint: "add --replace"),
            Misuse(
                "node import bad.csv -d dictionary.yaml --replace \(node)",
                "bad.csv: 3 problems, nothing was imported:"),
            Misuse(
                "node import \(Repository.data("bmt/osu.csv")) -d dictionary.yaml --replace \(node)",
                "the first line has no column age, sex, "),
            Misuse(
                "node import semicolons.csv -d dictionary.yaml --replace \(node)",
                "fields are separated by semicolons"),
            Misuse(
                "node import empty.csv -d dictionary.yaml --replace \(node)", "empty.csv: the file is empty"),
            Misuse(
                "node import \(csv) -d changed.yaml --replace \(node)",
                "dictionary lung@1 is installed with another text; give the changed one a new version"),
            Misuse("node describe --dictionary lung@2 \(node)", "dictionary lung@2 is not installed here"),
            Misuse(
                "node describe --config site-1/foreign.yaml",
                "foreign.sqlite is not a coxswain cohort; nothing was changed"),
            Misuse(
                "node check --config site-1/swapped.yaml",
                "cohort.sqlite is not a coxswain ledger; nothing was changed"),
            Misuse("node describe --config site-1/exposed.yaml", "is open to every account of this machine"),
            Misuse("node run --config site-1/newer.yaml", "install the newer coxswain"),
            Misuse(
                "node run --config site-1/damaged.yaml", "damaged.sqlite is damaged; restore it from a backup"
            ),
        ]

        @Test
        func `wrong words, files and patients are refused with a sentence, and nothing is changed`()
            async throws
        {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                try await prepare(consortium)
                try await requireRefusals(
                    Self.misusesOfWords + Self.misusesOfFiles + Self.misusesOfPatients, consortium)
            }
        }

        @Test
        func `a bad cell is told by line and column, and never by its value`() async throws {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                try await prepare(consortium)
                let outcome = try await consortium.node(
                    "site-1", "import", "bad.csv", "--dictionary", "dictionary.yaml", "--replace")
                let lines = outcome.error.split(separator: "\n").dropFirst()
                #expect(lines.first?.hasPrefix("  line 3, column age: ") == true)
                #expect(
                    lines.dropFirst().first?.hasPrefix("  line 4, column sex: not a level (1, 2)") == true)
                #expect(
                    lines.last
                        == "  line 6: 12 fields where the first line has 11; the line ends in a comma too many"
                )
                for value in ["Meier", "77777"] { #expect(!outcome.error.contains(value)) }
            }
        }

        @Test
        func `a coordinator that cannot be reached is told to the operator and the node's admin`()
            async throws
        {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                let operatorFile = "--config study-lead/operator.yaml"
                try await requireRefusals(
                    [
                        Misuse("study list \(operatorFile)", "cannot reach the coordinator: "),
                        Misuse(
                            "study submit study.yaml -d dictionary.yaml \(operatorFile)",
                            "cannot reach the coordinator: "),
                    ], consortium)
                let check = try await consortium.node("site-1", "check")
                #expect(check.status == 1)
                #expect(
                    check.error.hasPrefix(
                        "coxswain: error: cannot reach the coordinator: cannot connect to 127.0.0.1:1: "))
                #expect(
                    check.output.contains("audit log    1 entry, chain intact"),
                    "what is well is said all the same")
            }
        }

        // MARK: With a coordinator

        @Test
        func `wrong moments and wrong people are refused with a sentence, and nothing is changed`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let text = consortium.scenario.study
                let files = [
                    "other-version.yaml": try replaced("lung@1", by: "lung@2", in: text),
                    "mistyped.yaml": try replaced(
                        "[age, sex, ecog], baseline: site", by: "[agee, sex], baseline: site", in: text),
                    "no-site.yaml": try replaced("sites:", by: "site:", in: text),
                    "three.yaml": try replaced(
                        "study: brief", by: "study: three",
                        in: try replaced("site-3, site-4]", by: "site-3]", in: text)),
                    "other-dictionary.yaml": try replaced(
                        "range: [18, 110]", by: "range: [0, 110]", in: consortium.scenario.dictionary),
                ]
                for (name, text) in files { try consortium.folder.write(text, to: name) }
                let lead = "--config study-lead/operator.yaml"
                try await consortium.submit()
                try await consortium.submit("three.yaml")
                try await consortium.study("submit", "study.yaml", "--dictionary", "other-dictionary.yaml")
                    .succeeded()
                for site in consortium.scenario.siteNames {
                    let count = site == "site-4" ? 2 : 3
                    try await poll("the studies to arrive at \(site)") {
                        try await consortium.node(site, "studies").output.split(separator: "\n").count
                            == count + 1
                    }
                }
                let studies = try await consortium.rows(
                    "site-1/ledger.sqlite", "SELECT hash, json_extract(submission, '$.payload') FROM studies")
                func hash(_ word: String) throws -> Substring {
                    try #require(studies.first { $0.contains(word) }?.prefix(12))
                }
                let good = try #require(
                    studies.first { $0.contains("study: brief") && $0.contains("range: [18, 110]") }?.prefix(
                        12))
                let foreign = try hash("range: [0, 110]")
                let day = Consortium.day(in: 30)
                try await requireRefusals(
                    [
                        Misuse(
                            "study launch nothing \(lead)", "no study \"nothing\"",
                            hint: "see \"coxswain study list\""),
                        Misuse(
                            "study launch three \(lead)",
                            "not every hospital has approved the study: site-1 (pending), site-2 (pending), site-3 (pending)",
                            hint: "ask them to run \"coxswain node approve\""),
                        Misuse("study results three \(lead)", "the study has no result: it is submitted"),
                        Misuse(
                            "study submit other-version.yaml -d dictionary.yaml \(lead)",
                            "the study asks for dictionary lung@2 and was given lung@1"),
                        Misuse(
                            "study submit mistyped.yaml -d dictionary.yaml \(lead)",
                            "there is no variable or definition \"agee\"; did you mean \"age\"?"),
                        Misuse(
                            "study submit no-site.yaml -d dictionary.yaml \(lead)",
                            "unknown key \"site\"; did you mean \"sites\"?"),
                        Misuse(
                            "node approve three --until \(day) --by me --config site-4/node.yaml",
                            "no study \"three\" has arrived here"),
                        Misuse(
                            "node approve brief --until \(day) --by me \(Self.node)",
                            "\"brief\" means several studies"),
                        Misuse(
                            "node approve \(good) --until 2020-01-01 --by me \(Self.node)",
                            "the approval would already be over: a day ends at 24:00 UTC, and it is "),
                        Misuse(
                            "node approve \(good) --until 2099-01-01 --by me \(Self.node)",
                            "the policy's approval-days-max is 90 days"),
                        Misuse(
                            "node approve \(good) --until \(day) --by _ \(Self.node)",
                            "who approves is not said"),
                        Misuse(
                            "node decline \(good) --reason _ --by me \(Self.node)", "the reason is not said"),
                        Misuse(
                            "node approve \(foreign) --until \(day) --by me \(Self.node)",
                            "the study cannot be approved at this hospital:"),
                        Misuse(
                            "node audit verify --against study.yaml \(Self.node)",
                            "study.yaml is not a file of checkpoints",
                            hint: "make one with \"coxswain node audit checkpoints\""),
                        Misuse(
                            "node revoke \(good) --reason why --by me \(Self.node)",
                            "the study is not approved here"),
                    ], consortium)
            }
        }

        /// What a hospital or a study lead writes reaches other people's terminals.
        @Test
        func `control characters of others do not act on a terminal`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let escape = "\u{1B}[2J"
                let study = try replaced(
                    "title: A brief study", by: "title: \"A \\e[2J study\"", in: consortium.scenario.study)
                try consortium.folder.write(study, to: "escape.yaml")
                let submission = try await consortium.study(
                    "submit", "escape.yaml", "--dictionary", "dictionary.yaml")
                #expect(submission.status == 1)
                #expect(submission.error.contains("the invisible character U+001B"))
                try await consortium.submit()
                try await poll("the study to arrive") {
                    try await consortium.node("site-1", "studies").output.contains("brief")
                }
                for reason in ["why\(escape)", "why\nsite-2: approved"] {
                    let decline = try await consortium.node(
                        "site-1", "decline", "brief", "--reason", reason, "--by", "me")
                    #expect(decline.status == 1)
                }
                let unknown = try await consortium.study("results", "x\(escape)")
                #expect(unknown.error.hasPrefix("coxswain: error: no study \"x\\u{1b}[2J\"\n"))
                let rows = try String(contentsOfFile: consortium.scenario.sites[0].csv, encoding: .utf8)
                    .split(whereSeparator: \.isNewline)
                let headed = ["\(rows[0]),a\(escape)\u{202E}b"] + rows.dropFirst().map { "\($0),1" }
                try consortium.folder.write(headed.joined(separator: "\n") + "\n", to: "headed.csv")
                let imported = try await consortium.node(
                    "site-1", "import", "headed.csv", "--dictionary", "dictionary.yaml", "--replace"
                ).succeeded()
                #expect(imported.contains("ignored: inst, a\\u{1b}[2J\\u{202e}b\n"))
            }
        }

        /// A certificate that is missing in the register could never be revoked.
        @Test
        func `certificates issued at the same moment all stand in the register`() async throws {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                let names = (1...8).map { "new-\($0)" }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for name in names {
                        group.addTask {
                            try await consortium.office("issue", "node", name, "--out", "\(name)/identity")
                                .succeeded()
                        }
                    }
                    try await group.waitForAll()
                }
                let list = try await consortium.office("list").succeeded()
                for name in names { #expect(list.contains("/node/\(name) ")) }
            }
        }

        // MARK: -

        /// Runs each command, and compares all databases before and after.
        private func requireRefusals(_ misuses: [Misuse], _ consortium: Consortium) async throws {
            let before = try await contents(consortium)
            for misuse in misuses {
                let outcome = try await consortium.coxswain(misuse.arguments)
                #expect(outcome.status == misuse.status, "\(outcome)")
                #expect(outcome.output == "", "\(outcome)")
                let lines = outcome.error.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                let first = try #require(lines.first, "\(outcome)")
                #expect(first.contains(misuse.sentence), "\(outcome)")
                // As the command line's own documentation has it: one sentence, lower case, without a full stop; wrong
                // usage is in ArgumentParser's words and shows the usage.
                let isUsage = misuse.status == 64
                let sentence = isUsage ? /coxswain: error: [^A-Z].*/ : /coxswain: error: [^A-Z].*[^.]/
                let rest = isUsage ? #/  .+|Help: .+|Usage: .+/# : /coxswain: hint: .+|  .+/
                #expect(first.wholeMatch(of: sentence) != nil, "\(outcome)")
                for line in lines.dropFirst() { #expect(line.wholeMatch(of: rest) != nil, "\(outcome)") }
                if let hint = misuse.hint {
                    #expect(outcome.error.contains("coxswain: hint: \(hint)"), "\(outcome)")
                }
            }
            #expect(try await contents(consortium) == before)
        }

        /// Every row of every database, and the certificate register.
        private func contents(_ consortium: Consortium) async throws -> [String: String] {
            var contents = ["register": consortium.folder.text("office/register.json")]
            for file in ["coordinator/coordinator", "site-1/cohort", "site-1/ledger", "site-4/ledger"]
            where consortium.folder.has("\(file).sqlite") {
                contents[file] = try await run(
                    "sqlite3", ["-readonly", "\(file).sqlite", ".dump"], in: consortium.folder
                ).succeeded()
            }
            return contents
        }

        /// Files that each have one thing wrong with them.
        private func prepare(_ consortium: Consortium) async throws {
            let folder = consortium.folder
            let node = folder.text("site-1/node.yaml")
            let policy = consortium.scenario.policy
            let changes = [
                ("mistyped", "consortium: demo", "consortum: demo"),
                ("twice", "policy: policy.yaml", "cohort: cohort.sqlite"),
                ("no-policy", "policy.yaml\n", "none.yaml\n"),
                ("loose", "policy.yaml\n", "loose-policy.yaml\n"),
                ("unknown", "policy.yaml\n", "unknown-policy.yaml\n"),
                ("stranger", "consortium: demo-consortium", "consortium: another-consortium"),
                ("open", "key: identity/identity.key", "key: open/identity.key"),
                ("lead", "identity/identity", "../study-lead/identity/identity"),
                ("mixed", "key: identity/identity.key", "key: ../site-2/identity/identity.key"),
                ("foreign", "cohort.sqlite", "foreign.sqlite"), ("swapped", "ledger.sqlite", "cohort.sqlite"),
                ("exposed", "cohort.sqlite", "exposed.sqlite"), ("newer", "ledger.sqlite", "newer.sqlite"),
                ("damaged", "ledger.sqlite", "damaged.sqlite"),
            ]
            for (name, passage, other) in changes {
                try folder.write(try replaced(passage, by: other, in: node), to: "site-1/\(name).yaml")
            }
            let lead = try replaced(
                "identity/identity", by: "../site-1/identity/identity",
                in: folder.text("study-lead/operator.yaml"))
            try folder.write(lead, to: "site-1/lead-as-node.yaml")
            try folder.write(
                try replaced("people-min: 20", by: "people-min: 9", in: policy),
                to: "site-1/loose-policy.yaml")
            try folder.write(
                try replaced("people-min: 20", by: "people-mim: 20", in: policy),
                to: "site-1/unknown-policy.yaml")
            try folder.write(folder.text("site-1/identity/identity.key"), to: "site-1/open/identity.key")
            try await run("chmod", ["644", "site-1/open/identity.key"], in: folder).succeeded()
            try await prepareDatabases(folder)
            try await preparePatients(consortium)
        }

        private func prepareDatabases(_ folder: Folder) async throws {
            try folder.write(
                "no database at all, and long enough to look like one\n", to: "site-1/foreign.sqlite")
            for (name, source) in [("exposed", "cohort"), ("newer", "ledger"), ("damaged", "ledger")] {
                try folder.copy("site-1/\(source).sqlite", to: "site-1/\(name).sqlite")
            }
            try await run("sqlite3", ["site-1/newer.sqlite", "PRAGMA user_version = 99"], in: folder)
                .succeeded()
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: folder("site-1/damaged.sqlite")))
            try handle.seek(toOffset: 4096)
            try handle.write(contentsOf: Data(repeating: 0x5a, count: 3000))
            try handle.close()
            try await run(
                "chmod", ["600", "site-1/foreign.sqlite", "site-1/newer.sqlite", "site-1/damaged.sqlite"],
                in: folder
            ).succeeded()
            try await run("chmod", ["644", "site-1/exposed.sqlite"], in: folder).succeeded()
        }

        private func preparePatients(_ consortium: Consortium) async throws {
            let folder = consortium.folder
            let text = try String(contentsOfFile: Self.csv, encoding: .utf8)
            var rows = text.split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false)
            }
            rows[2][4] = "Meier"
            rows[3][5] = "77777"
            rows[5].append("")
            try folder.write(rows.map { $0.joined(separator: ",") }.joined(separator: "\n"), to: "bad.csv")
            try folder.write(text.replacingOccurrences(of: ",", with: ";"), to: "semicolons.csv")
            try folder.write("", to: "empty.csv")
            try folder.write("", to: "folder/file")
            try folder.write(
                try replaced("range: [18, 110]", by: "range: [0, 110]", in: consortium.scenario.dictionary),
                to: "changed.yaml")
        }
    }
}

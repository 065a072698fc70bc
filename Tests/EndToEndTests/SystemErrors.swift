import Foundation
import Testing

@testable import coxswain

extension EndToEnd {
    /// Paths that are not what a command needs: whatever the system says to them is told in a sentence of ours.
    @Suite
    struct SystemErrors {
        /// Places where nothing can be made or read as wanted; `folder` is one, and `text` a file with a line of text.
        private static let places = [
            "/proc/x", "/dev/full", "/dev/null", "/dev/zero", "text/x", "folder", "text", "none/none",
            "latin", "wide",
        ]

        /// Every option and argument that is a path; PLACE stands for it, spaces within a word are underscores.
        private static let commands = [
            "ca init --ca PLACE --consortium x", "ca list --ca PLACE", "ca list --renew --ca PLACE",
            "ca issue operator me --ca PLACE --out guest", "ca issue operator me --ca office --out PLACE",
            "ca revoke 00 --ca PLACE", "node init --config PLACE", "node studies --config PLACE",
            "node check --config PLACE", "node run --config PLACE", "node audit verify --config PLACE",
            "node import PLACE --dictionary d.yaml --config member/node.yaml",
            "node import text --dictionary PLACE --config member/node.yaml",
            "node audit verify --against PLACE --config member/node.yaml", "coordinator run --config PLACE",
            "study list --config PLACE", "study check PLACE --dictionary d.yaml",
            "study check s.yaml --dictionary PLACE", "study check s.yaml --dictionary d.yaml --policy PLACE",
            "study submit PLACE --dictionary d.yaml --config PLACE", "fit PLACE --data rows.csv",
            "fit s.yaml --data PLACE", "fit s.yaml --data a=PLACE --data b=rows.csv",
            "fit s.yaml --data rows.csv --dictionary PLACE",
        ]

        /// Keys of a node's and the coordinator's configuration that are paths.
        private static let keys = [
            ("cohort: cohort.sqlite", "cohort: PLACE"), ("ledger: ledger.sqlite", "ledger: PLACE"),
            ("policy: policy.yaml", "policy: PLACE"),
            ("certificate: identity/identity.pem", "certificate: PLACE"),
            ("key: identity/identity.key", "key: PLACE"),
            ("authority: identity/authority.pem", "authority: PLACE"),
            ("revocations: identity/revocations.pem", "revocations: PLACE"),
        ]

        private func prepare(_ folder: Folder) async throws {
            try folder.write("a line\n", to: "text")
            try folder.write("t,died\n1,1\n2,0\n", to: "rows.csv")
            try folder.write("", to: "folder/.keep")
            try Data([0x61, 0x0A, 0x67, 0xFC, 0x0A]).write(to: URL(fileURLWithPath: folder("latin")))
            try Data([0xFF, 0xFE, 0x61, 0x00, 0x0A, 0x00]).write(to: URL(fileURLWithPath: folder("wide")))
            try folder.write(
                "dictionary: d\nversion: 1\nperson: p\nvariables:\n  p: {type: identifier}\n  t: {type: number, unit: day, range: [0, 9]}\n  died: {type: boolean}\n",
                to: "d.yaml")
            try folder.write(
                "study: s\ndictionary: d@1\nsites: [a, b, c]\nendpoint: {time: t, event: died, unit: day}\nanalyses: [{survival: {id: m, times: exact}}]\n",
                to: "s.yaml")
            try await run(
                Repository.coxswain, ["ca", "init", "--ca", "office", "--consortium", "demo-consortium"],
                in: folder
            )
            .succeeded()
            try await run(
                Repository.coxswain,
                ["ca", "issue", "node", "a", "--ca", "office", "--out", "member/identity"], in: folder
            ).succeeded()
            for name in ["node.yaml", "policy.yaml"] {
                try folder.write(try Repository.text("Config/\(name)"), to: "member/\(name)")
            }
            try await run(Repository.coxswain, ["node", "init", "--config", "member/node.yaml"], in: folder)
                .succeeded()
        }

        private func check(_ command: String, in folder: Folder) async throws {
            let words = command.split(separator: " ").map { String($0).replacing("_", with: " ") }
            let outcome = try await run("timeout", ["20", Repository.coxswain] + words, in: folder)
            #expect([0, 1].contains(outcome.status), "\(command): \(outcome)")
            #expect(
                outcome.status == 0 || outcome.error.contains("coxswain: error: ")
                    || outcome.error.contains(": error "),
                "\(command): \(outcome)")
            for word in [
                "Domain", "Code=", "UserInfo", "NSCocoa", "NSPOSIX", "Foundation", "Error(", "codingPath",
            ] {
                #expect(!outcome.error.contains(word), "\(command): \(outcome.error)")
            }
        }

        @Test func `every path of the command line`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try await prepare(folder)
            for command in Self.commands {
                for place in Self.places {
                    try await check(command.replacing("PLACE", with: place), in: folder)
                }
            }
        }

        @Test func `every path of a configuration`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try await prepare(folder)
            let text = try Repository.text("Config/node.yaml")
            for (key, changed) in Self.keys {
                for place in Self.places.filter({ $0 != "/dev/zero" && $0 != "wide" }) {
                    let path = place.hasPrefix("/") ? place : "../\(place)"
                    try folder.write(
                        try replaced(key, by: changed.replacing("PLACE", with: path), in: text),
                        to: "member/other.yaml")
                    for command in ["node init", "node check"] {
                        try await check("\(command) --config member/other.yaml", in: folder)
                    }
                }
            }
        }

        /// A complaint about words shows the usage of the command that was meant.
        @Test(arguments: [
            ("fit s.yaml --data a.csv --data b.csv", "fit <study> --data"),
            ("fit s.yaml --data a=a.csv --data a=b.csv", "fit <study> --data"),
            ("fit s.yaml --data a=a.csv --data b=b.csv --sites x", "fit <study> --data"),
            ("fit s.yaml --data a.csv --rounded-p", "fit <study> --data"),
            ("fit s.yaml --data a.csv --sites x --sites y", "fit <study> --data"),
            ("study check s.yaml -d a.yaml --dictionary b.yaml", "study check <file> --dictionary"),
            ("study check s.yaml -d d.yaml --operator jane", "study check <file> --dictionary"),
            ("study results x --rounded-p", "study results <study>"),
            ("node preview x --rounds 0", "node preview"), ("ca issue node --ca office --out x", "ca issue"),
            ("node approve x --until never --by me", "node approve"),
        ])
        func `wrong words show how they should be`(command: String, usage: String) async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let words = command.split(separator: " ").map(String.init)
            let outcome = try await run(Repository.coxswain, words, in: folder)
            #expect(outcome.status == 64)
            #expect(outcome.error.hasPrefix("coxswain: error: "), "\(outcome.error)")
            #expect(outcome.error.contains("\nUsage: coxswain \(usage)"), "\(outcome.error)")
            let name = usage.split(separator: " ").prefix { !$0.hasPrefix("<") && !$0.hasPrefix("-") }
            #expect(
                outcome.error.hasSuffix(
                    "See 'coxswain \(name.joined(separator: " ")) --help' for more information.\n"),
                "\(outcome.error)")
        }

        @Test func `the help lists every exit status`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let help = try await run(Repository.coxswain, ["--help"], in: folder).succeeded()
            let words = help.split { $0.isWhitespace }.joined(separator: " ")
            let list = try #require(words.components(separatedBy: "Exit status: ").dropFirst().first)
            for status in ExitStatus.allCases.map(\.rawValue) + [128 + SIGPIPE] {
                #expect(list.contains("\(status) "), "\(status)")
            }
        }
    }
}

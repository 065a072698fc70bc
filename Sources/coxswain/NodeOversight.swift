import ArgumentParser
import CohortStore
import Cryptography
import Federation
import Foundation
import HospitalNode
import Ledger
import Membership
import Survival

/// What a site admin looks at, takes back, and can prove.
extension NodeCommand {
    struct Preview: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show the very numbers this hospital would send, before they are masked; nothing is sent.",
            discussion: """
                Shows the first rounds as if this hospital were alone. What later rounds ask depends on the sums of all
                hospitals, so there the coefficients differ a little. For local eyes only: these numbers never leave
                unmasked.
                """)
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Option(help: "How many rounds to show.") var rounds = 3
        @Flag(help: "Show every number; without it, the first twelve that are not 0.") var full = false
        @OptionGroup var location: Location

        func validate() throws {
            guard rounds > 0 else { throw ValidationError("--rounds is a number above 0") }
        }

        func run() throws {
            let administration = try location.administration()
            for round in try administration.preview(try administration.study(study), rounds: rounds) {
                try show("round \(round.round)")
                for answer in round.answers { for line in lines(answer) { try show("  \(line)") } }
            }
        }

        private func lines(_ answer: PreviewedAnswer) -> [String] {
            let beta = answer.beta.map { " at beta \($0)" } ?? ""
            let told = answer.numbers.filter { full || $0.value != 0 }
            let shown = full ? told[...] : told.prefix(12)
            let rest = answer.numbers.count - shown.count
            return ["\(answer.analysis), \(answer.kind)\(beta):"]
                + shown.map { "  \($0.label.visibleLine): \($0.value)" }
                + (rest > 0 ? ["  ... and \(counted(rest, "number")) more (--full shows all)"] : [])
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraw an approval; a study under way is refused at its next round.")
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Option(help: "Why, in a sentence for the study lead.") var reason: String
        @Option(help: "Who withdraws it.") var by: String
        @OptionGroup var location: Location

        func run() throws {
            let administration = try location.administration()
            let study = try administration.study(study)
            try administration.revoke(study, reason: reason, by: by)
            try show("revoked: \(study.plan.study.name) (\(study.plan.hash.hex))")
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the round that waits be answered, after showing what would be sent.",
            discussion: """
                Rounds wait if the policy says "hold: each-round" or the approval was given with --hold. Without --by it only
                shows. The coordinator waits a week for a round that is held, or the study's patience if that is longer.
                """)
        @Argument(help: "The study's name or the beginning of its hash.") var study: String
        @Option(help: "Who releases the round.") var by: String?
        @OptionGroup var location: Location

        func run() throws {
            let administration = try location.administration()
            let study = try administration.study(study)
            let request = try administration.heldRound(of: study).request
            try show(
                "round \(request.round) of \(study.plan.study.name), masked, as sums over all hospitals:")
            var table = TerminalTable(["ANALYSIS", "ASKED", "NUMBERS", "AT COEFFICIENTS"])
            for statement in request.statements {
                table.add([
                    statement.analysis, statement.kind, "\(statement.lanes)",
                    statement.beta.map { $0.map { "\($0)" }.joined(separator: ", ") } ?? "",
                ])
            }
            try show(table.text)
            guard let by else { return try show("it waits; release it with --by NAME") }
            try administration.release(request, of: study, by: by)
            try show("released: round \(request.round), by \(by)")
        }
    }

    struct Ledger: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "List the analyses that were answered, and the set of people of each, for this hospital's own eyes.",
            discussion: """
                Equal sets have equal cohorts. An analysis whose people differ from these by at least one and fewer than the
                policy's cohort-difference-min is refused. The ledger knows people by keyed codes only.
                """)
        @OptionGroup var location: Location

        func run() throws {
            var table = TerminalTable(["ANSWERED", "STUDY", "HASH", "ANALYSIS", "PEOPLE", "COHORT"])
            for answered in try location.administration().answeredAnalyses() {
                table.add([
                    CalendarDay.text(answered.at), answered.name, answered.study.short, answered.analysis,
                    "\(answered.people)", answered.cohort.short,
                ])
            }
            try show(table.text)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show what the node does as it happens: each new entry of the audit log. Ctrl-C ends it.")
        @OptionGroup var location: Location

        func run() async throws {
            let ledger = try location.administration().ledger
            var last = try ledger.auditHead().sequence
            while true {
                for entry in try ledger.auditEntries(after: last) {
                    try show(AuditText.line(entry))
                    last = entry.sequence
                }
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    struct Policy: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the policy in force and its hash.")
        @OptionGroup var location: Location

        func run() throws {
            let policy = try location.administration().policy
            for (rule, value) in policy.rules { try show("\(rule): \(value)") }
            try show("hash \(policy.hash.hex)")
        }
    }

    struct Peers: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the fingerprints of this and the other hospitals' certificates.",
            discussion:
                "Compare them with the hospitals by telephone, then pin them in node.yaml under peers:.")
        @OptionGroup var location: Location

        func run() throws {
            let administration = try location.administration()
            let own = administration.member.signer.certificate
            var table = TerminalTable(["HOSPITAL", "FINGERPRINT", "EXPIRES", ""])
            table.add([
                administration.site, own.fingerprint.hex, CalendarDay.text(own.notAfter), "this hospital",
            ])
            for (site, certificate) in try administration.knownPeers() where site != administration.site {
                let pin = administration.configuration.peers?[site]
                let state =
                    pin == nil
                    ? "not pinned" : pin == certificate.fingerprint ? "pinned" : "DIFFERS from peers:"
                table.add([site, certificate.fingerprint.hex, CalendarDay.text(certificate.notAfter), state])
            }
            try show(table.text)
        }
    }

    struct Audit: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check and export the audit log.",
            subcommands: [Verify.self, Export.self, Checkpoints.self])

        struct Verify: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Walk the hash chain; names the first entry that was changed, removed or put in.",
                discussion: """
                    A log that was rewritten as a whole, or set back to an earlier state, has a sound chain too. Signed
                    checkpoints that others kept show it: give a file of them with --against (from another hospital's "coxswain
                    node audit checkpoints", or from "coxswain study checkpoints --format json"), or ask the coordinator with
                    --online. A node asks it before each session.
                    """)
            @Option(help: "A file of signed checkpoints that somebody else kept.") var against: String?
            @Flag(help: "Also hold the log against the checkpoints that the coordinator keeps.") var online =
                false
            @OptionGroup var location: Location

            func run() async throws {
                let administration = try location.administration()
                let kept = try against.map { (path: $0, messages: try checkpoints(in: $0)) }
                let head = try administration.ledger.verifiedHead()
                try show(
                    "\(counted(head.sequence, "entry", "entries")), chain intact; newest \(head.hash.hex)")
                if let kept { try say(try administration.verifyLog(against: kept.messages), in: kept.path) }
                if online {
                    try say(try await administration.verifyLogAgainstCoordinator(), in: "the coordinator")
                }
            }

            private func checkpoints(in path: String) throws -> [SignedMessage] {
                let text = try ConfigurationFile(path: path, what: "file of checkpoints").text
                do {
                    return try CanonicalJSON.decode(
                        [SignedMessage].self,
                        from: Array(text.trimmingCharacters(in: .whitespacesAndNewlines).utf8))
                } catch {
                    throw NodeError.ask(
                        "\(path) is not a file of checkpoints",
                        hint:
                            "make one with \"coxswain node audit checkpoints\" or \"coxswain study checkpoints --format json\""
                    )
                }
            }

            private func say(_ count: Int, in place: String) throws {
                try show(
                    count == 0
                        ? "\(place): no checkpoint of this node"
                        : "\(place): \(counted(count, "checkpoint")) of this node, as in the log"
                )
            }
        }

        struct Checkpoints: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Print the newest signed checkpoint that is kept of each other hospital, as JSON.",
                discussion:
                    "With such a file a hospital can show that its log was not cut: coxswain node audit verify --against FILE."
            )
            @OptionGroup var location: Location

            func run() throws {
                try ProgramOutput.write(jsonText(try location.administration().peerCheckpoints()))
            }
        }

        struct Export: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Write what was asked, decided and sent, for a data-protection officer.",
                discussion:
                    "Verifies the chain first. html: a page to read, with what left in each round. text: a line for each entry. json: every field, for programs."
            )
            enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, html }
            @Option(help: "text, json or html.") var format: Format = .text
            @OptionGroup var location: Location

            func run() throws {
                let administration = try location.administration()
                let ledger = administration.ledger
                let head = try ledger.verifiedHead()
                let entries = try ledger.auditEntries(limit: head.sequence)
                switch format {
                case .text: for entry in entries { try show(AuditText.line(entry)) }
                case .json: try ProgramOutput.write(jsonText(entries))
                case .html:
                    let page = try AuditPage(
                        entries: entries, head: head, studies: try administration.studies(),
                        site: administration.site)
                    try ProgramOutput.write(page.html)
                }
            }
        }
    }
}

/// An audit entry in a line.
enum AuditText {
    static func line(_ entry: AuditEntry) -> String {
        let time = Date(timeIntervalSince1970: TimeInterval(entry.at)).formatted(.iso8601)
        return "\(entry.sequence)  \(time)  \(entry.kind)  \(entry.body)"
    }
}

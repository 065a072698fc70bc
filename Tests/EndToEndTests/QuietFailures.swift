import Foundation
import Testing

@testable import coxswain

extension EndToEnd {
    /// A service that cannot go on says so, waits, and tries again: its log and its processor time stay small.
    @Suite
    struct QuietFailures {
        /// Every file that a running service reads again and again, away for a while, as while a configuration tool replaces it.
        @Test(arguments: [
            ("coordinator", "identity/authority.pem"), ("coordinator", "identity/revocations.pem"),
            ("coordinator", "identity/identity.pem"), ("coordinator", "identity/identity.key"),
            ("coordinator", "coordinator.sqlite"),
            ("site-1", "identity/authority.pem"), ("site-1", "identity/revocations.pem"),
            ("site-1", "identity/identity.pem"), ("site-1", "identity/identity.key"),
            ("site-1", "policy.yaml"),
            ("site-1", "cohort.sqlite"), ("site-1", "ledger.sqlite"),
        ])
        func `a file that is away does not fill the log`(party: String, file: String) async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                // Something to be done at each round: a decision to report, a round that is held.
                try await consortium.submit()
                for site in consortium.scenario.siteNames { try await consortium.approve(site) }
                try await consortium.study("watch", "brief", "--decisions").succeeded()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 2)
                let before = Self.lines(party, consortium).count
                let process = try consortium.process(party)
                let seconds = try Self.processorSeconds(process)
                let path = consortium.folder("\(party)/\(file)")
                try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
                try await Task.sleep(for: .seconds(4))
                try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
                let written = Self.lines(party, consortium).dropFirst(before)
                #expect(written.count < 12, "\(written.joined(separator: "\n"))")
                #expect(try Self.processorSeconds(process) - seconds < 2)
                #expect(process.status == nil, "it goes on")
            }
        }

        @Test func `a coordinator that is away is said once`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await poll("site-1 to run") { !Self.lines("site-1", consortium).isEmpty }
                try await consortium.kill("coordinator")
                try await Task.sleep(for: .seconds(5))
                let lines = Self.lines("site-1", consortium).filter { $0.contains("cannot reach") }
                #expect((1...3).contains(lines.count), "\(lines)")
                try await consortium.restart("coordinator")
                _ = try await consortium.runStudy()
            }
        }

        private static func lines(_ party: String, _ consortium: Consortium) -> [String] {
            consortium.folder.text("\(party)/log").split(separator: "\n").map(String.init)
        }

        /// Fields 14 and 15 of `/proc/PID/stat`, in clock ticks.
        private static func processorSeconds(_ process: ChildProcess) throws -> Double {
            let text = try String(contentsOfFile: "/proc/\(process.identifier)/stat", encoding: .utf8)
            let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
                throw Failure("\(text) is no status")
            }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }
}

/// Which lines of a log are written, on a clock set by hand.
struct RepeatedLinesTests {
    private let start = ContinuousClock.now

    @Test func `a line is written once, and then how often it came again`() {
        var log = RepeatedLines()
        var written: [String] = []
        for tenth in 0..<6010 { written += log.lines(for: "no", at: start + .milliseconds(100 * tenth)) }
        #expect(
            written == [
                "no", "no (repeated 600 times)", "no (repeated 1200 times)", "no (repeated 2400 times)",
            ])
        // Another line brings out the count that is left.
        #expect(log.lines(for: "yes", at: start + .seconds(7200)) == ["no (repeated 1809 times)", "yes"])
        #expect(log.lines(for: "no", at: start + .seconds(7201)) == ["no"])
    }

    @Test func `two lines that come in turn are written once each`() {
        var log = RepeatedLines()
        let written = (0..<400).flatMap { log.lines(for: "\($0 % 2)", at: start + .milliseconds(100 * $0)) }
        #expect(written == ["0", "1"])
    }

    @Test func `lines that all differ are bounded`() {
        var log = RepeatedLines()
        let written = (0..<5000).flatMap { log.lines(for: "\($0)", at: start + .milliseconds($0)) }
        #expect(written.count == RepeatedLines.linesMax)
        let later = log.lines(for: "later", at: start + .seconds(120))
        #expect(
            later == [
                "\(5000 - RepeatedLines.linesMax) further lines, all different, were left out", "later",
            ])
    }
}

import Foundation
import Synchronization
import Testing

/// A consortium in a folder of its own, laid out as `Deploy/demo` does: office, coordinator, hospitals, study lead.
///
/// Everything happens through the `coxswain` program, as people would have it.
final class Consortium: Sendable {
    let folder: Folder
    let scenario: Scenario
    private let processes = Mutex<[String: ChildProcess]>([:])
    private let port = Mutex<Int?>(nil)

    /// The consortium of the running test, for failure messages.
    @TaskLocal static var current: Consortium?

    private init(folder: Folder, scenario: Scenario) {
        (self.folder, self.scenario) = (folder, scenario)
    }

    /// Makes a consortium, runs `body`, stops what was started and removes the folder, whatever happens.
    static func with<Value>(
        _ scenario: Scenario, started: Bool = true, _ body: (Consortium) async throws -> Value
    ) async throws -> Value {
        let consortium = Consortium(folder: try Folder.temporary(), scenario: scenario)
        return try await $current.withValue(consortium) {
            do {
                try await consortium.found()
                if started { try await consortium.start() }
                let value = try await body(consortium)
                await consortium.end()
                return value
            } catch {
                let told = Failure("\(error)\n\(consortium.logs)")
                await consortium.end()
                throw told
            }
        }
    }

    // MARK: Commands

    /// Runs `coxswain` in the consortium's folder.
    func coxswain(_ arguments: [String]) async throws -> Outcome {
        try await run(Repository.coxswain, arguments, in: folder, environment: environment)
    }

    func office(_ arguments: String...) async throws -> Outcome {
        try await coxswain(["ca"] + arguments + ["--ca", "office"])
    }

    func node(_ site: String, _ arguments: String...) async throws -> Outcome {
        try await coxswain(["node"] + arguments + ["--config", "\(site)/node.yaml"])
    }

    /// As the study lead, or as another operator.
    func study(_ arguments: String..., by lead: String = "study-lead") async throws -> Outcome {
        try await coxswain(["study"] + arguments + ["--config", "\(lead)/operator.yaml"])
    }

    /// Rows of a query, with fields parted by `|`, as whoever looks into a file would get them.
    func rows(_ file: String, _ sql: String) async throws -> [String] {
        try await run("sqlite3", ["-readonly", "-bail", folder(file), sql], in: folder).succeeded()
            .split(separator: "\n").map(String.init)
    }

    var address: String { "127.0.0.1:\(port.withLock { $0 } ?? 1)" }

    private var environment: [String: String] { ["COXSWAIN_COORDINATOR": address] }

    // MARK: Founding

    private func found() async throws {
        try await coxswain(["ca", "init", "--ca", "office", "--consortium", "demo-consortium"]).succeeded()
        try await office("issue", "coordinator", "--ip", "127.0.0.1", "--out", "coordinator/identity")
            .succeeded()
        for site in scenario.siteNames {
            try await office("issue", "node", site, "--out", "\(site)/identity").succeeded()
        }
        try await addOperator("study-lead")
        let listening = try replaced(
            "listen: 127.0.0.1:7443", by: "listen: 127.0.0.1:0\nport-file: port",
            in: try Repository.text("Config/coordinator.yaml"))
        try folder.write(listening, to: "coordinator/coordinator.yaml")
        try folder.write(scenario.study, to: "study.yaml")
        try folder.write(scenario.dictionary, to: "dictionary.yaml")
        try await forEachSite { site, csv in
            try self.folder.write(try Repository.text("Config/node.yaml"), to: "\(site)/node.yaml")
            try self.folder.write(self.scenario.policy, to: "\(site)/policy.yaml")
            try await self.node(site, "init").succeeded()
            try await self.node(site, "import", csv, "--dictionary", "dictionary.yaml").succeeded()
        }
    }

    func addOperator(_ name: String) async throws {
        try await office("issue", "operator", name, "--out", "\(name)/identity").succeeded()
        try folder.write(try Repository.text("Config/operator.yaml"), to: "\(name)/operator.yaml")
    }

    func forEachSite(_ body: @escaping @Sendable (String, String) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (site, csv) in scenario.sites { group.addTask { try await body(site, csv) } }
            try await group.waitForAll()
        }
    }

    // MARK: Processes

    func start() async throws {
        try await startCoordinator()
        for site in scenario.siteNames { try startNode(site) }
    }

    /// Starts the coordinator; after the first time on the same port as before.
    func startCoordinator() async throws {
        let former = port.withLock { $0 }
        unlink(folder("coordinator/port"))
        try start(
            "coordinator", ["coordinator", "run", "--config", "coordinator/coordinator.yaml"],
            environment: former.map { ["COXSWAIN_LISTEN": "127.0.0.1:\($0)"] } ?? [:])
        try await poll("the coordinator to listen") {
            if let status = self["coordinator"]?.status {
                throw Failure("the coordinator ended: status \(status)")
            }
            return self.folder.text("coordinator/port").hasSuffix("\n")
        }
        let text = folder.text("coordinator/port").trimmingCharacters(in: .whitespacesAndNewlines)
        guard let number = Int(text) else { throw Failure("\"\(text)\" is no port") }
        port.withLock { $0 = number }
    }

    /// Who is started from now on takes the coordinator to be at this port.
    func dial(port number: Int) { port.withLock { $0 = number } }

    func startNode(_ site: String) throws {
        try start(site, ["node", "run", "--config", "\(site)/node.yaml"], environment: environment)
    }

    /// Starts a node whose streams a shell redirects.
    func startNode(_ site: String, redirection: String) throws {
        let process = try ChildProcess(
            "bash",
            [
                "-c", "exec \"$@\" \(redirection)", "bash", Repository.coxswain, "node", "run", "--config",
                "\(site)/node.yaml",
            ],
            name: site, in: folder, environment: environment, output: "\(site)/log", log: "\(site)/log")
        processes.withLock { $0[site] = process }
    }

    /// Starts a party again, after it was killed or stopped.
    func restart(_ party: String) async throws {
        if party == "coordinator" { try await startCoordinator() } else { try startNode(party) }
    }

    /// Starts `study watch`, whose lines go to `study-lead/watch`.
    func startWatching() throws -> ChildProcess {
        let watch = try ChildProcess(
            Repository.coxswain, ["study", "watch", scenario.name, "--config", "study-lead/operator.yaml"],
            name: "watch",
            in: folder, environment: environment, output: "study-lead/watch", log: "study-lead/watch")
        processes.withLock { $0["watch"] = watch }
        return watch
    }

    private func start(_ party: String, _ arguments: [String], environment: [String: String]) throws {
        let process = try ChildProcess(
            Repository.coxswain, arguments, name: party, in: folder, environment: environment,
            output: "\(party)/log", log: "\(party)/log")
        processes.withLock { $0[party] = process }
    }

    /// The coordinator's or a node's process, if it has been started.
    subscript(party: String) -> ChildProcess? { processes.withLock { $0[party] } }

    func process(_ party: String) throws -> ChildProcess {
        guard let process = self[party] else { throw Failure("\(party) was not started") }
        return process
    }

    func kill(_ party: String) async throws { await (try process(party)).kill() }

    private func end() async {
        for process in processes.withLock({ Array($0.values) }) { await process.kill() }
        folder.remove()
    }

    /// The last lines of every log.
    var logs: String {
        (["coordinator"] + scenario.siteNames).map { party in
            let lines = folder.text("\(party)/log").split(separator: "\n").suffix(8)
            return "-- log of \(party)\n" + lines.joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// Adds the logs of the test's consortium to each failure.
    static var withLogs: Self {
        .compactMapIssues { issue in
            // The trait of a suite is applied again for each suite within it.
            guard let consortium = Consortium.current,
                !issue.comments.contains(where: { $0.rawValue.hasPrefix("-- log") })
            else { return issue }
            var issue = issue
            issue.comments.append(Comment(rawValue: consortium.logs))
            return issue
        }
    }
}

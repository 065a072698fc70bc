import Foundation

extension Consortium {
    /// The last day that the policy of the examples lets an approval last to, or an earlier one.
    static func day(in days: Int) -> String {
        Date(timeIntervalSinceNow: Double(days) * 86_400).formatted(.iso8601.year().month().day())
    }

    func submit(_ file: String = "study.yaml") async throws {
        try await study("submit", file, "--dictionary", "dictionary.yaml").succeeded()
    }

    /// Approves the study at a hospital once it has arrived there.
    func approve(_ site: String, _ study: String? = nil) async throws {
        let name = study ?? scenario.name
        try await poll("study \(name) to arrive at \(site)") {
            try await self.node(site, "studies").output.contains(name)
        }
        try await node(site, "approve", name, "--until", Self.day(in: 30), "--by", "admin of \(site)")
            .succeeded()
    }

    /// Submits the study, has every hospital approve it, and waits until the coordinator knows.
    func submitAndApprove() async throws {
        try await submit()
        try await forEachSite { site, _ in try await self.approve(site) }
        try await study("watch", scenario.name, "--decisions").succeeded()
    }

    func launch() async throws { try await study("launch", scenario.name).succeeded() }

    /// Waits until the study is over, and says what its watchers were told.
    @discardableResult
    func watch() async throws -> Outcome { try await study("watch", scenario.name) }

    /// The results file of the finished study, byte for byte.
    func results(format: String = "json", roundingP: Bool = false) async throws -> String {
        guard roundingP else {
            return try await study("results", scenario.name, "--format", format).succeeded()
        }
        return try await study("results", scenario.name, "--format", format, "--rounded-p").succeeded()
    }

    /// From submission to results.
    func runStudy() async throws -> String {
        try await submitAndApprove()
        try await launch()
        try await watch().succeeded()
        return try await results()
    }

    /// Sites whose answers the coordinator holds for the round that is being asked, and the round; 0 before the first.
    func progress() async throws -> (round: Int, sites: Set<String>) {
        let rows = try await rows(
            "coordinator/coordinator.sqlite",
            """
            SELECT round, site FROM message WHERE type = 'answer' AND session = (SELECT id FROM session
            ORDER BY rowid DESC LIMIT 1) AND round = (SELECT max(round) FROM message WHERE session = (SELECT id
            FROM session ORDER BY rowid DESC LIMIT 1))
            """)
        let fields = rows.map { $0.split(separator: "|") }
        return (fields.first.flatMap { Int($0[0]) } ?? 0, Set(fields.map { String($0[1]) }))
    }

    /// Lets the study get to a round in which all sites but one have answered, and holds it there: the last one sleeps.
    func hold(_ sleeper: String, fromRound round: Int) async throws {
        try await poll("round \(round)") {
            self.folder.text("\(sleeper)/log").contains("round \(round) answered")
        }
        try process(sleeper).signal(SIGSTOP)
        let others = Set(scenario.siteNames).subtracting([sleeper])
        try await poll("all but \(sleeper) to have answered") { try await self.progress().sites == others }
    }

    /// Writes the patients of some sites into one file, with a column `site`; returns its name.
    func writeStacked(_ sites: [String]) throws -> String {
        var lines: [String] = []
        for (site, csv) in scenario.sites where sites.contains(site) {
            let rows = try String(contentsOfFile: csv, encoding: .utf8).split(whereSeparator: \.isNewline)
            if lines.isEmpty { lines.append("\(rows[0]),site") }
            lines += rows.dropFirst().map { "\($0),\(site)" }
        }
        try folder.write(lines.joined(separator: "\n") + "\n", to: "stacked.csv")
        return "stacked.csv"
    }
}

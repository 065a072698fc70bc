import Cryptography
import Federation
import Foundation
import Survival
import Testing

/// Studies whose text alone gives patients away, whatever a hospital's rows: a number with a little of one person in it, a formula
/// without a value for one person, conditions and limits of time where exact times stay at home.
///
/// Each takes out of perfect results what it is after, at hospitals that check nothing, and is refused under the examples' policy.
struct FormulaAttacks {
    private let patients: [Patient] = {
        var patients = Patient.random(300, seed: 90)
        // The one that the attacker knows by age and frailty.
        (patients[100].age, patients[100].frail) = (39, 1)
        return patients
    }()

    private static let target = "age == 39 and frail"

    private func result(_ lines: String) throws -> StudyResult {
        let hospitals = (0..<3).map { site in patients.filter { $0.person % 3 == site } }
        return try FederationTests.result(of: Ward.study(lines), hospitals)
    }

    private func expectRefused(_ lines: String, _ words: String, grid: Double? = nil) throws {
        let plan = try Ward.plan(Ward.study(lines), dictionary: Ward.measured(in: "month", grid: grid))
        let lead = SPIFFEID(consortium: "liver", role: .operator("lead"))
        let said = sentence { try DisclosurePolicy.ofTheExamples().admit(plan, from: lead) }
        #expect(said?.contains(words) == true, "\(said ?? "none")")
    }

    private func described(_ result: StudyResult) throws -> [DescriptionResult.Variable] {
        guard case .describe(let table) = result["d"] else { throw StudyResult.Missing(what: "d") }
        return table.variables
    }

    private func mean(_ variable: DescriptionResult.Variable) throws -> Double {
        guard case .number(let number) = variable.summary else {
            throw StudyResult.Missing(what: variable.name)
        }
        return number.mean[0].value ?? .nan
    }

    @Test func `a number with a little of one person in it shows the row, and is refused`() throws {
        let lines = """
            define:
              t: '\(Self.target)'
              v1: age + t * marker
              v2: 'age + 5 * (t and stage == "II")'
              v3: age + t * exposure
            analyses: [{describe: {id: d, variables: [age, v1, v2, v3]}}]
            """
        let means = try described(result(lines)).map(mean)
        let secret = means.dropFirst().map { ($0 - means[0]) * Double(patients.count) }
        #expect(abs(secret[0] - patients[100].marker) < 1e-9)
        #expect(abs(secret[1] - (patients[100].stage == 1 ? 5 : 0)) < 1e-9)
        #expect(abs(secret[2] - patients[100].exposure) < 1e-9)
        try expectRefused(
            lines, "policy rule formulas: define (line 7): in the definition of \"v1\": \"t\" is a condition")
    }

    @Test func `a formula without a value for one person leaves that one out, and is refused`() throws {
        let lines = """
            define: {t: '\(Self.target)', u: marker + 0 / (1 - t)}
            analyses: [{describe: {id: d, variables: [marker, u]}}]
            """
        let table = try described(result(lines))
        #expect(table.map { $0.known[0] } == [300, 299])
        let sums = try table.map { try mean($0) * Double($0.known[0]) }
        #expect(abs(sums[0] - sums[1] - patients[100].marker) < 1e-9)
        try expectRefused(lines, "is a condition, which is no number inside a formula")
        try expectRefused(
            lines.replacing("(1 - t)", with: "(age - 39)"),
            "by the dictionary's ranges \"age - 39\" may be 0")
    }

    /// Under `times-exact: refuse`, with a baseline of each hospital's own, from which no time leaves.
    @Test func `events that compare the time show every death's, and are refused`() throws {
        let curves = (0...60).map { "  - concordance: {id: m\($0), of: age, event: died and months > \($0)}" }
        let lines = "analyses:\n\(curves.joined(separator: "\n"))"
        let result = try result(lines)
        let events = try (0...60).map { month in
            guard case .concordance(let pairs) = result["m\(month)"] else {
                throw StudyResult.Missing(what: "m\(month)")
            }
            return pairs.counts.events
        }
        let deaths = zip(events, events.dropFirst()).map { $0 - $1 }
        #expect(
            deaths == (1...60).map { month in patients.count { $0.died == 1 && $0.months == Double(month) } })
        try expectRefused(
            lines,
            "policy rule times-exact, analysis \"m0\": event: \"died and months > 0\" uses the time \"months\""
        )
    }

    @Test func `landmarks and grids that nearly coincide show who left in between, and are refused`() throws {
        let lines = """
            privacy: {time-grid: 1.5, smallest-interval: 1}
            analyses:
              - cox: {id: a, terms: [age], landmark: 6}
              - cox: {id: b, terms: [age], landmark: 7.5}
              - survival: {id: s}
            """
        let result = try result(lines)
        let excluded = try ["a", "b"].map { try result.cox($0).counts.landmark?.excluded ?? 0 }
        #expect(excluded[1] - excluded[0] == patients.count { $0.months > 6 && $0.months <= 7.5 })
        try expectRefused(lines, "landmark: 7.5 is no multiple of 1 month")
        try expectRefused(
            "privacy: {time-grid: 1.3}\nanalyses: [{survival: {id: s}}]",
            "time-grid: 1.3 is no multiple of 1 month")
        try expectRefused(
            "privacy: {time-grid: 4}\nanalyses: [{survival: {id: s}}]",
            "time-grid: 4 is no multiple of 3 months, on which all times of a study lie here",
            grid: 3)
    }

    @Test func `limits of pairs by the time show who had the event in between, and are refused`() throws {
        let lines = """
            analyses:
              - concordance: {id: a, of: age, ymin: 6.5}
              - concordance: {id: b, of: age, ymin: 7.5}
            """
        let result = try result(lines)
        let tied = try ["a", "b"].map { id in
            guard case .concordance(let pairs) = result[id] else { throw StudyResult.Missing(what: id) }
            return pairs.estimate.tiedTime + pairs.estimate.tiedBoth
        }
        #expect(tied[1] > tied[0], "pairs of those who died in the seventh month")
        try expectRefused(lines, "ymin: 6.5 is no multiple of 1 month")
    }
}

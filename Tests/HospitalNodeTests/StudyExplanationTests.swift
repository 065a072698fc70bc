import Foundation
import Testing

@testable import HospitalNode

/// What `coxswain node show` says in words about an analysis; whole studies are shown in EndToEndTests.
struct StudyExplanationTests {
    /// The lines about the only analysis of a study, without their indentation.
    private func lines(_ analysis: String, endpoint: String = Hospital.endpoint) throws -> [String] {
        let hospital = try Hospital(policy: ["times-exact": "allow"])
        let study = try hospital.receive(analysis, endpoint: endpoint)
        let administration = try hospital.administration()
        let text = StudyExplanation(
            try administration.assess(study), policy: administration.policy, site: administration.site
        ).text
        #expect(text.contains("This hospital's policy has no objection to this study."))
        let lines = text.replacing(#/\n +\| /#, with: " ").split(separator: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let first = try #require(lines.firstIndex { $0.hasPrefix("Analysis ") })
        let last = try #require(lines.firstIndex { $0.hasPrefix("leaves, ") })
        return Array(lines[first...last])
    }

    @Test func `the concordance of a marker is explained, with its pairs and what leaves`() throws {
        let words = try lines("{concordance: {id: c, of: age, cohort: age >= 35}}")
        #expect(
            words == [
                "Analysis c: concordance of age, of pairs within hospitals",
                "patients: those with «age >= 35»",
                "concordance with time weight n",
                "confidence level 0.95",
                "here: 55 people, 27 of them with the event",
                "reads: age, died, months",
                "leaves, masked, as sums over all hospitals: counts of rows, people, events and missing values; how many times there are, and their sum; numbers of pairs of this hospital's rows by their order in time and risk, and sums of squares of each row's part in them, once",
            ])
    }

    @Test func `every choice of a concordance is explained`() throws {
        let words = try lines(
            "{concordance: {id: c, of: log(crp) > 1, strata: [sex], weights: age, robust: true, weight: n/G2, ymin: 3, ymax: 40, event: died and age > 31, level: 0.9}}"
        )
        #expect(
            words.prefix(3) == [
                "Analysis c: concordance of «log(crp) > 1», of pairs within hospitals and sex, event «died and age > 31», weighted by age, robust standard error by patient",
                "concordance with time weight n/G2 from 3.0 to 40.0",
                "confidence level 0.9",
            ])
        #expect(words.contains("reads: age, crp, died, months, sex"))
    }

    private let causes =
        "{time: months, causes: {early: died and months <= 20, late: died and months > 20}, unit: month}"

    @Test func `Gray's test is explained, with its strata`() throws {
        let words = try lines(
            "{incidence: {id: i, by: sex, test: gray, strata: [age > 50], times: exact, at: [12]}}",
            endpoint: causes)
        #expect(
            words.prefix(4) == [
                "Analysis i: cumulative incidence of early («died and months <= 20»), late («died and months > 20»), by sex, Gray's test within «age > 50», at exact times (to 1.0 month)",
                "limits: log",
                "incidence at 12.0",
                "confidence level 0.95",
            ])
        #expect(words.contains("reads: age, died, months, sex"))
        #expect(words.last?.contains("events of 2 causes and censorings at 121 times (4 groups)") == true)
    }

    @Test func `an incidence without strata, or without a test, is not said to have them`() throws {
        let keys = "by: sex, times: exact"
        let tested = try lines("{incidence: {id: i, \(keys), test: gray}}", endpoint: causes)
        #expect(tested[0].hasSuffix(", by sex, Gray's test, at exact times (to 1.0 month)"))
        let plain = try lines("{incidence: {id: i, \(keys)}}", endpoint: causes)
        #expect(plain[0].hasSuffix(", by sex, at exact times (to 1.0 month)"))
        #expect(plain.dropFirst() == tested.dropFirst(), "the test takes no more than the curves")
        let weighted = try lines("{incidence: {id: i, \(keys), test: {rho: 1}}}", endpoint: causes)
        #expect(weighted.filter { $0 != "test weighted with (1 - F(t))^1.0" } == tested)
        #expect(weighted.count == tested.count + 1)
    }
}

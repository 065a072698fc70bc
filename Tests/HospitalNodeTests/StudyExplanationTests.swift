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
        let rest = lines[first...]
        let end = rest.firstIndex { $0.hasPrefix("The coordinator sees only the sums") } ?? lines.endIndex
        return Array(rest[..<end])
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
                "leaves, masked, as sums over all hospitals:",
                "counts, over everybody in the analysis: rows, people, events, people with missing values; how many times there are, and their sum",
                "marker-pairs, over pairs of rows at one hospital: how many pairs of this hospital's rows are in which order of time and marker, and sums of squares of each row's or person's part in them, once",
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

    @Test func `a test within hospitals is explained, alone and beside curves`() throws {
        let alone = try lines(
            "{survival: {id: t, by: sex, curves: false, test: {rho: 1}, strata: [site, age > 50]}}")
        let own =
            "rows, observed and expected events of 2 groups within this hospital, and the variances and covariances of their differences (9 numbers, none of them for one time), once"
        #expect(
            alone.prefix(2) == [
                "Analysis t: log-rank test within hospitals and «age > 50», by sex, at each hospital's own exact times",
                "test weighted with S(t)^1.0",
            ])
        #expect(
            alone.suffix(3) == [
                "leaves, masked, as sums over all hospitals:",
                "counts, over those of each group or level: rows, people, events, people with missing values and of each level; how many times there are, and their sum",
                "log-rank, over those of each group or level: \(own)",
            ])
        let beside = try lines("{survival: {id: t, by: sex, test: log-rank, strata: [site], times: exact}}")
        #expect(
            beside[0]
                == "Analysis t: survival curve, by sex, log-rank test within hospitals, at exact times (to 1.0 month)"
        )
        #expect(
            beside.suffix(2) == [
                "exits, over those of each group who leave at each time: events and censorings at 121 times (2 groups)",
                "log-rank, over those of each group or level: \(own)",
            ])
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
        #expect(
            words.contains {
                $0.hasPrefix("exits, ")
                    && $0.hasSuffix("events of 2 causes and censorings at 121 times (4 groups)")
            })
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

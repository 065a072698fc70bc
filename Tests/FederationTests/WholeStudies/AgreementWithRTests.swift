import Federation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// The federation's numbers beside those of R 4.2.2, survival 3.5-3, on the stacked rows (`EndToEndTests/Data/expected.R`).
struct AgreementWithRTests {
    private static let relative = 1e-9

    @Test(arguments: ["lung", "bmt"])
    func `every analysis of a public study agrees with R to nine digits`(_ name: String) throws {
        let study = try PublicStudy(name)
        let federation = try InProcessFederation(plan: study.plan, tables: study.tables, time: Consortium.now)
        var random = SeededGenerator(30)
        let result = try federation.run { random.bytes(32) }
        #expect(result.analyses.map(\.id).sorted() == study.expected.keys)
        for analysis in result.analyses {
            let expected = study.expected[analysis.id]
            switch analysis {
            case .cox(let cox): expectAgreement(cox, expected)
            case .survival(let survival): expectAgreement(survival, expected)
            case .describe(let table): Issue.record("\(table.id) is compared in EndToEndTests")
            case .incidence(let incidence): expectAgreement(incidence, expected)
            case .concordance(let concordance): expectAgreement(concordance, expected)
            case .compare(let comparison): Issue.record("\(comparison.id) is compared in ComparisonTests")
            case .failed(let id, _, let reason): Issue.record("\(id) failed: \(reason)")
            }
        }
    }

    private func expectAgreement(_ cox: CoxResult, _ expected: JSONValue) {
        expectCounts(cox.id, cox.counts, expected)
        #expect(cox.terms.map(\.name) == expected["terms"].elements.map(\.string))
        expect(
            [cox.logLikelihoodNull, cox.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], cox.id)
        let columns: [(String, KeyPath<CoxResult.Term, Reported>)] = [
            ("coef", \.coef), ("se", \.se), ("z", \.z), ("p", \.p), ("log_p", \.logP), ("hr", \.hr),
            ("lower", \.lower),
            ("upper", \.upper),
        ]
        for (key, path) in columns {
            expect(cox.terms.map { $0[keyPath: path] }, expected[key].doubles, "\(cox.id) \(key)")
        }
        expect(cox.covariance, expected["covariance"].elements.flatMap(\.doubles), "\(cox.id) covariance")
        expect(cox.likelihoodRatio, expected["lr_test"], "\(cox.id) likelihood ratio")
        expect(cox.wald, expected["wald_test"], "\(cox.id) Wald")
        expect(cox.score, expected["score_test"], "\(cox.id) score")
    }

    private func expectAgreement(_ survival: SurvivalResult, _ expected: JSONValue) {
        expectCounts(survival.id, survival.counts, expected)
        #expect(survival.groups.map(\.name) == expected["groups"].elements.map { $0["name"].string })
        for (group, want) in zip(survival.groups, expected["groups"].elements) {
            let place = "\(survival.id) \(group.name)"
            #expect(Double(group.rows) == want["n"].double && Double(group.events) == want["events"].double)
            expect(
                [group.median.estimate, group.median.lower, group.median.upper],
                ["median", "median_lower", "median_upper"].map { want[$0].double }, "\(place) median")
            expect(group.curve.time, want["times"].doubles, "\(place) times")
            expect(group.curve.atRisk, want["n_risk"].doubles, "\(place) at risk")
            expect(group.curve.events, want["n_event"].doubles, "\(place) events")
            expect(group.curve.censored, want["n_censor"].doubles, "\(place) censored")
            expect(group.curve.survival, want["survival"].doubles, "\(place) survival")
            expect(group.curve.se, want["se"].doubles, "\(place) se")
            expect(group.curve.lower, want["lower"].doubles, "\(place) lower")
            expect(group.curve.upper, want["upper"].doubles, "\(place) upper")
            #expect(group.at.count == want["at"].elements.count)
            for (point, want) in zip(group.at, want["at"].elements) {
                expect(
                    [.value(point.time), point.atRisk, point.survival, point.se, point.lower, point.upper],
                    ["time", "n_risk", "survival", "se", "lower", "upper"].map { want[$0].double },
                    "\(place) at \(point.time)")
            }
        }
        guard let test = survival.test else { return #expect(expected["test"].keys.isEmpty) }
        expect(test.observed, expected["test"]["observed"].doubles, "\(survival.id) observed")
        expect(test.expected, expected["test"]["expected"].doubles, "\(survival.id) expected")
        expect(test.test, expected["test"], "\(survival.id) log-rank")
    }

    private func expectAgreement(_ incidence: IncidenceResult, _ expected: JSONValue) {
        expectCounts(incidence.id, incidence.counts, expected)
        #expect(incidence.causes == expected["causes"].strings)
        #expect(incidence.groups.map(\.name) == expected["groups"].elements.map { $0["name"].string })
        for (group, want) in zip(incidence.groups, expected["groups"].elements) {
            let (curve, place) = (group.curve, "\(incidence.id) \(group.name)")
            #expect(Double(group.rows) == want["n"].double)
            #expect(group.events.map(Double.init) == incidence.causes.map { want["events"][$0].double })
            expect(curve.time, want["times"].doubles, "\(place) times")
            expect(curve.atRisk, want["n_risk"].doubles, "\(place) at risk")
            expect(curve.censored, want["n_censor"].doubles, "\(place) censored")
            expect(curve.eventFree, want["event_free"], "\(place) event-free")
            for (index, cause) in incidence.causes.enumerated() {
                let own = want["causes"][cause]
                expect(curve.events[index], own["n_event"].doubles, "\(place) events of \(cause)")
                expect(curve.incidence[index], own, "\(place) \(cause)")
            }
            #expect(group.at.map(\.time) == want["at"].elements.map { $0["time"].double })
            for (point, want) in zip(group.at, want["at"].elements) {
                expect([point.atRisk], [want["n_risk"].double], "\(place) at risk at \(point.time)")
                for (index, cause) in incidence.causes.enumerated() {
                    expect(point.incidence[index], want["causes"][cause], "\(place) at \(point.time)")
                }
            }
        }
        expectTests(of: incidence, expected["test"])
    }

    private func expectTests(of incidence: IncidenceResult, _ want: JSONValue) {
        let tests = incidence.tests ?? []
        #expect(incidence.strata ?? [] == want["strata"].strings && tests.count == incidence.causes.count)
        #expect(tests.map(\.degreesOfFreedom) == want["df"].doubles)
        for (key, path) in [("statistic", \TestResult.statistic), ("p", \.p), ("log_p", \.logP)] {
            expect(tests.map { $0[keyPath: path] }, want[key].doubles, "\(incidence.id) Gray's test, \(key)")
        }
    }

    private func expectAgreement(_ concordance: ConcordanceResult, _ expected: JSONValue) {
        let estimate = concordance.estimate
        expectCounts(concordance.id, concordance.counts, expected)
        #expect(concordance.strata == expected["strata"].strings)
        expect(
            [estimate.estimate, estimate.se, concordance.lower, concordance.upper],
            ["c", "se", "lower", "upper"].map { expected[$0].double }, concordance.id)
        expect(
            [
                estimate.concordant, estimate.discordant, estimate.tiedMarker, estimate.tiedTime,
                estimate.tiedBoth,
            ],
            ["concordant", "discordant", "tied_x", "tied_y", "tied_xy"].map { expected[$0].double },
            "\(concordance.id) pairs")
    }

    private func expectCounts(_ id: String, _ counts: CohortCounts, _ expected: JSONValue) {
        expect(
            [counts.rows, counts.people, counts.events, counts.dropped].map { Double($0) },
            ["n", "people", "events", "dropped"].map { expected[$0].double }, "\(id) counts")
    }

    /// One number in R's where there is one estimate.
    private func expect(_ estimates: IncidenceResult.Estimates, _ expected: JSONValue, _ what: String) {
        let columns = [
            ("estimate", estimates.estimate), ("se", estimates.se), ("lower", estimates.lower),
            ("upper", estimates.upper),
        ]
        for (key, column) in columns {
            let want = expected[key]
            expect(column, want.elements.isEmpty ? [want.double] : want.doubles, "\(what), \(key)")
        }
    }

    private func expect(_ test: TestResult, _ expected: JSONValue, _ what: String) {
        #expect(test.degreesOfFreedom == expected["df"].double, "\(what)")
        expect(
            [test.statistic, test.p, test.logP], ["statistic", "p", "log_p"].map { expected[$0].double }, what
        )
    }

    private func expect(_ got: [Reported], _ want: [Double], _ what: String) {
        expect(got.map { $0.value ?? .nan }, want, what)
    }

    private func expect(_ got: [Double], _ want: [Double], _ what: String) {
        expectClose(got, want, relative: Self.relative, what)
    }
}

import Federation
import Foundation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Firth's penalty and profile likelihoods against the written-out likelihoods of `Reference/penalised/penalised.R`.
struct ProfileLikelihoodTests {
    struct Case: CustomTestStringConvertible {
        let expected: JSONValue

        var id: String { expected["id"].string ?? "" }
        var testDescription: String { id }
        var names: [String] { expected["names"].elements.compactMap(\.string) }
    }

    private static let cases: [Case] = {
        do { return try ReferenceFiles.answers("penalised/penalised.json").elements.map(Case.init) } catch {
            fatalError("the reference numbers cannot be read: \(error)")
        }
    }()
    static let firth = cases.filter { $0.expected["kind"].string == "firth" }
    static let profiles = cases.filter { $0.expected["kind"].string == "profile" }
    static let separated = cases.filter { $0.expected["kind"].string == "separated" }

    /// Nil where the likelihood is no sum over such hospitals.
    private func cox(
        _ reference: Case, _ way: CaseStudy.Way, _ baseline: CoxResult.Baseline, _ options: String,
        _ policy: DisclosurePolicy? = nil
    ) throws -> CoxResult? {
        let known = try ReferenceCase.named(reference.id)
        guard let study = CaseStudy(known, way, baseline: baseline, options: options) else { return nil }
        return try (policy.map(study.result) ?? study.result()).cox("model")
    }

    private func numbers(_ cox: CoxResult, _ path: KeyPath<CoxResult.Term, Reported>) -> [Double] {
        cox.terms.map { $0[keyPath: path].value ?? .nan }
    }

    @Test(arguments: firth, CaseStudy.Way.allCases)
    func `Firth's penalty gives the maximum of the penalised likelihood, its limits and its tests`(
        _ reference: Case, _ way: CaseStudy.Way
    ) throws {
        let options = "penalty: firth, evaluations: 1000"
        guard let cox = try cox(reference, way, .site, options) else { return }
        let expected = reference.expected
        #expect(cox.terms.map(\.name) == reference.names && cox.warnings.isEmpty, "\(cox.warnings)")
        let se = expected["se"].doubles
        for (index, want) in expected["coef"].doubles.enumerated() {
            expectClose(
                cox.coefficients[index], want, relative: 1e-9, absolute: 1e-9 * se[index],
                "coef of \(reference.names[index])")
        }
        expectClose(cox.standardErrors, se, relative: 1e-9, "se")
        expectClose(numbers(cox, \.lower), expected["lower"].doubles.map { exp($0) }, relative: 1e-9, "lower")
        expectClose(numbers(cox, \.upper), expected["upper"].doubles.map { exp($0) }, relative: 1e-9, "upper")
        let ratios = cox.terms.map { $0.likelihoodRatio?.value ?? .nan }
        expectClose(ratios, expected["lr"].doubles, relative: 1e-9, absolute: 1e-11, "lr")
        expectClose(numbers(cox, \.logP), expected["log_p"].doubles, relative: 1e-9, absolute: 1e-9, "log p")
        expectClose(
            [cox.logLikelihoodNull, cox.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], relative: 1e-9, "log-likelihood")
        let penalty = try #require(cox.penalty)
        expectClose(
            [penalty.logLikelihoodNull, penalty.logLikelihood],
            [expected["penalised_null"].double, expected["penalised"].double], relative: 1e-11, "penalised")
        let ratio = 2 * (expected["penalised"].double - expected["penalised_null"].double)
        expectClose(cox.likelihoodRatio.statistic.value ?? .nan, ratio, relative: 1e-9, "likelihood ratio")
    }

    @Test(arguments: profiles, CoxResult.Baseline.allCases)
    func `limits: profile gives the profile likelihood's limits`(
        _ reference: Case, _ baseline: CoxResult.Baseline
    ) throws {
        if baseline == .common, reference.id.contains("stratified") { return }
        for way in [CaseStudy.Way.oneSite, .dealt] {
            guard let cox = try cox(reference, way, baseline, "limits: profile, evaluations: 1000"),
                let plain = try self.cox(reference, way, baseline, "limits: wald")
            else { continue }
            #expect(cox.warnings.isEmpty && cox.limits == .profile, "\(cox.warnings)")
            expectClose(
                numbers(cox, \.lower), reference.expected["lower"].doubles.map { exp($0) }, relative: 1e-9,
                "lower, \(way)")
            expectClose(
                numbers(cox, \.upper), reference.expected["upper"].doubles.map { exp($0) }, relative: 1e-9,
                "upper, \(way)")
            #expect(cox.terms.map(\.p) == plain.terms.map(\.p) && cox.coefficients == plain.coefficients)
            #expect(cox.terms.map { $0.wald?.lower } == plain.terms.map(\.lower))
        }
    }

    @Test(arguments: separated, CoxResult.Baseline.allCases)
    func `an infinite coefficient has a finite limit on one side, and a p`(
        _ reference: Case, _ baseline: CoxResult.Baseline
    ) throws {
        let expected = reference.expected
        if baseline == .common, reference.id.contains("stratified") { return }
        var policy = DisclosurePolicy.local
        (policy.linearPredictorMax, policy.evaluationsMax) = (20, 40)
        for way in CaseStudy.Way.allCases {
            guard let cox = try cox(reference, way, baseline, "level: 0.95", policy) else { continue }
            let index = Int(expected["index"].double)
            let term = cox.terms[index]
            #expect(term.coef == .value(-.infinity) && term.hr == .value(0) && term.lower == .value(0))
            #expect(term.se == .notAvailable && term.z == .notAvailable)
            expectClose(term.upper.value ?? .nan, exp(expected["limit"].double), relative: 2e-6, "limit")
            expectClose(term.likelihoodRatio?.value ?? .nan, expected["lr"].double, relative: 1e-6, "lr")
            expectClose(term.logP.value ?? .nan, expected["log_p"].double, relative: 1e-6, "log p")
            expectClose(cox.logLikelihood, expected["loglik"].double, relative: 1e-7, "log-likelihood")
            #expect(cox.wald.statistic == .notAvailable && cox.covariance[0] == .notAvailable)
            for (place, want) in expected["coef"].doubles.enumerated() where place != index {
                expectClose(
                    cox.coefficients[place], want, relative: 2e-3, "coef of \(reference.names[place])")
            }
            let words = cox.warnings.joined()
            #expect(words.contains(reference.names[index]) && words.contains("penalty: firth"), "\(words)")
        }
    }

    @Test func `two hospitals' four rows have Firth's estimate in closed form`() throws {
        // At one hospital one of two dies, with x = 1; at the other the same. ℓ = 2 log(r/(1 + r)), I = 2r/(1 + r)², so that
        // ℓ + ½ log I = 5/2 β − 3 log(1 + r) + const, with its maximum at r = 5: β = log 5, and se = 6/√10.
        let tables = (0..<2).map { _ in
            PatientTable([Patient(person: 0, months: 1, frail: 1), Patient(person: 1, months: 2, died: 0)])
        }
        let study = Ward.study(
            sites: 2, "analyses:\n  - cox: {id: m, terms: [frail], penalty: firth, evaluations: 100}")
        let federation = try InProcessFederation(
            plan: Ward.plan(study), tables: zip(Ward.names(2), tables).map { (site: $0, table: $1) },
            time: Consortium.now)
        var random = SeededGenerator(1)
        let cox = try federation.run { random.bytes(32) }.cox("m")
        expectClose(cox.coefficients, [log(5.0)], relative: 1e-11, "β")
        expectClose(cox.standardErrors, [6 / 10.0.squareRoot()], relative: 1e-11, "se")
        // Twice the penalised log-likelihood's rise: 5 log 5 − 6 log 6 + 6 log 2.
        let rise = 5 * log(5.0) - 6 * log(6.0) + 6 * log(2.0)
        expectClose(cox.terms[0].likelihoodRatio?.value ?? .nan, rise, relative: 1e-11, "lr")
        expectClose(cox.likelihoodRatio.statistic.value ?? .nan, rise, relative: 1e-11, "lr of the model")
    }

    @Test func `what the evaluations do not suffice for is named, and the rest is there`() throws {
        let reference = try ReferenceCase.named("veteran-six-stratified-breslow")
        func result(_ evaluations: Int, _ policy: DisclosurePolicy = .local) throws -> CoxResult {
            let options = "limits: profile, evaluations: \(evaluations)"
            let study = try #require(CaseStudy(reference, .dealt, baseline: .site, options: options))
            return try study.result(policy: policy).cox("model")
        }
        let all = try result(1000)
        for evaluations in [10, 25, 60] {
            var policy = DisclosurePolicy.local
            policy.evaluationsMax = evaluations
            let cox = try result(evaluations, policy)
            #expect(cox.coefficients == all.coefficients)
            let found = cox.terms.indices.filter {
                cox.terms[$0].lower != .notAvailable && cox.terms[$0].upper != .notAvailable
            }
            for index in found {
                expectClose(
                    cox.terms[index].upper.value ?? .nan, all.terms[index].upper.value ?? .nan,
                    relative: 1e-9, "upper")
            }
            #expect(evaluations == 10 ? found.isEmpty : !found.isEmpty)
            let missing = cox.terms.indices.filter { !found.contains($0) }
            let words = cox.warnings.joined()
            #expect(missing.allSatisfy { words.contains(cox.terms[$0].name) }, "\(words)")
            #expect(words.contains("evaluations:") == !missing.isEmpty)
        }
    }
}

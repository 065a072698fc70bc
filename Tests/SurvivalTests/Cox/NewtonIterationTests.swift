import Foundation
import ReferenceStudies
import Testing

@testable import Survival

struct NewtonIterationTests {
    /// Sums of ℓ(β) = −f(β) in one dimension.
    private func sums(_ logLikelihood: Double, _ score: Double, _ information: Double) -> LikelihoodSums {
        LikelihoodSums(
            logLikelihood: logLikelihood, score: [score],
            information: SymmetricMatrix(order: 1, packedUpper: [information]))
    }

    @Test func `it starts at zero and takes Newton's step`() throws {
        var iteration = NewtonIteration(parameterNames: ["age"])
        #expect(iteration.beta == [0])
        // ℓ = −(β − 3)²: from 0, U = 6, I = 2.
        guard case .evaluate(let beta) = try iteration.receive(sums(-9, 6, 2)) else {
            Issue.record("finished at the start")
            return
        }
        #expect(beta.count == 1)
        expectWithinUlps(beta[0], 3)
        guard case .finished(let fit) = try iteration.receive(sums(0, 0, 2)) else {
            Issue.record("not finished at the maximum")
            return
        }
        #expect(fit.beta == beta)
        expectWithinUlps(fit.covariance[0, 0], 0.5)
        expectWithinUlps(fit.scoreStatistic, 18)
        #expect(fit.iterations == 2)
    }

    /// Rounding of a square root and its square.
    private func expectWithinUlps(
        _ number: Double, _ wanted: Double, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(abs(number - wanted) <= 4 * wanted.ulp, sourceLocation: sourceLocation)
    }

    @Test func `a step that lowers the likelihood is halved`() throws {
        var iteration = NewtonIteration(parameterNames: ["age"])
        #expect(try iteration.receive(sums(-10, 8, 1)) == .evaluate([8]))
        #expect(try iteration.receive(sums(-20, -5, 1)) == .evaluate([4]))
        #expect(try iteration.receive(sums(.nan, 0, 1)) == .evaluate([2]))
        #expect(try iteration.receive(sums(-5, 1, 1)) == .evaluate([3]))
    }

    @Test func `sums that are not numbers at the start are refused by covariate`() throws {
        var iteration = NewtonIteration(parameterNames: ["age"])
        #expect(throws: FitError.notFinite(covariates: ["age"])) { try iteration.receive(sums(-1, .nan, 1)) }
    }

    /// A score of 1e300 over an information of 1e-200: the step would be infinite, or no number.
    @Test(arguments: [0, 1]) func `sums that leave no step are refused, and taken for no maximum`(
        after steps: Int
    )
        throws
    {
        let hostile = LikelihoodSums(
            logLikelihood: -1, score: [1e300, -1e300],
            information: SymmetricMatrix(order: 2, packedUpper: [1e-200, 1e-201, 1e-200]))
        let honest = LikelihoodSums(
            logLikelihood: -2, score: [1, 1], information: SymmetricMatrix(order: 2, packedUpper: [1, 0, 1]))
        var iteration = NewtonIteration(parameterNames: ["age", "sex"])
        for _ in 0..<steps { _ = try iteration.receive(honest) }
        #expect(throws: FitError.noStep(covariates: ["age", "sex"])) { try iteration.receive(hostile) }
        var common = CommonBaselineIteration(
            parameterNames: ["age", "sex"], eventSums: [1e300, -1e300], eventWeight: 1)
        _ = try common.receive(logLikelihood: -1, score: hostile.score, gram: hostile.information)
        #expect(throws: FitError.noStep(covariates: ["age", "sex"])) {
            try common.receive(information: hostile.information)
        }
    }

    @Test func `sums of another model are refused`() throws {
        var iteration = NewtonIteration(parameterNames: ["age", "sex"])
        #expect(throws: FitError.wrongShape(expected: 2, got: 1)) { try iteration.receive(sums(-1, 1, 1)) }
    }

    @Test func `an iteration that goes on for ever ends with an error`() throws {
        var iteration = NewtonIteration(parameterNames: ["age"], iterationMax: 5)
        #expect(throws: FitError.notConverged(iterations: 5)) {
            for count in 0..<10 { _ = try iteration.receive(sums(Double(count), 1, 1)) }
        }
    }

    @Test func `no event at all gives no coefficients, a likelihood of 0, and a warning`() throws {
        var iteration = NewtonIteration(parameterNames: ["age", "sex"])
        guard case .finished(let fit) = try iteration.receive(.zero(parameterCount: 2)) else {
            Issue.record("not finished")
            return
        }
        #expect(fit.isAliased == [true, true])
        #expect(fit.logLikelihood == 0)
        let table = CoxInference.summarize(fit, names: ["age", "sex"], scale: [1, 1], level: 0.95)
        #expect(table.terms.allSatisfy { $0.coef == .notAvailable && $0.hr == .notAvailable })
        // R 4.2.2, survival 3.5-3, has all tests 0 on 0 df and p = 1 (case nasty-no-events): a p of nothing.
        for test in [table.likelihoodRatio, table.wald, table.score] {
            #expect(test == TestResult.unavailable(degreesOfFreedom: 0))
        }
        #expect(fit.warnings.count == 1)
    }

    /// Cases in which R warns of infinite coefficients (or does not converge), and which these are.
    @Test(arguments: [
        ("nasty-separation-pooled-efron", ["x"]), ("nasty-separation-stratified-efron", ["x"]),
        ("nasty-separation-alone", ["x"]), ("nasty-two-rows", ["x"]),
        ("hcc-hospital-4-alone", ["size_gt_3cm"]),
        ("cgd-center-as-covariate", ["center=Harvard Medical Sch", "center=Univ. of Washington"]),
    ])
    func `separation is reported by the covariate's name, with the others' coefficients`(
        id: String, infinite: [String]
    ) throws {
        let reference = try ReferenceCase.named(id)
        let frame = ModelFrame(reference)
        let (center, scale) = frame.moments
        let own = try CoxClosedFormTests.fit(
            frame.data().rescaled(center: center, scale: scale), ties: reference.ties, names: frame.names)
        let common = try CommonFit(
            frame.withMergedTimes(), split: frame.rowsBySite.map(\.rows), ties: reference.ties)
        for fit in [own, common.table.fit] {
            #expect(fit.infinite.map { frame.names[$0] } == infinite)
            #expect(infinite.allSatisfy { name in fit.warnings.contains { $0.contains(name) } })
            expectClose(
                fit.logLikelihood, reference.expected["loglik"].double, relative: 1e-6, absolute: 1e-6,
                "loglik")
            for (index, name) in frame.names.enumerated() where !infinite.contains(name) {
                let want = reference.expected["coef"].doubles[index]
                expectClose(fit.beta[index] / scale[index], want, relative: 1e-6, "coef of \(name)")
            }
        }
        // At β = 0 and at the end; in between wherever the likelihood has no maximum nearby, once at a point.
        #expect((2...common.table.fit.iterations + 1).contains(common.informations))
    }

    @Test func `no case of the reference that is well posed is taken for separated`() throws {
        for reference in CoxReferenceTests.cases {
            let frame = ModelFrame(reference)
            let (center, scale) = frame.moments
            let fit = try CoxClosedFormTests.fit(
                frame.data().rescaled(center: center, scale: scale), ties: reference.ties, names: frame.names)
            #expect(fit.infinite.isEmpty, "\(reference.id)")
            #expect(fit.iterations <= 17, "\(reference.id): \(fit.iterations)")
        }
    }
}

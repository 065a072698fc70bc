import Testing

@testable import Survival

struct CurvatureSpectrumTests {
    private let start = InformationFrame(
        SymmetricMatrix(order: 2, packedUpper: [1, 0, 1]), holding: [false, false])

    /// A curvature of −1e-18 once gave a step of 1e290: what rounding has taken leads nowhere.
    @Test(arguments: [0, -1e-18, 1e-300, -1e-9])
    func `a direction without curvature takes no long step`(curvature: Double) {
        let matrix = SymmetricMatrix(order: 2, packedUpper: [4, 0, curvature])
        let spectrum = CurvatureSpectrum(matrix, score: [2, 1e-15], start: start)
        #expect(abs(spectrum.step[0] - 0.5) < 1e-12 && abs(spectrum.step[1]) < 1e-2)
        #expect(abs(spectrum.decrement - 1) < 1e-12 && spectrum.hasRounding)
        #expect(spectrum.solve([8, 1], start: start) == [2, 0])
    }

    /// With n deaths of the same risk and weight ω alone in their risk sets the bound is the log-likelihood itself.
    @Test(arguments: [Ties.efron, .breslow], [1, 2, 5])
    func `no log-likelihood exceeds the grid's bound, which deaths alone at risk reach`(
        ties: Ties, deaths: Int
    ) throws {
        let weights = (0..<deaths).map { _ in 0.7 }
        let rows = try SurvivalData(
            entry: nil, exit: weights.map { _ in 1 }, event: weights.map { _ in true }, weight: weights,
            offset: nil, stratum: nil, columns: [weights.indices.map { Double($0) }])
        let bound = EventGrid(eventsOf: rows, stratumCount: 1).logLikelihoodMax(ties)
        let likelihood = PartialLikelihood(rows, ties: ties)
        #expect(abs(try likelihood.evaluate(at: [0]).logLikelihood - bound) < 1e-12)
        for beta in [-3, -0.5, 0.2, 4.0] {
            #expect(try likelihood.evaluate(at: [beta]).logLikelihood <= bound + 1e-12)
        }
    }
}

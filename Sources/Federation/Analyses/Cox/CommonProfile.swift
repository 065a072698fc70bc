import Survival

/// Profile likelihoods under one baseline hazard for all: at each point S₀, then score and Gram matrix.
///
/// The exact information is not asked for again: the searches estimate it from the Gram matrix about one centre, from what the
/// fit has learnt of it, and from their own steps.
struct CommonProfile: Sendable {
    private var survey: ProfileSurvey
    private let iteration: CommonBaselineIteration
    private let coordinates: Coordinates
    private let grid: EventGrid
    private let eventSums: [Double]
    private var scales: RiskScales
    private let ties: Ties
    /// The increments at each of the survey's points, once S₀ is known; nil where it cannot be had.
    private var hazards: [HazardIncrements?]?

    init(
        _ survey: ProfileSurvey, of iteration: CommonBaselineIteration,
        coordinates: Coordinates, scales: RiskScales, grid: EventGrid, eventSums: [Double],
        ties: Ties
    ) {
        (self.survey, self.iteration, self.coordinates) = (survey, iteration, coordinates)
        (self.grid, self.eventSums, self.ties, self.scales) = (grid, eventSums, ties, scales)
    }

    /// What is to be asked next; empty at the end.
    var asks: [any Question] {
        guard let hazards else {
            return survey.betas.map { RiskSumsQuestion(scaled(near: $0), beta: $0, grid) }
        }
        return zip(survey.betas, hazards).compactMap { beta, hazard in
            hazard.map { GramQuestion(coordinates, beta: beta, grid, $0) }
        }
    }

    /// The fit with its profile likelihoods.
    var result: CoxFit { survey.result }

    /// Takes the answers to `asks`; nil where there is none at those coefficients.
    mutating func receive(_ answers: [[Double]?]) throws {
        guard let hazards else {
            let formed = zip(survey.betas, answers).map { beta, answer -> HazardIncrements? in
                guard let sums = answer.map({ scaled(near: beta).scaled($0, width: 1, undone: true) })
                else { return nil }
                // Risks too small for the numbers are no likelihood.
                return try? HazardIncrements(grid: grid, riskSums: sums, ties: ties)
            }
            for (beta, hazard) in zip(survey.betas, formed) {
                if let hazard { scales.add(hazard, at: beta) }
            }
            if formed.contains(where: { $0 != nil }) {
                self.hazards = formed
            } else {
                take(formed.map { _ in nil })
            }
            return
        }
        var rest = answers[...]
        let sums = zip(survey.betas, hazards).map { beta, hazard -> LikelihoodSums? in
            guard let hazard, let answer = rest.popFirst().flatMap(\.self) else { return nil }
            let (value, score, gram) = hazard.evaluation(at: beta, eventSums: eventSums, gram: answer)
            return iteration.centred(
                LikelihoodSums(logLikelihood: value, score: score, information: gram))
        }
        take(sums)
    }

    private func scaled(near beta: [Double]) -> Coordinates {
        coordinates.scaled(by: scales.exponents(near: beta))
    }

    private mutating func take(_ sums: [LikelihoodSums?]) {
        hazards = nil
        survey.receive(sums)
    }
}

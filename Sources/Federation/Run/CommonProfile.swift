import Survival

/// Profile likelihoods under one baseline hazard for all: at each point S₀, then score and Gram matrix.
///
/// The exact information is not asked for again. That of the fit stands for it everywhere, or, where a coefficient is infinite,
/// the Gram matrix about one centre; the searches correct either by the steps that they take.
struct CommonProfile: Sendable {
    private var survey: ProfileSurvey
    private let iteration: CommonBaselineIteration
    private let information: SymmetricMatrix?
    private let coordinates: Query.Coordinates
    private let grid: EventGrid
    private let eventSums: [Double]
    private let ties: Ties
    /// The increments at each of the survey's points, once S₀ is known there.
    private var hazards: [HazardIncrements] = []

    init(
        _ survey: ProfileSurvey, of iteration: CommonBaselineIteration, _ fit: CoxFit,
        coordinates: Query.Coordinates, grid: EventGrid, eventSums: [Double], ties: Ties
    ) {
        (self.survey, self.iteration, self.coordinates) = (survey, iteration, coordinates)
        (self.grid, self.eventSums, self.ties) = (grid, eventSums, ties)
        information = fit.infinite.isEmpty ? fit.information : nil
    }

    /// What is to be asked next; empty at the end.
    var asks: [Query.Ask] {
        hazards.isEmpty
            ? survey.betas.map { .riskSums(coordinates, beta: $0, grid) }
            : zip(survey.betas, hazards).map { .gram(coordinates, beta: $0, grid, $1) }
    }

    /// The fit with its profile likelihoods.
    var result: CoxFit { survey.result }

    mutating func receive(_ answers: [[Double]]) throws {
        guard !hazards.isEmpty else {
            hazards = try answers.map { try HazardIncrements(grid: grid, riskSums: $0, ties: ties) }
            return
        }
        var sums: [LikelihoodSums] = []
        for (place, answer) in answers.enumerated() {
            let (value, score, gram) = hazards[place].evaluation(
                at: survey.betas[place], eventSums: eventSums, gram: answer)
            var own = LikelihoodSums(logLikelihood: value, score: score, information: gram)
            own.information = information ?? iteration.centred(own).information
            sums.append(own)
        }
        hazards = []
        survey.receive(sums)
    }
}

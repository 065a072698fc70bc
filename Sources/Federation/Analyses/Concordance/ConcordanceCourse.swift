package import Survival

/// The concordance of a marker from one sum: pairs within hospitals by their order in time and marker.
struct ConcordanceCourse: AnalysisCourse {
    private let plan: AnalysisPlan
    private let concordance: ConcordancePlan
    private let counts: CohortCounts

    init(_ plan: AnalysisPlan, _ concordance: ConcordancePlan, counts: CohortCounts) {
        (self.plan, self.concordance, self.counts) = (plan, concordance, counts)
    }

    /// Squares of a row's part in the pairs are asked in units of the number of rows.
    private var scale: Double { Double(max(counts.rows, 1)) }

    var opening: [any Question] { [MarkerPairsQuestion(concordance.options, scale: scale)] }

    var thinnestInterval: Int? { nil }

    func receive(_ received: [Answer]) throws -> CourseStep {
        .finish(.concordance(result(try received.numbers[0])))
    }

    private func result(_ answer: [Double]) -> ConcordanceResult {
        var result = ConcordanceResult(
            id: plan.id, counts: counts, marker: concordance.marker.text,
            strata: concordance.model.strata.map(\.termName), level: plan.level,
            estimate: ConcordanceEstimate(
                answer: answer, scale: scale, isSquared: true, options: concordance.options),
            warnings: plan.guaranteeTimeWarnings)
        (result.cluster, result.weights) = (concordance.cluster, concordance.weights?.text)
        result.event = plan.ownEvent
        return result
    }
}

extension ConcordanceEstimate {
    /// From the summed answer to a question of pairs: their counts, then squares already, or sums by level of the cluster.
    init(answer: [Double], scale: Double, isSquared: Bool, options: ConcordanceOptions) {
        let rest = Array(answer[5...])
        let squares = isSquared ? rest : ConcordancePairs.squares(ofSums: rest)
        self.init(
            counts: Array(answer[..<5]), squares: squares.map { $0 * scale * scale }, options: options)
    }
}

extension ConcordancePlan {
    package func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse {
        ConcordanceCourse(plan, self, counts: counts)
    }
}

package import Survival

/// Pairs of rows at one site by their order in time and in the linear predictor, and sums of squares of a row's (or person's)
/// part in them, in units of `scale`, or sums of them by level of the cluster.
package struct ConcordanceQuestion: Question {
    package static let name = "concordance"

    package let point: ModelPoint
    package var options: ConcordanceOptions
    package var scale: Double

    package init(_ coordinates: Coordinates, beta: [Double], _ options: ConcordanceOptions, scale: Double) {
        (point, self.options, self.scale) = (ModelPoint(coordinates, beta), options, scale)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .pairs, functions: [.one, .ranks, .weights], isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        let parts =
            plan.clusterLevels == nil
            ? "sums of squares of each row's or person's part in them"
            : "sums of the rows' parts in them by cluster"
        return
            "how many pairs of this hospital's rows are in which order of time and risk, and \(parts), once"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        5 + (plan.clusterLevels.map { 2 * $0.count } ?? 3)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        NumberLabels.concordance(clusters: plan.clusterLevels)
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(options, scale: scale) }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        let (data, cox) = try site.model(point.coordinates)
        let pairs = ConcordancePairs(data, marker: data.linearPredictor(at: point.beta), options: options)
        guard let levels = cox.cluster?.levels, let clusters = site.rows.clusters else {
            return site.lanes(of: pairs, isByPerson: cox.cluster != nil, scale: scale)
        }
        return pairs.counts + pairs.sums(by: clusters, levelCount: levels.count).map { $0 / scale }
    }
}

extension SiteAnalysis {
    /// Counts of pairs, and sums of squares of a row's or a person's part in them.
    func lanes(of pairs: ConcordancePairs, isByPerson: Bool, scale: Double) -> [Double] {
        let people = isByPerson ? cases.person : cases.rows.indices.map { Int32($0) }
        return pairs.counts + pairs.squares(by: people).map { $0 / scale / scale }
    }
}

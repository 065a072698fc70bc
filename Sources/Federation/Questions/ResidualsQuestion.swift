import Survival

/// Sums of squares of score residuals by person, or sums of them by level of the cluster.
///
/// Under the site's own baseline hazard, or the one of all sites.
package struct ResidualsQuestion: Question {
    package static let name = "residuals"

    package let point: ModelPoint
    package var common: CommonHazard?

    package init(_ coordinates: Coordinates, beta: [Double], _ common: CommonHazard?) {
        (point, self.common) = (ModelPoint(coordinates, beta), common)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(
            people: plan.clusterLevels == nil ? .analysis : .levels,
            functions: [.covariates, .risks, .weights], isIndexedByTime: plan.hasCommonBaseline,
            isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        guard let cluster = plan.cox?.cluster, cluster.levels != nil else {
            return "sums over people of squares and products of score residuals, once"
        }
        return "sums of score residuals for each \(StudyWords.inline(cluster.name)), once"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        plan.clusterLevels.map { $0.count * plan.columnCount }
            ?? SymmetricMatrix.packedCount(order: plan.columnCount)
    }

    package func write(to bytes: inout QuestionBytes) {
        if let common { bytes.append(common) }
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        let residuals: ScoreResiduals
        if let common {
            residuals = try site.baseline(point.coordinates, common.grid)
                .scoreResiduals(at: point.beta, hazard: common.hazard, means: common.means)
        } else {
            let (data, cox) = try site.model(point.coordinates)
            residuals = try ScoreResiduals(data, ties: cox.ties, at: point.beta)
        }
        guard let levels = site.plan.clusterLevels, let clusters = site.rows.clusters else {
            return residuals.squares(by: site.cases.person)
        }
        return residuals.sums(by: clusters, levelCount: levels.count)
    }
}

package import Survival

/// Sums of squares of score residuals by person, or sums of them by level of the cluster, in the coordinates of a frame.
///
/// Under the site's own baseline hazard, or the one of all sites.
package struct ResidualsQuestion: Question {
    package static let name = "residuals"

    package let point: ModelPoint
    package var frame: InformationFrame
    package var common: CommonHazard?

    package init(
        _ coordinates: Coordinates, beta: [Double], _ frame: InformationFrame, _ common: CommonHazard?
    ) {
        (point, self.frame, self.common) = (ModelPoint(coordinates, beta), frame, common)
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
        plan.clusterLevels.map { $0.count * frame.free.count }
            ?? SymmetricMatrix.packedCount(order: frame.free.count)
    }

    /// In the coordinates of the frame, in which each number is a combination of covariates.
    package func labels(in plan: AnalysisPlan) -> [String] {
        let directions = frame.free.indices.map { "direction \($0 + 1)" }
        return plan.clusterLevels.map { $0.flatMap { level in directions.map { "\(level), \($0)" } } }
            ?? NumberLabels.pairs("squares of residuals along", directions)
    }

    package func write(to bytes: inout QuestionBytes) {
        bytes.append(frame.free.map { Double($0) })
        bytes.append(frame.factor)
        if let common { bytes.append(common) }
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        let raw: ScoreResiduals
        if let common {
            raw = try site.baseline(point.coordinates, common.grid)
                .scoreResiduals(at: point.beta, hazard: common.hazard, means: common.means)
        } else {
            let (data, cox) = try site.model(point.coordinates)
            raw = try ScoreResiduals(data, ties: cox.ties, at: point.beta)
        }
        let residuals = raw.whitened(by: frame)
        guard let levels = site.plan.clusterLevels, let clusters = site.rows.clusters else {
            return residuals.squares(by: site.cases.person)
        }
        return residuals.sums(by: clusters, levelCount: levels.count)
    }
}

import Survival

/// Rows, people, events and expected events by bin of covariates; events and Schoenfeld residuals by bin of time.
///
/// Under the site's own baseline hazard, or the one of all sites.
package struct BinnedResidualsQuestion: Question {
    package static let name = "binned-residuals"

    package let point: ModelPoint
    package var bins: DiagnosticBins
    package var common: CommonHazard?

    package init(_ coordinates: Coordinates, beta: [Double], _ bins: DiagnosticBins, _ common: CommonHazard?)
    {
        (point, self.bins, self.common) = (ModelPoint(coordinates, beta), bins, common)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(
            people: .bins, functions: [.one, .covariates, .risks, .weights],
            isIndexedByTime: plan.hasCommonBaseline, isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        guard let diagnostics = plan.diagnostics else { return "" }
        let covariates = diagnostics.covariates.map {
            "rows, people, events and expected events in bins of \(StudyWords.inline($0.expression.text)) of \(counted(diagnostics.smallestBin, "person", "people")) or more over all hospitals"
        }
        let times =
            diagnostics.hasSchoenfeld
            ? [
                "events and sums of Schoenfeld residuals in time bins of \(counted(diagnostics.smallestBin, "event")) or more over all hospitals"
            ] : []
        return (covariates + times).joined(separator: "; ") + ", once"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int { bins.laneCount(columns: plan.columnCount) }

    package func labels(in plan: AnalysisPlan) -> [String] {
        let covariates = zip(plan.diagnostics?.covariates ?? [], bins.covariates).flatMap {
            covariate, merged in
            merged.ranges.flatMap { range in
                ["rows", "people", "events", "expected events"].map { "\($0), \(covariate.label(of: range))" }
            }
        }
        let times = (bins.times?.ranges ?? []).flatMap { range in
            let place = "in positions \(range.lowerBound) to \(range.upperBound - 1) of the time axis"
            return ["events \(place)"] + plan.columnNames.map { "residuals of \($0) \(place)" }
        }
        return covariates + times
    }

    package func write(to bytes: inout QuestionBytes) {
        bytes.append([Double(bins.covariates.count)])
        for merged in bins.covariates { write(merged, to: &bytes) }
        bytes.append([bins.times == nil ? 0 : 1])
        if let times = bins.times { write(times, to: &bytes) }
        if let common { bytes.append(common) }
    }

    private func write(_ merged: DiagnosticBins.Merged, to bytes: inout QuestionBytes) {
        bytes.append(merged.ranges.flatMap { [Double($0.lowerBound), Double($0.upperBound)] })
        bytes.append(merged.counts.map { Double($0) })
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        let cases = site.cases
        let own: (baseline: CommonBaseline, hazard: HazardIncrements, means: MeanIncrements)
        if let common {
            own = (try site.baseline(point.coordinates, common.grid), common.hazard, common.means)
        } else {
            let (data, cox) = try site.model(point.coordinates)
            let hazard = try OwnHazard(data, ties: cox.ties, at: point.beta)
            own = (hazard.baseline, hazard.hazard, hazard.means)
        }
        let expected = try own.baseline.expectedEvents(at: point.beta, hazard: own.hazard)
        let byCovariate = zip(bins.covariates, site.rows.cells).flatMap { merged, cells in
            BinnedSums(cells.cell.map { merged.bin(of: Int($0)) }, count: merged.ranges.count)
                .lanes(person: cases.person, event: cases.event, expected: expected)
        }
        guard let times = bins.times, let axis = site.plan.axis else { return byCovariate }
        let byTime = BinnedSums(
            cases.exit.map { times.bin(of: axis.position(of: $0)) }, count: times.ranges.count)
        return byCovariate
            + byTime.lanes(
                event: cases.event, residuals: own.baseline.schoenfeldResiduals(means: own.means),
                width: site.plan.columnCount)
    }

    /// People of a hospital in each bin of the covariates; never leaves it.
    func people(at site: SiteAnalysis) -> [[Int]] {
        zip(bins.covariates, site.rows.cells).map { merged, cells in
            merged.ranges.map { cells.people[$0].reduce(0, +) }
        }
    }
}

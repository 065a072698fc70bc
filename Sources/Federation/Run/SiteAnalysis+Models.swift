import Survival

/// What models are asked for.
extension SiteAnalysis {
    func model(_ coordinates: Query.Coordinates) throws -> (SurvivalData, AnalysisPlan.CoxPlan) {
        guard case .cox(let cox) = plan.kind, let data = try tiedData() else {
            throw StudyError.sums("only a model has a likelihood")
        }
        return (
            data.rescaled(
                center: coordinates.center, scale: coordinates.scale, offsetCenter: coordinates.shift), cox
        )
    }

    func residuals(
        _ coordinates: Query.Coordinates, _ beta: [Double], _ frame: InformationFrame,
        _ common: Query.CommonHazard?
    ) throws -> [Double] {
        let (data, cox) = try model(coordinates)
        let raw =
            if let common {
                try baseline(coordinates, common.grid)
                    .scoreResiduals(at: beta, hazard: common.hazard, means: common.means)
            } else {
                try ScoreResiduals(data, ties: cox.ties, at: beta)
            }
        let residuals = raw.whitened(by: frame)
        guard let levels = cox.cluster?.levels, let clusters else {
            return residuals.squares(by: cases.person)
        }
        return residuals.sums(by: clusters, levelCount: levels.count)
    }

    func concordance(
        _ coordinates: Query.Coordinates, _ beta: [Double], _ options: ConcordanceOptions, scale: Double
    ) throws -> [Double] {
        let (data, cox) = try model(coordinates)
        let pairs = ConcordancePairs(data, marker: data.linearPredictor(at: beta), options: options)
        guard let levels = cox.cluster?.levels, let clusters else {
            return lanes(of: pairs, isByPerson: cox.cluster != nil, scale: scale)
        }
        return pairs.counts + pairs.sums(by: clusters, levelCount: levels.count).map { $0 / scale }
    }

    func markerPairs(_ options: ConcordanceOptions, scale: Double) throws -> [Double] {
        guard case .concordance(let concordance) = plan.kind, let data = try tiedData() else {
            throw StudyError.sums("only a concordance has a marker")
        }
        let pairs = ConcordancePairs(data, marker: data.columns[0], options: options)
        return lanes(of: pairs, isByPerson: concordance.cluster != nil, scale: scale)
    }

    /// Counts of pairs, and sums of squares of a row's or a person's part in them.
    func lanes(of pairs: ConcordancePairs, isByPerson: Bool, scale: Double) -> [Double] {
        let people = isByPerson ? cases.person : cases.rows.indices.map { Int32($0) }
        return pairs.counts + pairs.squares(by: people).map { $0 / scale / scale }
    }

    func binnedResiduals(
        _ coordinates: Query.Coordinates, _ beta: [Double], _ bins: DiagnosticBins,
        _ common: Query.CommonHazard?
    ) throws -> [Double] {
        let (data, cox) = try model(coordinates)
        let own: (baseline: CommonBaseline, hazard: HazardIncrements, means: MeanIncrements)
        if let common {
            own = (try baseline(coordinates, common.grid), common.hazard, common.means)
        } else {
            let hazard = try OwnHazard(data, ties: cox.ties, at: beta)
            own = (hazard.baseline, hazard.hazard, hazard.means)
        }
        let expected = try own.baseline.expectedEvents(at: beta, hazard: own.hazard)
        let byCovariate = zip(bins.covariates, cells).flatMap { merged, cells in
            BinnedSums(cells.cell.map { merged.bin(of: Int($0)) }, count: merged.ranges.count)
                .lanes(person: cases.person, event: cases.event, expected: expected)
        }
        guard let times = bins.times, let axis = plan.axis else { return byCovariate }
        let byTime = BinnedSums(
            cases.exit.map { times.bin(of: axis.position(of: $0)) }, count: times.ranges.count)
        return byCovariate
            + byTime.lanes(
                event: cases.event, residuals: own.baseline.schoenfeldResiduals(means: own.means),
                width: plan.columnCount)
    }

    /// The likelihood under the site's own baseline; sorted once, and kept for the evaluations that follow.
    func likelihood(_ coordinates: Query.Coordinates) throws -> PartialLikelihood {
        try kept.likelihood(at: coordinates) {
            let (data, cox) = try model(coordinates)
            return PartialLikelihood(data, ties: cox.ties, instructions: instructions)
        }
    }

    /// The common-baseline likelihood, on a time axis counted in positions, which decides alone which times are equal.
    func baseline(_ coordinates: Query.Coordinates, _ grid: EventGrid) throws -> CommonBaseline {
        guard case .cox(let cox) = plan.kind,
            let data = data?.rescaled(
                center: coordinates.center, scale: coordinates.scale, offsetCenter: coordinates.shift)
        else { throw StudyError.sums("only a model has a likelihood") }
        guard let axis = plan.axis else { throw StudyError.sums("a common baseline needs a time axis") }
        let onAxis = try SurvivalData(
            entry: data.entry?.map { Double(axis.entryPosition(of: $0)) },
            exit: data.exit.map { Double(axis.position(of: $0)) },
            event: data.event, weight: data.weight, offset: data.offset, stratum: data.stratum,
            columns: data.columns)
        let competing = plan.causeOfInterest.map { cause in
            (causes ?? []).map { $0 >= 0 && $0 != cause }
        }
        return try CommonBaseline(data: onAxis, grid: grid, ties: cox.ties, competing: competing)
    }
}

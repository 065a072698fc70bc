import Survival

/// The binned residuals of a Cox course: which bins, from first sums of counts, and the tables from the sums over them.
struct CoxDiagnostics: Sendable {
    let bins: DiagnosticBins
    private let plan: AnalysisPlan
    private let diagnostics: CoxPlan.Diagnostics

    /// What must be asked at the beginning, besides what the course asks anyway.
    static func asks(of cox: CoxPlan, besides known: [any Question]) -> [any Question] {
        guard let diagnostics = cox.diagnostics else { return [] }
        let hasExits = known.contains { $0 is ExitsQuestion }
        return (diagnostics.hasSchoenfeld && !hasExits ? [ExitsQuestion()] : [])
            + (diagnostics.covariates.isEmpty ? [] : [CellCountsQuestion()])
    }

    /// Nil if no residuals are asked for; the answers are those to `exits` and `cellCounts`, where they were asked.
    init?(
        _ plan: AnalysisPlan, counts: CohortCounts, exits: [Double]?, cells: [Double]?
    ) throws(StudyError) {
        guard let diagnostics = plan.diagnostics else { return nil }
        (self.plan, self.diagnostics) = (plan, diagnostics)
        bins = DiagnosticBins(
            covariates: try Self.covariates(diagnostics, counts, cells ?? []),
            times: try exits.flatMap { (exits) throws(StudyError) in
                diagnostics.hasSchoenfeld ? try Self.times(plan, diagnostics, counts, exits) : nil
            })
    }

    private static func covariates(
        _ diagnostics: CoxPlan.Diagnostics, _ counts: CohortCounts, _ sum: [Double]
    ) throws(StudyError) -> [DiagnosticBins.Merged] {
        var (merged, start) = ([DiagnosticBins.Merged](), 0)
        for covariate in diagnostics.covariates {
            let cells = sum[start..<(start + covariate.cells.count)]
            start += covariate.cells.count
            let people = cells.reduce(0, +)
            guard cells.allSatisfy({ $0 >= 0 && $0 == $0.rounded() }), people >= Double(counts.people),
                people <= Double(counts.rows)
            else {
                throw .sums("the hospitals' counts of people by \(covariate.expression.text) make no sense")
            }
            merged.append(
                .init(cells.map { Int($0) }, bins: diagnostics.bins, smallest: diagnostics.smallestBin))
        }
        return merged
    }

    private static func times(
        _ plan: AnalysisPlan, _ diagnostics: CoxPlan.Diagnostics, _ counts: CohortCounts,
        _ exits: [Double]
    ) throws(StudyError) -> DiagnosticBins.Merged {
        let layout = ExitsLayout(plan)
        try layout.requireFit(exits, counts)
        var events = [Int](repeating: 0, count: layout.positions)
        for group in 0..<layout.groups {
            for (position, count) in (layout.lanes(.events, group: group, of: exits) ?? []).enumerated() {
                events[position] += Int(count)
            }
        }
        return .init(events, bins: diagnostics.bins, smallest: diagnostics.smallestBin)
    }

    /// The question at the estimate; nil if there is no bin to ask about.
    func ask(
        _ coordinates: Coordinates, beta: [Double], _ common: CommonHazard?
    ) -> (any Question)? {
        bins.laneCount(columns: plan.columnCount) == 0
            ? nil : BinnedResidualsQuestion(coordinates, beta: beta, bins, common)
    }

    /// The tables, from the summed answer; `scale` undoes the standardisation.
    func result(_ sum: [Double], of fit: CoxFit, scale: [Double], names: [String]) -> CoxResult.Diagnostics {
        var rest = sum[...]
        let functionalForm = zip(diagnostics.covariates, bins.covariates).compactMap { covariate, merged in
            merged.ranges.isEmpty ? nil : Self.table(covariate, merged, &rest)
        }
        return .init(
            functionalForm: functionalForm,
            effectOverTime: bins.times.flatMap { merged in
                merged.ranges.isEmpty ? nil : effects(merged, &rest, fit, scale, names)
            })
    }

    private static func table(
        _ covariate: CoxPlan.Diagnostics.Covariate, _ merged: DiagnosticBins.Merged,
        _ rest: inout ArraySlice<Double>
    ) -> CoxResult.Diagnostics.FunctionalForm {
        let bins = merged.ranges.map { range in
            let numbers = Array(rest.prefix(4))
            rest = rest.dropFirst(4)
            return CoxResult.Diagnostics.Bin(
                lower: covariate.cells.edge(range.lowerBound), upper: covariate.cells.edge(range.upperBound),
                rows: Self.count(numbers[0]), people: Self.count(numbers[1]),
                events: Self.count(numbers[2]), expected: Reported(numbers[3]),
                residual: Reported((numbers[2] - numbers[3]) / numbers[0]))
        }
        return .init(covariate: covariate.expression.text, bins: bins)
    }

    /// Mean scaled Schoenfeld residuals β̂ + d·V·Σwr/n, which follow β(t) (Grambsch and Therneau, Biometrika 1994).
    private func effects(
        _ merged: DiagnosticBins.Merged, _ rest: inout ArraySlice<Double>, _ fit: CoxFit, _ scale: [Double],
        _ names: [String]
    ) -> CoxResult.Diagnostics.EffectOverTime {
        let (events, order) = (merged.counts.reduce(0, +), names.count)
        let bins = zip(merged.ranges, merged.counts).map { range, count in
            let residuals = Array(rest.dropFirst().prefix(order))
            rest = rest.dropFirst(1 + order)
            let effects = CoxInference.effects(
                of: fit, residuals: residuals, share: Double(events) / Double(count), scale: scale)
            return CoxResult.Diagnostics.TimeBin(
                lower: plan.axis?.time(at: max(range.lowerBound - 1, 0)) ?? 0,
                upper: plan.axis?.time(at: range.upperBound - 1) ?? 0, events: count, effects: effects)
        }
        return .init(times: plan.times, terms: names, bins: bins)
    }

    /// A count as a site may send it: any number.
    private static func count(_ value: Double) -> Int { Int(min(max(value.rounded(), 0), 1e9)) }

    /// Says so where residuals were asked for and there are too few people or events for one bin.
    var warnings: [String] {
        let thin = zip(diagnostics.covariates, bins.covariates).filter { $0.1.ranges.isEmpty }.map {
            "residuals by \($0.0.expression.text) are not given: fewer than \(counted(diagnostics.smallestBin, "person", "people"))"
        }
        let hasTimes = !diagnostics.hasSchoenfeld || bins.times?.ranges.isEmpty == false
        return thin
            + (hasTimes
                ? []
                : ["effects over time are not given: fewer than \(counted(diagnostics.smallestBin, "event"))"])
    }
}

package import Cryptography
package import Survival

/// One question to every site; each answers with a vector, and the vectors add up.
///
/// A query holds all that an answer depends on besides the site's rows: a site answers it with a pure function. What goes
/// over the wire is its `statement`: a node computes from the query that its *own* `StudyRun` asks, and only compares.
package struct Query: Hashable, Sendable {
    /// The analysis it belongs to.
    package var analysis: String
    package var ask: Ask
    /// The positions of the time axis, where they were found by a search and are not the study's.
    package var axis: TimeAxis?
    /// The mean size of times over all hospitals: times that differ by rounding only are told by it.
    ///
    /// Nil where none are compared.
    package var meanTime: Double?

    package enum Ask: Hashable, Sendable {
        /// Rows, people, events, rows dropped by variable, people by level; of a model also how many times and their sum.
        case counts
        /// Rows, Σx, Σx² of every column, scaled to [-1, 1] by the dictionary's ranges.
        case moments
        /// Log-likelihood, score and information under the site's own baseline hazard.
        case likelihood(Coordinates, beta: [Double])
        /// Rows that leave in each part of some cells of time, and where in it.
        case times(TimeCells)
        /// The same with the derivatives of the information, for Firth's penalty.
        case likelihoodWithThirdDerivatives(Coordinates, beta: [Double])
        /// Rows, Σx, Σx² of each column under a scaled ridge, over the cohort's rows that have it (before rows incomplete in
        /// other columns are dropped).
        case spread(Coordinates)
        /// Events and other exits (and entries) at each position of the time axis, by group or stratum.
        case exits
        /// Σ over events of w·x and of w·offset.
        case eventSums(Coordinates)
        /// S₀ at the points of a common grid.
        case riskSums(Coordinates, beta: [Double], EventGrid)
        /// Xᵀg and XᵀGX under hazard increments formed from the summed S₀.
        case gram(Coordinates, beta: [Double], EventGrid, HazardIncrements)
        /// S₁ at the points of a common grid.
        case covariateRiskSums(Coordinates, beta: [Double], EventGrid)
        /// Σ over events of 1, f(t), f(t)².
        case eventTimes(TimeFunction)
        /// Sums over events of g(x − x̄), gV, g²V under the site's own baseline hazard.
        case timeTrend(Coordinates, beta: [Double], TimeFunction)
        /// Σ over events of w·g·x, g being a number for each point of a common grid.
        case eventTrend(Coordinates, EventGrid, factors: [Double])
        /// Sums of squares of score residuals by person, or sums of them by level of the cluster, in the coordinates of a frame.
        ///
        /// Under the site's own baseline hazard, or the one of all sites.
        case residuals(Coordinates, beta: [Double], InformationFrame, CommonHazard?)
        /// Pairs of rows at one site by their order in time and in the linear predictor, and sums of squares of a row's (or person's)
        /// part in them, in units of `scale`, or sums of them by level of the cluster.
        case concordance(Coordinates, beta: [Double], ConcordanceOptions, scale: Double)
        /// The same pairs by their order in time and in a stated marker; see `AnalysisPlan.ConcordancePlan`.
        case markerPairs(ConcordanceOptions, scale: Double)
        /// People by group of a table, and by group whose value of a variable is known, or by level; see `TallyLayout`.
        case tallies
        /// Σx of numbers by group, on the dictionary's range scaled to [-1, 1].
        case tableSums([TableCell])
        /// Σ(x − center)² of numbers by group.
        case tableSquares([TableCell], centers: [Double])
        /// People by value or bin of a number, by group.
        case histograms([TableHistogram])
        /// Sums over people of squares of their influence on each group's curve.
        case influence([CurveCounts])
        /// Hospitals whose own information is not 0, its rank, and for each coefficient the hospitals that tell of it.
        case siteRanks(Coordinates, beta: [Double])
        /// What a test of equal coefficients at all hospitals takes from a hospital's own score and information.
        case siteHeterogeneity(Coordinates, beta: [Double], coefficients: [Int])
        /// People in each cell of the covariates by which residuals are added up.
        case cellCounts
        /// Rows, people, events and expected events by bin of covariates; events and Schoenfeld residuals by bin of time.
        ///
        /// Under the site's own baseline hazard, or the one of all sites.
        case binnedResiduals(Coordinates, beta: [Double], DiagnosticBins, CommonHazard?)
    }

    /// The baseline hazard of all sites, as each forms it from sums.
    package struct CommonHazard: Hashable, Sendable {
        package var grid: EventGrid
        package var hazard: HazardIncrements
        package var means: MeanIncrements
    }

    /// A model's working coordinates: column j is (x - center)/scale, and linear predictors are counted from `shift` on.
    package struct Coordinates: Hashable, Sendable {
        package var center: [Double]
        package var scale: [Double]
        /// Keeps exp(xβ + offset − shift) within range where sites share a baseline; it changes no coefficient.
        package var shift: Double
        /// The powers of two by which sums over the risk sets of a common grid are multiplied; all 0 if it is empty.
        package var exponents: [Int]

        package init(center: [Double], scale: [Double], shift: Double = 0, exponents: [Int] = []) {
            (self.center, self.scale, self.shift) = (center, scale, shift)
            self.exponents = exponents
        }

        /// The same with these powers.
        func scaled(by exponents: [Int]) -> Coordinates {
            var scaled = self
            scaled.exponents = exponents
            return scaled
        }

        /// Sums over risk sets as they leave a hospital, `width` numbers for each set; or, `undone`, as they are.
        func scaled(_ sums: [Double], width: Int, undone: Bool = false) -> [Double] {
            guard !exponents.isEmpty else { return sums }
            return sums.indices.map { place in
                let exponent = undone ? -exponents[place / width] : exponents[place / width]
                return Double(sign: .plus, exponent: exponent, significand: sums[place])
            }
        }
    }

    package init(analysis: String, ask: Ask, axis: TimeAxis? = nil, meanTime: Double? = nil) {
        (self.analysis, self.ask, self.axis, self.meanTime) = (analysis, ask, axis, meanTime)
    }

    package var kind: String {
        switch ask {
        case .counts: "counts"
        case .moments: "moments"
        case .likelihood: "likelihood"
        case .times: "times"
        case .likelihoodWithThirdDerivatives: "likelihood-with-third-derivatives"
        case .spread: "spread"
        case .exits: "exits"
        case .eventSums: "event-sums"
        case .riskSums: "risk-sums"
        case .gram: "gram"
        case .covariateRiskSums: "covariate-risk-sums"
        case .eventTimes: "event-times"
        case .timeTrend: "time-trend"
        case .eventTrend: "event-trend"
        case .residuals: "residuals"
        case .concordance: "concordance"
        case .markerPairs: "marker-pairs"
        case .tallies: "tallies"
        case .tableSums: "table-sums"
        case .tableSquares: "table-squares"
        case .histograms: "histograms"
        case .influence: "influence"
        case .siteRanks: "site-ranks"
        case .siteHeterogeneity: "site-heterogeneity"
        case .cellCounts: "cell-counts"
        case .binnedResiduals: "binned-residuals"
        }
    }

    /// The coefficients the question is asked at, on standardised columns; nil where there are none.
    package var beta: [Double]? {
        switch ask {
        case .likelihood(_, let beta), .likelihoodWithThirdDerivatives(_, let beta),
            .riskSums(_, let beta, _), .gram(_, let beta, _, _),
            .covariateRiskSums(_, let beta, _), .timeTrend(_, let beta, _),
            .residuals(_, let beta, _, _), .concordance(_, let beta, _, _), .siteRanks(_, let beta),
            .siteHeterogeneity(_, let beta, _), .binnedResiduals(_, let beta, _, _):
            beta
        case .counts, .moments, .spread, .times, .exits, .eventSums, .eventTimes, .eventTrend, .influence,
            .markerPairs, .tallies, .tableSums, .tableSquares, .histograms, .cellCounts:
            nil
        }
    }

    package var coordinates: Coordinates? {
        switch ask {
        case .likelihood(let coordinates, _), .likelihoodWithThirdDerivatives(let coordinates, _),
            .spread(let coordinates), .eventSums(let coordinates), .riskSums(let coordinates, _, _),
            .gram(let coordinates, _, _, _), .covariateRiskSums(let coordinates, _, _),
            .timeTrend(let coordinates, _, _), .eventTrend(let coordinates, _, _),
            .residuals(let coordinates, _, _, _), .concordance(let coordinates, _, _, _),
            .siteRanks(let coordinates, _), .siteHeterogeneity(let coordinates, _, _),
            .binnedResiduals(let coordinates, _, _, _):
            coordinates
        case .counts, .moments, .times, .exits, .eventTimes, .influence, .markerPairs, .tallies, .tableSums,
            .tableSquares,
            .histograms, .cellCounts:
            nil
        }
    }

    /// Lanes of the answer: its numbers, and one that tells why there are none (`Trouble`).
    package func laneCount(in plan: AnalysisPlan) -> Int { numberCount(in: plan) + 1 }

    /// Numbers in the answer.
    package func numberCount(in plan: AnalysisPlan) -> Int {
        let plan = plan.located(on: axis)
        let columns = plan.columnCount
        switch ask {
        case .counts: return CountsLayout(plan).count
        case .moments: return 1 + 2 * columns + (plan.sumsOffset ? 1 : 0)
        case .likelihood: return 1 + columns + columns * (columns + 1) / 2
        case .times(let cells): return 3 * cells.partCount
        case .likelihoodWithThirdDerivatives:
            return 1 + columns + columns * (columns + 1) / 2
                + ThirdDerivatives.packedCount(order: columns)
        case .spread: return 3 * plan.spreadColumns.count
        case .exits: return ExitsLayout(plan).count
        case .eventSums: return columns + 1
        case .riskSums(_, _, let grid): return grid.riskSetCount(plan.ties)
        case .gram: return columns + columns * (columns + 1) / 2
        case .covariateRiskSums(_, _, let grid): return grid.riskSetCount(plan.ties) * columns
        case .eventTimes: return TimeMoments.vectorCount
        case .timeTrend: return TimeTrendSums.vectorCount(parameterCount: columns)
        case .eventTrend: return columns
        case .siteRanks: return SiteHeterogeneity.ranksCount(parameterCount: columns)
        case .siteHeterogeneity(_, _, let coefficients):
            return SiteHeterogeneity.partsCount(coefficientCount: coefficients.count)
        case .cellCounts: return plan.diagnostics?.cellCount ?? 0
        case .binnedResiduals(_, _, let bins, _): return bins.laneCount(columns: columns)
        case .residuals(_, _, let frame, _):
            let free = frame.free.count
            return plan.clusterLevels.map { $0.count * free } ?? SymmetricMatrix.packedCount(order: free)
        case .markerPairs: return 8
        case .concordance: return 5 + (plan.clusterLevels.map { 2 * $0.count } ?? 3)
        case .tallies: return plan.tallyCount
        case .tableSums(let cells): return cells.count
        case .tableSquares(let cells, _): return 2 * cells.count
        case .histograms(let histograms): return histograms.reduce(0) { $0 + $1.count }
        case .influence(let curves): return curves.reduce(0) { $0 + $1.squareCount }
        }
    }
}

/// A query as it is written into a round, a journal and an audit log.
///
/// Two queries have equal statements exactly if they are equal in every bit: `context` is a digest over the bit patterns of
/// coordinates, grid and hazard, which are too long to print and which every node derives by itself.
package struct QueryStatement: Hashable, Sendable, Codable {
    package var analysis: String
    package var kind: String
    package var lanes: Int
    package var beta: [Double]?
    package var context: SHA256Digest

    package init(_ query: Query, in plan: AnalysisPlan) {
        analysis = query.analysis
        kind = query.kind
        lanes = query.laneCount(in: plan)
        beta = query.beta
        context = SHA256Digest(of: query.contextBytes)
    }
}

extension Query {
    /// Every number the answer depends on, as little-endian bit patterns with lengths.
    fileprivate var contextBytes: [UInt8] {
        var bytes: [UInt8] = []
        func append(_ numbers: [Double]) {
            withUnsafeBytes(of: UInt64(numbers.count).littleEndian) { bytes.append(contentsOf: $0) }
            for number in numbers {
                withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        func append(_ grid: EventGrid) {
            append([Double(grid.strata.count)])
            for stratum in grid.strata {
                append(stratum.times)
                append(stratum.deaths)
                append(stratum.deathWeights)
                append(stratum.starts ?? [])
            }
            append(grid.censoring?.times ?? [])
            append(grid.censoring?.values ?? [])
        }
        func append(_ curve: CurveCounts) {
            let shape: Double =
                switch curve.shape {
                case .productLimit: 0
                case .exponential: 1
                case .incidence: 2
                }
            append([shape, Double(curve.counts.events.count), curve.isReversed ? 1 : 0])
            append(curve.ends.map { Double($0) })
            append(curve.counts.times)
            for events in curve.counts.events { append(events) }
            append(curve.counts.censored)
            append(curve.counts.entered ?? [])
            append(curve.areas)
            for interval in curve.counts.intervals ?? [] {
                append([
                    interval.start, interval.end, Double(interval.places ?? 0), interval.isClosed ? 1 : 0,
                ])
            }
        }
        func append(_ function: TimeFunction) {
            let kind: Double =
                switch function.shape {
                case .identity: 0
                case .logarithm: 1
                case .steps: 2
                }
            append([kind, function.center, function.scale])
            if case .steps(let times, let values) = function.shape {
                append(times)
                append(values)
            }
        }
        func append(_ common: CommonHazard) {
            append(common.grid)
            append(common.hazard.survivor)
            append(common.hazard.leaver)
            append(common.means.survivor)
            append(common.means.leaver)
            append(common.means.death)
        }
        func append(_ merged: DiagnosticBins.Merged) {
            append(merged.ranges.flatMap { [Double($0.lowerBound), Double($0.upperBound)] })
            append(merged.counts.map { Double($0) })
        }
        if let coordinates {
            append(coordinates.center)
            append(coordinates.scale)
            if coordinates.shift != 0 || !coordinates.exponents.isEmpty {
                append([coordinates.shift] + coordinates.exponents.map { Double($0) })
            }
        }
        append(beta ?? [])
        if let axis { append(axis.context) }
        if let meanTime { append([meanTime]) }
        switch ask {
        case .riskSums(_, _, let grid), .covariateRiskSums(_, _, let grid): append(grid)
        case .gram(_, _, let grid, let hazard):
            append(grid)
            append(hazard.survivor)
            append(hazard.leaver)
        case .eventTimes(let function), .timeTrend(_, _, let function): append(function)
        case .eventTrend(_, let grid, let factors):
            append(grid)
            append(factors)
        case .residuals(_, _, let frame, let common):
            append(frame.free.map { Double($0) })
            append(frame.factor)
            if let common { append(common) }
        case .binnedResiduals(_, _, let bins, let common):
            append([Double(bins.covariates.count)])
            for merged in bins.covariates { append(merged) }
            append([bins.times == nil ? 0 : 1])
            if let times = bins.times { append(times) }
            if let common { append(common) }
        case .siteHeterogeneity(_, _, let coefficients): append(coefficients.map { Double($0) })
        case .concordance(_, _, let options, let scale), .markerPairs(let options, let scale):
            append([options.weight.contextNumber, scale])
            append([options.timeMin].compactMap { $0 })
            append([options.timeMax].compactMap { $0 })
        case .tableSums, .tableSquares, .histograms: ask.tableContext.forEach { append($0) }
        case .times(let cells):
            for cell in cells.cells { append([cell.lower, cell.upper, Double(cell.parts)]) }
        case .influence(let curves): for curve in curves { append(curve) }
        case .counts, .moments, .likelihood, .likelihoodWithThirdDerivatives, .spread, .exits, .eventSums,
            .tallies, .siteRanks, .cellCounts:
            break
        }
        return bytes
    }
}

extension ConcordanceWeight {
    fileprivate var contextNumber: Double { Double(Self.allCases.firstIndex(of: self) ?? -1) }
}

extension AnalysisPlan {
    /// Covariate columns; a marker is one; 0 for analyses without a model.
    package var columnCount: Int { model?.columns.count ?? 0 }

    /// How a Cox model handles tied event times; of no matter to other analyses.
    package var ties: Ties {
        if case .cox(let cox) = kind { cox.ties } else { .breslow }
    }

    /// Whether the moments have the sum of the offset: what linear predictors are counted from under one baseline for all.
    var sumsOffset: Bool {
        guard case .cox(let cox) = kind else { return false }
        return cox.baseline == .common && cox.model.offset != nil
    }

    /// Groups of a survival analysis, strata of a Cox model.
    package var groupCount: Int {
        switch kind {
        case .survival(let survival): survival.groups.count
        case .incidence(let incidence): incidence.groups.count
        case .concordance(let concordance): concordance.model.stratumCount
        case .cox(let cox): cox.model.stratumCount
        case .table(let table): table.groups.count
        }
    }

    /// Numbers in the answer to `tallies`; 0 for analyses that are no table.
    package var tallyCount: Int {
        if case .table(let table) = kind { TallyLayout(table).count } else { 0 }
    }

    /// Columns whose variance a scaled ridge penalty needs.
    package var spreadColumns: [Int] {
        guard case .cox(let cox) = kind, case .ridge(let ridge)? = cox.penalty, ridge.isScaled else {
            return []
        }
        return ridge.columns
    }

    /// The levels of a category that clusters are made of; nil for people, or without clusters.
    package var clusterLevels: [String]? {
        if case .cox(let cox) = kind { cox.cluster?.levels } else { nil }
    }

    /// Groups of which the exits are counted apart: those of a survival analysis in each stratum of its test.
    ///
    /// Of a Cox model only common baselines need the strata.
    package var exitGroupCount: Int {
        switch kind {
        case .survival(let survival): groupCount * survival.stratumCount
        case .incidence(let incidence): groupCount * incidence.stratumCount
        case .cox(let cox): cox.baseline == .site ? 1 : groupCount
        case .concordance, .table: 0
        }
    }
}

/// Where each number of a `counts` answer stands.
package struct CountsLayout: Sendable {
    package let droppedVariables: [String]
    package let levels: [ModelSpecification.Level]
    private let landmark: Double?
    private let censorAt: Double?
    /// Whether rows are left out that overlap with an earlier one of the same person.
    private let leavesOutOverlaps: Bool
    /// Columns of which `spread` takes in people who are not in the analysis.
    package let spreadColumns: [Int]
    /// Whether how many times there are and their sum is counted, too: where rows at a site are compared by time.
    package let hasTimes: Bool
    /// The unit of the sum of times.
    private let timeUnit: Double

    package init(_ plan: AnalysisPlan) {
        hasTimes = plan.model != nil
        timeUnit = DictionaryRange(plan.timeBounds).half
        droppedVariables = plan.neededVariables
        levels = plan.levels
        (landmark, censorAt) = (plan.endpoint.landmark, plan.endpoint.censorAt)
        spreadColumns = plan.spreadColumns
        leavesOutOverlaps = plan.people == .firstRow
    }

    /// rows, people, events, rows dropped, dropped by variable, people by level, rows left out because they overlap, people
    /// not at risk at the landmark, people that `spread` adds by column, times other than 0 and their sum.
    package var count: Int { spreadEnd + (hasTimes ? 2 : 0) }

    private var spreadEnd: Int {
        4 + droppedVariables.count + levels.count + (leavesOutOverlaps ? 1 : 0) + (landmark == nil ? 0 : 1)
            + spreadColumns.count
    }

    /// More rows than any consortium has; sums over so many could be formed, but a larger count is a mistake or a lie.
    static let rowsMax = 1e8

    /// A larger sum of times at a site is sent as this.
    static let timeSumMax = 0x1p50

    /// Throws unless the numbers can be counts: a hospital may send any, and everything later relies on them.
    package func counts(_ sum: [Double]) throws(StudyError) -> CohortCounts {
        let (rows, people, events) = (sum[0], sum[1], sum[2])
        let whole = hasTimes ? sum.dropLast() : sum[...]
        guard whole.allSatisfy({ $0 >= 0 && $0 <= Self.rowsMax && $0 == $0.rounded() }), people <= rows,
            events <= rows, sum.allSatisfy({ $0 >= 0 && $0.isFinite })
        else { throw .sums("the hospitals' counts of rows, people and events make no sense") }
        let dropped = sum[4..<(4 + droppedVariables.count)]
        var counts = CohortCounts(
            rows: Int(sum[0]), people: Int(sum[1]), events: Int(sum[2]), dropped: Int(sum[3]),
            droppedByVariable: Dictionary(
                zip(droppedVariables, dropped.map { Int($0) }), uniquingKeysWith: { first, _ in first }),
            landmark: landmark.map {
                .init(time: $0, excluded: Int(sum[spreadEnd - 1 - spreadColumns.count]))
            },
            censorAt: censorAt)
        if leavesOutOverlaps { counts.overlapping = Int(sum[4 + droppedVariables.count + levels.count]) }
        return counts
    }

    package func levelCounts(_ sum: [Double]) -> [Int] {
        sum[(4 + droppedVariables.count)...].prefix(levels.count).map { Int($0) }
    }

    package func spreadCounts(_ sum: [Double]) -> [Int] {
        sum[..<spreadEnd].suffix(spreadColumns.count).map { Int($0) }
    }

    /// The mean size of the times other than 0, over all sites; nil without any.
    ///
    /// R takes each time once that several rows have; that cannot be summed over sites, and a mean over rows does not depend on how
    /// rows are divided among them. Where no two rows share a time, the two are equal.
    package func meanTime(_ sum: [Double]) -> Double? {
        guard hasTimes, sum[count - 2] > 0, sum[count - 1] > 0 else { return nil }
        return sum[count - 1] / sum[count - 2] * timeUnit
    }
}

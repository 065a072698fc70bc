import Survival

/// Kaplan-Meier curves and a log-rank test from one sum: events and other exits by group at each position of the time axis.
struct SurvivalCourse: Sendable {
    private let plan: AnalysisPlan
    private let survival: AnalysisPlan.SurvivalPlan
    private let counts: CohortCounts
    private let smallestInterval: Int
    private(set) var thinnestInterval: Int?

    init(
        _ plan: AnalysisPlan, _ survival: AnalysisPlan.SurvivalPlan, counts: CohortCounts,
        smallestInterval: Int
    ) {
        (self.plan, self.survival, self.counts) = (plan, survival, counts)
        self.smallestInterval = smallestInterval
    }

    mutating func receive(_ answers: [[Double]]) throws -> AnalysisResult {
        try ExitsLayout(plan).requireFit(answers[0], counts)
        let cells = try Cells(plan, answers[0])
        let ranges = intervals(of: cells)
        let all = cells.groups.map { counts(of: $0, over: ranges) }
        let width = survival.groups.count
        let strata = stride(from: 0, to: all.count, by: width).map { Array(all[$0..<($0 + width)]) }
        let groups = strata.dropFirst().reduce(strata[0]) { zip($0, $1).map { $0 + $1 } }
        return .survival(
            SurvivalResult(
                id: plan.id, counts: counts, times: plan.times, by: survival.by?.text,
                limits: survival.limits,
                level: plan.level, groups: zip(survival.groups, groups).map { group($0, $1) },
                test: survival.logRank ? test(strata) : nil,
                warnings: plan.guaranteeTimeWarnings + extrapolations(groups)))
    }

    private func test(_ strata: [[ExitCounts]]) -> SurvivalResult.LogRank {
        var test = LogRank.test(
            groups: survival.groups, strata: strata, rho: survival.options.rho,
            hasTrend: survival.options.hasTrend)
        test.strata = survival.strata.map(\.expression.text)
        return test
    }

    /// Restricted means that reach beyond a group's follow-up rest on a curve that nobody's data continue.
    private func extrapolations(_ groups: [ExitCounts]) -> [String] {
        guard let longest = survival.options.restrictedMeans.last else { return [] }
        return zip(survival.groups, groups).compactMap { name, counts in
            let last = KaplanMeier(counts.withExits).lastTime ?? 0
            let group = name.isEmpty ? "nobody" : "nobody in the group \(name)"
            return last < longest
                ? "\(group) is followed to the end of the restricted mean; the curve is continued flat" : nil
        }
    }

    /// One group's counts at every position of the axis.
    private struct Cell: Sendable {
        var events: [Double]
        var others: [Double]
        var entries: [Double]?
    }

    private struct Cells: Sendable {
        var groups: [Cell]
        var exits: [Int]

        init(_ plan: AnalysisPlan, _ sum: [Double]) throws {
            let layout = ExitsLayout(plan)
            let groups = try (0..<layout.groups).map { group in
                guard let events = layout.lanes(.events, group: group, of: sum),
                    let others = layout.lanes(.otherExits, group: group, of: sum)
                else { throw StudyError.sums("the exits have no events") }
                return Cell(
                    events: events, others: others, entries: layout.lanes(.entries, group: group, of: sum))
            }
            self.groups = groups
            exits = (0..<layout.positions).map { position in
                Int(groups.reduce(0) { $0 + $1.events[position] + $1.others[position] })
            }
        }
    }

    /// With exact times one range for each time at which someone leaves; on a grid, merged cells.
    private mutating func intervals(of cells: Cells) -> [Range<Int>] {
        switch plan.times {
        case .exact:
            return cells.exits.indices.filter { cells.exits[$0] > 0 }.map { $0..<($0 + 1) }
        case .grid:
            let merged = MergedIntervals(exits: cells.exits, smallest: smallestInterval)
            thinnestInterval = merged.thinnest
            return merged.ranges
        }
    }

    private func counts(of cell: Cell, over ranges: [Range<Int>]) -> ExitCounts {
        let ends = ranges.map { $0.upperBound - 1 }
        var entered: [Double]?
        if let entries = cell.entries {
            entered = zip([0] + ends, ends).map { entries[$0..<$1].reduce(0, +) }
        }
        return ExitCounts(
            times: ends.map { plan.axis?.time(at: $0) ?? Double($0) },
            events: ranges.map { cell.events[$0].reduce(0, +) },
            censored: ranges.map { cell.others[$0].reduce(0, +) }, entered: entered)
    }

    private func group(_ name: String, _ counts: ExitCounts) -> SurvivalResult.Group {
        let own = counts.withExits
        let estimate = KaplanMeier(own)
        let rows = own.events.reduce(0, +) + own.censored.reduce(0, +)
        return .init(
            name: name, rows: Int(rows), events: Int(own.events.reduce(0, +)),
            median: estimate.quantile(0.5, limits: survival.limits, level: plan.level),
            curve: estimate.curve(limits: survival.limits, level: plan.level),
            at: estimate.at(survival.at, limits: survival.limits, level: plan.level),
            quantiles: survival.options.quantiles.map {
                .init(share: $0, time: estimate.quantile($0, limits: survival.limits, level: plan.level))
            },
            restrictedMeans: survival.options.restrictedMeans.map {
                estimate.restrictedMean(to: $0, level: plan.level)
            },
            followUp: survival.options.hasFollowUp
                ? KaplanMeier(own.reversed).quantile(0.5, limits: survival.limits, level: plan.level) : nil)
    }
}

extension ExitCounts {
    /// Without the times at which nobody leaves; who enters in between is counted at the next time.
    fileprivate var withExits: ExitCounts {
        let kept = times.indices.filter { events[$0] + censored[$0] > 0 }
        let entered = entered.map { entered in
            zip([-1] + kept, kept).map { entered[($0 + 1)...$1].reduce(0, +) }
        }
        return ExitCounts(
            times: kept.map { times[$0] }, events: kept.map { events[$0] },
            censored: kept.map { censored[$0] },
            entered: entered)
    }
}

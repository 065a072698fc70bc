/// One site's part of a Cox model whose baseline hazard is common to all sites.
///
/// The score needs the risk-set sums S₀ of all sites, and those alone: (a) sites add up `riskSums`; (b) from the total each forms
/// the same hazard increments itself, and they add up `gram`. `covariateRiskSums` (S₁) are needed only for the exact
/// information. Every vector adds up over sites; one without a row in a stratum, or at a time, sends zeros there.
package struct CommonBaseline: Sendable {
    /// For each row of the analysis: its points of the grid, counted over all strata.
    private struct Presence: Sendable {
        /// At risk, with and without those who leave, at points `first ..< stays`.
        var first: Int
        var stays: Int
        /// The point at which the row is at risk but leaves: it dies, or (interval form) leaves in the interval.
        var leaves: Int?
        /// Points at which a row that had a competing event is still at risk, with the weight `share` times G of the point.
        var remains = 0..<0
        var share = 0.0

        /// The share of cumulative sums over the points at which the row remains; 0 without competing events.
        func remaining(_ cumulative: [Double], width: Int = 1, _ index: Int = 0) -> Double {
            if remains.isEmpty { return 0 }
            let end = cumulative[remains.upperBound * width + index]
            return share * (end - cumulative[remains.lowerBound * width + index])
        }
    }

    private let event: [Bool]
    private let weight: [Double]?
    private let offset: [Double]?
    private let presence: [Presence]
    private let pointCount: Int
    /// Points at which the sums without those who leave are wanted too.
    private let tiedPoints: [Int]
    /// G at each point; nil without competing events.
    private let shares: [Double]?
    /// Row-major.
    private let covariates: [Double]
    private let parameterCount: Int

    private var rowCount: Int { event.count }

    /// Throws `notOnGrid` if the grid lacks a death of these rows, or a stratum.
    ///
    /// `ties` is that of the hazard increments: Efron's need the sums without those who leave at tied points, Breslow's none.
    /// On a grid with a censoring curve, `competing` says which rows ended in a competing event.
    package init(
        data: SurvivalData, grid: EventGrid, ties: Ties, competing: [Bool]? = nil
    ) throws(SurvivalDataError) {
        var (places, offset) = ([StratumPlaces](), 0)
        for stratum in grid.strata {
            places.append(StratumPlaces(stratum, offset: offset))
            offset += stratum.times.count
        }
        var presence: [Presence] = []
        for row in 0..<data.rowCount {
            let stratum = Int(data.stratum?[row] ?? 0)
            guard stratum < places.count else { throw .notOnGrid }
            guard let censoring = grid.censoring, competing?[row] == true else {
                presence.append(
                    try places[stratum].presence(
                        entry: data.entry?[row], exit: data.exit[row], event: data.event[row]))
                continue
            }
            presence.append(
                places[stratum].presence(entry: data.entry?[row], competing: data.exit[row], censoring))
        }
        var covariates = Array(repeating: 0.0, count: data.rowCount * data.columnCount)
        for (index, column) in data.columns.enumerated() {
            for row in column.indices { covariates[row * data.columnCount + index] = column[row] }
        }
        (event, weight, self.offset) = (data.event, data.weight, data.offset)
        (self.presence, pointCount, parameterCount) = (presence, offset, data.columnCount)
        tiedPoints = grid.tiedPoints(ties)
        shares = grid.censoringShares()
        self.covariates = covariates
    }

    /// One stratum's part of the grid.
    private struct StratumPlaces {
        let ends: TimeGrid
        let starts: TimeGrid?
        let offset: Int

        init(_ stratum: EventGrid.Stratum, offset: Int) {
            (ends, starts) = (TimeGrid(stratum.times), stratum.starts.map(TimeGrid.init))
            self.offset = offset
        }

        func presence(entry: Double?, exit: Double, event: Bool) throws(SurvivalDataError) -> Presence {
            let first = entry.map { ends.index(after: $0) } ?? 0
            let leaves = leavingPoint(exit: exit, event: event).flatMap { $0 >= first ? $0 : nil }
            if event && leaves == nil { throw .notOnGrid }
            let stays = leaves ?? (starts == nil ? ends.index(after: exit) : ends.index(atOrAfter: exit))
            return Presence(
                first: offset + first, stays: offset + max(first, stays), leaves: leaves.map { offset + $0 })
        }

        /// Of a row that ends in a competing event: at risk through it, and with the weight G(t−)/G(exit−) from then on.
        func presence(entry: Double?, competing exit: Double, _ censoring: CensoringCurve) -> Presence {
            let first = entry.map { ends.index(after: $0) } ?? 0
            let own = leavingPoint(exit: exit, event: true).map { $0 + 1 }
            let stays = max(first, own ?? ends.index(atOrAfter: exit))
            let share = censoring.before(exit)
            return Presence(
                first: offset + first, stays: offset + stays, leaves: nil,
                remains: (offset + stays)..<(offset + ends.times.count), share: share > 0 ? 1 / share : 0)
        }

        private func leavingPoint(exit: Double, event: Bool) -> Int? {
            guard let starts else { return event ? ends.index(of: exit) : nil }
            let interval = ends.index(atOrAfter: exit)
            // Interval k is open at its start: an exit there, or in a gap before it, is not in it.
            return interval < ends.times.count && starts.index(atOrAfter: exit) > interval ? interval : nil
        }
    }

    /// Σ δwx (p numbers), then Σ δw·offset: the only sums that need no grid.
    package static func eventSums(of data: SurvivalData) -> [Double] {
        let deaths = data.event.indices.filter { data.event[$0] }
        let columns = data.columns + [data.offset ?? []]
        return columns.map { column in
            column.isEmpty ? 0 : deaths.reduce(0) { $0 + (data.weight?[$1] ?? 1) * column[$1] }
        }
    }

    /// Σ δwg x (p numbers), with g the number that `factors` has for the point of the death.
    package func eventSums(weightedBy factors: [Double]) -> [Double] {
        precondition(factors.count == pointCount, "a factor for each point")
        var sums = Array(repeating: 0.0, count: parameterCount)
        for row in 0..<rowCount where event[row] {
            guard let point = presence[row].leaves else { continue }
            let weight = (self.weight?[row] ?? 1) * factors[point]
            for index in sums.indices { sums[index] += weight * covariates[row * parameterCount + index] }
        }
        return sums
    }

    /// S₀⁺ at the K points (everyone at risk), strata in order, then S₀⁻ (without those who leave) at the tied ones.
    ///
    /// Throws `riskOutOfRange` if exp(xβ + offset) overflows; it is not shifted, since a shift would have to be common to all sites.
    package func riskSums(at beta: [Double]) throws(SurvivalDataError) -> [Double] {
        let risks = try risks(at: beta)
        return sumsOverRiskSets(width: 1) { row, _ in risks[row] }
    }

    /// S₁⁺ = Σ w·exp(xβ + offset)·x over the same sets, point by point, then S₁⁻: p numbers for each set.
    package func covariateRiskSums(at beta: [Double]) throws(SurvivalDataError) -> [Double] {
        let risks = try risks(at: beta)
        return sumsOverRiskSets(width: parameterCount) { row, index in
            risks[row] * covariates[row * parameterCount + index]
        }
    }

    /// Xᵀg (p numbers), then XᵀGX as a packed upper triangle, with gᵢ = w·exp(xβ + offset)·Λᵢ.
    ///
    /// Λᵢ is the sum of the hazard increments over the points at which row i is at risk.
    package func gram(at beta: [Double], hazard: HazardIncrements) throws(SurvivalDataError) -> [Double] {
        precondition(hazard.survivor.count == pointCount, "hazard increments of another grid")
        let risks = try risks(at: beta)
        var cumulative = [0.0]
        for increment in hazard.survivor { cumulative.append(cumulative[cumulative.count - 1] + increment) }
        let weighted = Self.cumulative(hazard.survivor, times: shares, width: 1)
        var sums = Array(repeating: 0.0, count: parameterCount)
        var triangle = SymmetricMatrix(order: parameterCount).packedUpper
        triangle.withUnsafeMutableBufferPointer { triangle in
            covariates.withUnsafeBufferPointer { x in
                for (row, place) in presence.enumerated() {
                    let stayed = cumulative[place.stays] - cumulative[place.first]
                    let left = place.leaves.map { hazard.leaver[$0] } ?? 0
                    let factor = risks[row] * (stayed + left + place.remaining(weighted))
                    if factor == 0 { continue }
                    let first = row * parameterCount
                    for index in 0..<parameterCount { sums[index] += factor * x[first + index] }
                    addOuterProduct(
                        factor, of: .init(rebasing: x[first..<first + parameterCount]), to: triangle)
                }
            }
        }
        return sums + triangle
    }

    /// The score residual of each row, times its weight: what its own existence adds to the score.
    ///
    /// Uᵢ = wδ(x − ā) − r Σ h(x − a), the sum over the points at which row i is at risk; for tied deaths by the Efron mixture
    /// (Therneau and Grambsch, Modeling Survival Data, 2000, 4.4). Rows of one site add up to its part of the score.
    package func scoreResiduals(
        at beta: [Double], hazard: HazardIncrements, means: MeanIncrements
    ) throws(SurvivalDataError) -> ScoreResiduals {
        precondition(hazard.survivor.count == pointCount, "hazard increments of another grid")
        let (risks, count) = (try risks(at: beta), parameterCount)
        let hazards = Self.cumulative(hazard.survivor, width: 1)
        let drifts = Self.cumulative(means.survivor, width: count)
        let weightedHazards = Self.cumulative(hazard.survivor, times: shares, width: 1)
        let weightedDrifts = Self.cumulative(means.survivor, times: shares, width: count)
        var residuals = Array(repeating: 0.0, count: rowCount * count)
        for (row, place) in presence.enumerated() {
            let left = place.leaves.map { hazard.leaver[$0] } ?? 0
            let passed =
                hazards[place.stays] - hazards[place.first] + left + place.remaining(weightedHazards)
            let weight = event[row] ? self.weight?[row] ?? 1 : 0
            for index in 0..<count {
                let x = covariates[row * count + index]
                var drift = drifts[place.stays * count + index] - drifts[place.first * count + index]
                var own = 0.0
                drift += place.remaining(weightedDrifts, width: count, index)
                if let point = place.leaves {
                    drift += means.leaver[point * count + index]
                    own = weight * (x - means.death[point * count + index])
                }
                residuals[row * count + index] = own - risks[row] * (passed * x - drift)
            }
        }
        return ScoreResiduals(values: residuals, parameterCount: count)
    }

    /// Sums before each of K points and after the last of the increments times a share at each point; empty without shares.
    private static func cumulative(_ increments: [Double], times shares: [Double]?, width: Int) -> [Double] {
        guard let shares else { return [] }
        return cumulative(increments.indices.map { increments[$0] * shares[$0 / width] }, width: width)
    }

    /// The events expected of each row (its event less its martingale residual), whatever its weight.
    ///
    /// r/w Σ h over the points at which the row is at risk; for tied deaths by the Efron mixture.
    package func expectedEvents(
        at beta: [Double], hazard: HazardIncrements
    ) throws(SurvivalDataError) -> [Double] {
        precondition(hazard.survivor.count == pointCount, "hazard increments of another grid")
        let risks = try risks(at: beta)
        let hazards = Self.cumulative(hazard.survivor, width: 1)
        return presence.enumerated().map { row, place in
            let left = place.leaves.map { hazard.leaver[$0] } ?? 0
            return risks[row] / (weight?[row] ?? 1)
                * (hazards[place.stays] - hazards[place.first] + left)
        }
    }

    /// The Schoenfeld residual of each event times its weight: w(x − ā), p numbers a row, 0 for rows without event.
    package func schoenfeldResiduals(means: MeanIncrements) -> [Double] {
        var residuals = Array(repeating: 0.0, count: rowCount * parameterCount)
        for row in 0..<rowCount where event[row] {
            guard let point = presence[row].leaves else { continue }
            for index in 0..<parameterCount {
                let deviation =
                    covariates[row * parameterCount + index] - means.death[point * parameterCount + index]
                residuals[row * parameterCount + index] = (weight?[row] ?? 1) * deviation
            }
        }
        return residuals
    }

    /// Sums before each of K points and after the last, of `width` numbers each.
    private static func cumulative(_ increments: [Double], width: Int) -> [Double] {
        var sums = Array(repeating: 0.0, count: increments.count + width)
        for cell in increments.indices { sums[cell + width] = sums[cell] + increments[cell] }
        return sums
    }

    /// w·exp(xβ + offset).
    private func risks(at beta: [Double]) throws(SurvivalDataError) -> [Double] {
        precondition(beta.count == parameterCount, "one coefficient per covariate")
        var risks = Array(repeating: 0.0, count: rowCount)
        for row in risks.indices {
            var predictor = offset?[row] ?? 0
            for index in 0..<parameterCount {
                predictor += covariates[row * parameterCount + index] * beta[index]
            }
            risks[row] = (weight?[row] ?? 1) * Elementary.exponential(predictor)
        }
        guard risks.allSatisfy(\.isFinite) else { throw .riskOutOfRange }
        return risks
    }

    /// Sums of `width` numbers per row over the K risk sets with those who leave, then over those without at tied points.
    ///
    /// Accumulated from the last point back, so that without late entry nothing is taken away within a stratum.
    private func sumsOverRiskSets(width: Int, of term: (_ row: Int, _ index: Int) -> Double) -> [Double] {
        let none = Array(repeating: 0.0, count: pointCount + 1)
        var sums = Array(repeating: 0.0, count: (pointCount + tiedPoints.count) * width)
        for index in 0..<width {
            var (staying, entering, leaving) = (none, none, none)
            for (row, place) in presence.enumerated() {
                let value = term(row, index)
                if place.first < place.stays {
                    staying[place.stays] += value
                    entering[place.first] += value
                }
                if let point = place.leaves { leaving[point] += value }
            }
            var (present, ties) = (CompensatedSum(), tiedPoints[...])
            for point in (0..<pointCount).reversed() {
                present += staying[point + 1]
                if ties.last == point {
                    ties.removeLast()
                    sums[(pointCount + ties.count) * width + index] = present.value
                }
                sums[point * width + index] = present.value + leaving[point]
                present -= entering[point]
            }
            addRemaining(to: &sums, width: width, index: index, term)
        }
        return sums
    }

    /// Adds those who had a competing event to the risk sets of the later points of their stratum.
    private func addRemaining(
        to sums: inout [Double], width: Int, index: Int, _ term: (_ row: Int, _ index: Int) -> Double
    ) {
        guard let shares else { return }
        var changes = Array(repeating: CompensatedSum(), count: pointCount + 1)
        for (row, place) in presence.enumerated() where !place.remains.isEmpty {
            let value = term(row, index) * place.share
            changes[place.remains.lowerBound] += value
            changes[place.remains.upperBound] -= value
        }
        var (present, ties) = (CompensatedSum(), tiedPoints[...])
        for point in 0..<pointCount {
            present += changes[point].value
            let remaining = present.value * shares[point]
            sums[point * width + index] += remaining
            guard ties.first == point else { continue }
            let place = pointCount + tiedPoints.count - ties.count
            sums[place * width + index] += remaining
            ties.removeFirst()
        }
    }
}

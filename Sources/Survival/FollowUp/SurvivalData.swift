/// The rows and columns of one survival analysis at one site: times, events, covariates.
///
/// A row is at risk in (entry, exit]; without `entry`, from the beginning. Weights are positive, 1 if there are none; the
/// offset is added to the linear predictor. `stratum` is any index ≥ 0, agreed between sites. There may be no row at all.
///
/// Times that differ by rounding only are made equal when the value is made (see `TiedTimes`), unless told otherwise.
/// Deliberately not `Codable`: rows have no way onto the wire.
package struct SurvivalData: Sendable {
    package let entry: [Double]?
    package let exit: [Double]
    package let event: [Bool]
    package let weight: [Double]?
    package let offset: [Double]?
    package let stratum: [Int32]?
    /// One array for each covariate, `rowCount` numbers each.
    package let columns: [[Double]]

    package var rowCount: Int { exit.count }
    package var columnCount: Int { columns.count }

    package init(
        entry: [Double]?, exit: [Double], event: [Bool], weight: [Double]?, offset: [Double]?,
        stratum: [Int32]?,
        columns: [[Double]]
    ) throws(SurvivalDataError) {
        try self.init(
            entry: entry, exit: exit, event: event, weight: weight, offset: offset, stratum: stratum,
            columns: columns, mergesNearTies: true)
    }

    /// As above; `mergesNearTies: false` takes the times as they are, R's `timefix = FALSE`.
    package init(
        entry: [Double]?, exit: [Double], event: [Bool], weight: [Double]?, offset: [Double]?,
        stratum: [Int32]?,
        columns: [[Double]], mergesNearTies: Bool
    ) throws(SurvivalDataError) {
        let counts = [entry?.count, event.count, weight?.count, offset?.count, stratum?.count].compactMap(
            \.self)
        guard (counts + columns.map(\.count)).allSatisfy({ $0 == exit.count }) else { throw .lengthsDiffer }
        try Self.check(
            entry: entry, exit: exit, weight: weight, offset: offset, stratum: stratum, columns: columns)
        (self.entry, self.exit) =
            mergesNearTies ? try Self.tied(entry: entry, exit: exit, meanTime: nil) : (entry, exit)
        (self.event, self.weight, self.offset) = (event, weight, offset)
        (self.stratum, self.columns) = (stratum, columns)
    }

    /// The same rows with times made equal that differ by rounding only, `meanTime` being the mean size of times at all sites.
    ///
    /// Times are compared within strata, so that it does not matter which other rows are at the same site. Without a mean, as R
    /// does with these rows alone.
    package func tied(meanTime: Double?) throws(SurvivalDataError) -> SurvivalData {
        guard let meanTime, let stratum else {
            return SurvivalData(self, times: try Self.tied(entry: entry, exit: exit, meanTime: meanTime))
        }
        var (entries, exits) = (entry, exit)
        for rows in Dictionary(grouping: exit.indices, by: { stratum[$0] }).values {
            let times = try Self.tied(
                entry: entry.map { entry in rows.map { entry[$0] } }, exit: rows.map { exit[$0] },
                meanTime: meanTime)
            for (place, row) in rows.enumerated() {
                exits[row] = times.exit[place]
                if let entry = times.entry { entries?[row] = entry[place] }
            }
        }
        return SurvivalData(self, times: (entries, exits))
    }

    private static func tied(
        entry: [Double]?, exit: [Double], meanTime: Double?
    ) throws(SurvivalDataError) -> (entry: [Double]?, exit: [Double]) {
        let tied = TiedTimes(merging: exit + (entry ?? []), mean: meanTime)
        let merged = (entry: entry?.map(tied.callAsFunction), exit: exit.map(tied.callAsFunction))
        if let entry = merged.entry, zip(entry, merged.exit).contains(where: { $0 >= $1 }) {
            throw .intervalWithinRounding
        }
        return merged
    }

    private static func check(
        entry: [Double]?, exit: [Double], weight: [Double]?, offset: [Double]?, stratum: [Int32]?,
        columns: [[Double]]
    ) throws(SurvivalDataError) {
        func isFinite(_ values: [Double]?) -> Bool { values?.allSatisfy(\.isFinite) ?? true }
        guard isFinite(exit), isFinite(entry) else { throw .notFinite(what: "a time") }
        guard isFinite(offset) else { throw .notFinite(what: "an offset") }
        for (index, column) in columns.enumerated() where !isFinite(column) {
            throw .notFinite(what: "a value of covariate \(index + 1)")
        }
        if let entry, zip(entry, exit).contains(where: { $0 >= $1 }) { throw .entryNotBeforeExit }
        if let weight, !weight.allSatisfy({ $0 > 0 && $0.isFinite }) { throw .weightNotPositive }
        if let stratum, stratum.contains(where: { $0 < 0 }) { throw .stratumNegative }
    }

    /// The same rows with (x − center)/scale in place of x, column by column; a scale of 0 counts as 1.
    ///
    /// `offsetCenter` is taken off every offset, which is 0 where there is none. It changes no coefficient, and keeps exp(xβ + offset) within range where sites
    /// share a baseline; all sites must take off the same.
    package func rescaled(center: [Double], scale: [Double], offsetCenter: Double = 0) -> SurvivalData {
        precondition(
            center.count == columnCount && scale.count == columnCount, "a center and a scale per column")
        let offset = offset ?? (offsetCenter == 0 ? nil : exit.map { _ in 0 })
        return SurvivalData(
            self, offset: offset?.map { $0 - offsetCenter },
            columns: columns.indices.map { index in
                let divisor = scale[index] == 0 ? 1 : scale[index]
                return columns[index].map { ($0 - center[index]) / divisor }
            })
    }

    /// xβ + offset of each row.
    package func linearPredictor(at beta: [Double]) -> [Double] {
        var predictor = offset ?? Array(repeating: 0, count: rowCount)
        for (column, coefficient) in zip(columns, beta) where coefficient != 0 {
            for row in predictor.indices { predictor[row] += column[row] * coefficient }
        }
        return predictor
    }

    /// The same rows with `amount` taken off every linear predictor.
    func shifted(by amount: Double) -> SurvivalData {
        SurvivalData(
            self, offset: (offset ?? Array(repeating: 0, count: rowCount)).map { $0 - amount },
            columns: columns)
    }

    private init(_ other: SurvivalData, times: (entry: [Double]?, exit: [Double])) {
        (self.entry, self.exit, self.event) = (times.entry, times.exit, other.event)
        (self.weight, self.offset, self.stratum) = (other.weight, other.offset, other.stratum)
        self.columns = other.columns
    }

    private init(_ other: SurvivalData, offset: [Double]?, columns: [[Double]]) {
        (self.entry, self.exit, self.event) = (other.entry, other.exit, other.event)
        (self.weight, self.offset, self.stratum) = (other.weight, offset, other.stratum)
        self.columns = columns
    }
}

/// Why rows cannot be analysed; names no value of any row.
package enum SurvivalDataError: Error, Hashable, Sendable, CustomStringConvertible {
    case lengthsDiffer
    case notFinite(what: String)
    case entryNotBeforeExit
    case intervalWithinRounding
    case weightNotPositive
    case stratumNegative
    /// exp(x·β + offset) left the range of the numbers.
    case riskOutOfRange
    /// A death at a time that the common grid does not have, or a stratum that it does not have.
    case notOnGrid

    package var description: String {
        switch self {
        case .lengthsDiffer:
            "the columns of the analysis differ in length; give every column one value per row"
        case .notFinite(let what): "\(what) is missing or infinite; leave incomplete rows out first"
        case .entryNotBeforeExit: "a row enters at or after its exit; leave such rows out first"
        case .intervalWithinRounding:
            "a row's entry and exit differ by rounding only (less than 1.5e-8, or that part of the mean time); check the unit of the times"
        case .weightNotPositive: "a case weight is zero, negative or infinite; weights must be positive"
        case .stratumNegative: "a stratum has a negative index; number the strata from 0"
        case .riskOutOfRange:
            "the risk score e^(x*beta + offset) is out of range for some row; check the scale of covariates and offset"
        case .notOnGrid:
            "a death falls outside the agreed time grid; check that times are in the study's unit and resolution"
        }
    }
}

/// Between which values a curve's number lies whatever the exact times within the intervals of a grid are.
struct GridExtremes: Sendable, Hashable {
    var lowest: Double
    var highest: Double

    var bounds: Bounds { Bounds(lowest: Reported(lowest), highest: Reported(highest)) }

    /// Of a number that changes one way between two points where it lies between these.
    func joined(_ other: GridExtremes) -> GridExtremes {
        GridExtremes(lowest: min(lowest, other.lowest), highest: max(highest, other.highest))
    }
}

/// What exact times could at most make of survival and cumulative hazard at the ends of a grid's intervals.
///
/// Survival is highest if all events of an interval come before those who leave without one, and lowest if they come after;
/// the hazard is lowest if moreover all die at one time, and highest if they die one after the other.
struct CurveExtremes {
    private(set) var survival = GridExtremes(lowest: 1, highest: 1)
    private(set) var hazard = GridExtremes(lowest: 0, highest: 0)
    private let estimate: CurveEstimate

    init(_ estimate: CurveEstimate) { self.estimate = estimate }

    /// Takes the counts of the next interval.
    mutating func pass(_ interval: GridInterval, atRisk: Double, events: Double, censored: Double) {
        guard events > 0 else { return }
        let (least, isUntied) = (
            interval.isPoint ? atRisk : atRisk - censored, estimate == .flemingHarrington
        )
        let late = interval.hazardIncrement(events, of: least, isUntied: isUntied || !interval.isPoint).0
        let early =
            isUntied ? interval.hazardIncrement(events, of: atRisk, isUntied: true).0 : events / atRisk
        hazard = GridExtremes(lowest: hazard.lowest + early, highest: hazard.highest + late)
        if estimate == .kaplanMeier {
            survival.lowest *= max(0, 1 - events / least)
            survival.highest *= max(0, 1 - events / atRisk)
        } else {
            survival = GridExtremes(
                lowest: Elementary.exponential(-hazard.highest),
                highest: Elementary.exponential(-hazard.lowest))
        }
    }
}

extension GridInterval {
    /// At how many times so many events are.
    func parts(of events: Double, isUntied: Bool = false) -> Int {
        let count = max(1, Int(events.rounded()))
        return isUntied ? count : min(count, places ?? count)
    }

    /// Increment and variance of the cumulative hazard: d events, spread evenly over the interval's places, out of n.
    ///
    /// `isUntied`: one after the other even where they share a place, as Fleming and Harrington count.
    func hazardIncrement(_ events: Double, of exposed: Double, isUntied: Bool) -> (Double, variance: Double) {
        guard events > 0 else { return (0, 0) }
        let count = parts(of: events, isUntied: isUntied)
        let part = events / Double(count)
        return (0..<count).reduce((0, 0)) { sums, index in
            let left = exposed - Double(index) * part
            return (sums.0 + part / left, sums.1 + part / (left * left))
        }
    }
}

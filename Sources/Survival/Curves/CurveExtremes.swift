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

/// What exact times could at most make of the incidence of one cause at the ends of a grid's intervals.
///
/// Everyone at risk stands for the same part of all people; who leaves without an event leaves that part to those who are still
/// there (Efron 1967), and an event of the cause adds its part to the incidence. A censoring hence does most for the cause if the
/// cause's own events come after it, and if few are left to share, that is after the events of other causes; and this holds for
/// all later intervals too, since no more can be made of a part than to have the event with it. So the incidence is highest if
/// within each interval the other causes come first, then the censorings, then the cause itself, and lowest in the reverse order.
struct IncidenceExtremes {
    private(set) var incidence = GridExtremes(lowest: 0, highest: 0)
    /// In the order of either extreme: the part that each one at risk stands for, divided by that of everyone at the beginning.
    private var growth = GridExtremes(lowest: 1, highest: 1)
    /// Everyone at the beginning.
    private var all: Double?

    /// Takes the counts of the next interval.
    mutating func pass(
        _ interval: GridInterval, atRisk: Double, own: Double, others: Double, censored: Double
    ) {
        let all = self.all ?? atRisk
        self.all = all
        guard !interval.isPoint else {
            // Events come before the censorings of the same time.
            incidence.lowest += growth.lowest * own / all
            incidence.highest = min(1, incidence.highest + growth.highest * own / all)
            let share = Self.share(of: censored, among: atRisk - own - others)
            growth = GridExtremes(lowest: growth.lowest * share, highest: growth.highest * share)
            return
        }
        incidence.lowest += growth.lowest * own / all
        growth.lowest *= Self.share(of: censored, among: atRisk - own)
        growth.highest *= Self.share(of: censored, among: atRisk - others)
        incidence.highest = min(1, incidence.highest + growth.highest * own / all)
    }

    /// By what the part of each of those who stay grows; where none of them stays, nothing is left to grow.
    private static func share(of censored: Double, among present: Double) -> Double {
        // Differences of sums of weights may leave a rounding error of nobody.
        present - censored > 1e-12 * present ? present / (present - censored) : 1
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

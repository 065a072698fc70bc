/// An interval of a public time grid: who leaves in it is known, and not when.
///
/// Its times are those after `start` up to `end`; of the first one also 0. What is read off between the two ends is
/// interpolated as if the hazard were constant in it (see `GridPath`). Half of those who leave without an event are at risk for the
/// events of the interval, as in a life table (Berkson and Gage 1950); more where few times are possible, since events come first.
package struct GridInterval: Sendable, Hashable {
    package let start: Double
    package let end: Double
    /// Whether someone may leave at its start: of the first interval, which has time 0.
    package let isClosed: Bool
    /// At how many times after its start somebody can leave, by the resolution of the times; nil: at any time.
    package let places: Int?

    /// More places than this are as good as any time.
    private static let placesMax = 1000

    /// `resolution` is that of the recorded times, which count from `origin` before 0.
    package init(
        start: Double, end: Double, isClosed: Bool = false, resolution: Double? = nil, origin: Double = 0
    ) {
        (self.start, self.end, self.isClosed) = (max(0, start), end, isClosed)
        guard let resolution, (end - self.start) / resolution < Double(Self.placesMax) else {
            places = nil
            return
        }
        func steps(_ time: Double) -> Double { ((time + origin) / resolution + 1e-6).rounded(.down) }
        places = max(1, Int(steps(end) - steps(self.start)))
    }

    package var width: Double { end - start }

    /// The part of those leaving without an event who are not at risk for the events.
    var absence: Double { places.map { Double($0 - 1) / Double(2 * $0) } ?? 0.5 }

    /// Whether all leave at one time, the end: then nothing is unknown.
    package var isPoint: Bool { places == 1 && !isClosed || width == 0 }

    /// The time between two places.
    private func spacing(_ places: Int) -> Double { width / Double(places) }

    /// The first time at which somebody can leave.
    var firstPlace: Double { isClosed ? start : places.map { start + spacing($0) } ?? start }

    /// Whether somebody may leave in it at or before a time.
    package func isBegun(by time: Double) -> Bool {
        isClosed && time >= start || share(at: time) > 0
    }

    /// Which part of the interval's places lie at or before a time.
    package func share(at time: Double) -> Double {
        if time >= end { return 1 }
        if time < start { return 0 }
        guard let places else { return (time - start) / width }
        return ((time - start) / spacing(places) + 1e-6).rounded(.down) / Double(places)
    }

    /// Which part of the places lie before a time.
    func shareBefore(_ time: Double) -> Double {
        let share = share(at: time)
        guard let places, share > 0 else { return share }
        let place = Int((share * Double(places)).rounded())
        return time - self.time(ofPlace: place) > 1e-6 * spacing(places)
            ? share : Double(place - 1) / Double(places)
    }

    /// The time by which a part of the places has passed.
    func time(ofShare share: Double) -> Double {
        guard let places else { return start + width * share }
        return time(ofPlace: Int((share * Double(places) - 1e-6).rounded(.up)))
    }

    /// The time of one of the places, counted from 1.
    func time(ofPlace place: Int) -> Double {
        guard let places, place < places else { return end }
        return start + Double(place) * spacing(places)
    }
}

/// How a probability goes from its value at an interval's start to that at its end: as under a constant hazard.
///
/// `ratio` is that of the probabilities of no event at the two ends. Where nobody is left (0) the way is straight.
struct GridPath: Sendable {
    private let interval: GridInterval
    /// The logarithm of the ratio; 0 for a straight way.
    private let slope: Double

    init(_ interval: GridInterval, ratio: Double) {
        (self.interval, slope) = (interval, ratio > 0 ? Elementary.logarithm(ratio) : 0)
    }

    /// The part of the way that is done when a part of the interval's places has passed.
    func progress(_ share: Double) -> Double {
        if share <= 0 || share >= 1 { return min(max(share, 0), 1) }
        return slope == 0
            ? share : Elementary.exponentialMinus1(share * slope) / Elementary.exponentialMinus1(slope)
    }

    func progress(at time: Double) -> Double { progress(interval.share(at: time)) }

    /// The share at which a part of the way is done.
    func share(ofProgress progress: Double) -> Double {
        if progress <= 0 || progress >= 1 { return min(max(progress, 0), 1) }
        return slope == 0
            ? progress : Elementary.logarithm1p(progress * Elementary.exponentialMinus1(slope)) / slope
    }

    /// The area under the progress from the interval's start to a time in it.
    func area(to time: Double) -> Double {
        let share = interval.share(at: time)
        guard let places = interval.places else { return interval.width * integral(share) }
        let reached = Int((share * Double(places)).rounded())
        guard reached > 0 else { return 0 }
        var (area, place) = (0.0, interval.time(ofPlace: 1))
        for index in 1..<reached {
            let next = interval.time(ofPlace: index + 1)
            area += progress(Double(index) / Double(places)) * (next - place)
            place = next
        }
        return area + progress(share) * max(0, min(time, interval.end) - place)
    }

    /// ∫ progress from 0 to a share: (e^{us} − 1 − us)/(s(e^s − 1)), s being the slope.
    private func integral(_ share: Double) -> Double {
        let height = share * slope
        guard abs(slope) > 1e-3 else {
            return share * share * (0.5 + height / 6 + height * height / 24)
                / (1 + slope / 2 + slope * slope / 6)
        }
        return (Elementary.exponentialMinus1(height) - height) / (slope * Elementary.exponentialMinus1(slope))
    }
}

import Survival

/// Positions on a follow-up axis, in the endpoint's unit.
///
/// Sums indexed by time have one lane a position. The axis is fixed by the dictionary (`resolution` and `range`) or by the
/// study's public grid: multiples of a step from 0, never the times that patients have. Only with exact times of which the
/// dictionary has no resolution, or of which some are negative, is it made of the times that were found by sums over cells (see
/// `TimeSearch`). A time belongs to the first position at or after it.
package struct TimeAxis: Hashable, Sendable {
    private enum Positions: Hashable, Sendable {
        case steps(Double)
        case found(FoundTimes)
    }

    private let positions: Positions
    /// Positions, the one before all exits (time 0) included.
    package let count: Int

    /// More positions than this make a vector too long to send.
    static let countMax = 200_000

    package init(step: Double, upper: Double) throws(StudyError) {
        guard step > 0, upper.isFinite, upper / step < Double(Self.countMax) else {
            throw .sums(
                "the time axis would have more than \(Self.countMax) steps; use a coarser grid or a smaller range in the dictionary"
            )
        }
        positions = .steps(step)
        count = Int((upper / step - Self.slack).rounded(.up)) + 1
    }

    /// The times at which someone leaves; position 0 is before all of them.
    package init(_ found: FoundTimes) {
        positions = .found(found)
        count = found.chains.count + 1
    }

    /// The width of a step; nil for found times.
    package var step: Double? {
        if case .steps(let step) = positions { step } else { nil }
    }

    /// The numbers that tell one axis of found times from another; empty for steps, which the study fixes.
    var context: [Double] {
        guard case .found(let found) = positions else { return [] }
        return found.chains.flatMap { [$0.lowerBound, $0.upperBound] }
    }

    /// A time this close (relative to the step) above a position belongs to it: a multiple of 0.1 is not exact in binary.
    private static let slack = 1e-6

    /// The first position at or after a time; times beyond the axis take its last position.
    package func position(of time: Double) -> Int {
        switch positions {
        case .steps(let step): clamped((time / step - Self.slack).rounded(.up))
        case .found(let found): min(found.index(atOrAfter: time) + 1, count - 1)
        }
    }

    /// The last position at or before a time: that of a delayed entry, which counts from the next position on.
    package func entryPosition(of time: Double) -> Int {
        switch positions {
        case .steps(let step): clamped((time / step + Self.slack).rounded(.down))
        case .found(let found): found.count(atOrBefore: time)
        }
    }

    /// Positions that lie before a time.
    package func positionCount(before time: Double) -> Int {
        switch positions {
        case .steps(let step): min(Int(max((time / step - Self.slack).rounded(.up), 0)), count)
        case .found(let found): found.index(atOrAfter: time) + 1
        }
    }

    private func clamped(_ steps: Double) -> Int { Int(min(max(steps, 0), Double(count - 1))) }

    /// The time of a position: the double nearest to the decimal value where the step has at most nine decimal places.
    package func time(at position: Int) -> Double {
        switch positions {
        case .steps(let step): step.multiplied(by: position)
        case .found(let found): found.time(at: position)
        }
    }
}

extension Double {
    /// A multiple of a step: the double nearest to the decimal value where the step has at most nine decimal places.
    func multiplied(by count: Int) -> Double {
        var denominator = 1.0
        while denominator <= 1e9 {
            let numerator = (self * denominator).rounded()
            if abs(self * denominator - numerator) < 1e-12 * numerator {
                return Double(count) * numerator / denominator
            }
            denominator *= 10
        }
        return Double(count) * self
    }
}

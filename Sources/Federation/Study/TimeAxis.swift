/// Positions on a follow-up axis, from 0: multiples of a step, in the endpoint's unit.
///
/// Sums indexed by time have one lane a position, so the axis is fixed by the dictionary (`resolution` and `range`) or by
/// the study's public grid, never by the times that patients have. A time belongs to the first position at or after it.
package struct TimeAxis: Hashable, Sendable {
    package var step: Double
    /// Positions, time 0 included.
    package var count: Int

    /// More positions than this make a vector too long to send.
    static let countMax = 200_000

    package init(step: Double, upper: Double) throws(StudyError) {
        guard step > 0, upper.isFinite, upper / step < Double(Self.countMax) else {
            throw .sums(
                "the time axis would have more than \(Self.countMax) steps; use a coarser grid or a smaller range in the dictionary"
            )
        }
        self.step = step
        count = Int((upper / step - Self.slack).rounded(.up)) + 1
    }

    /// A time this close (relative to the step) above a position belongs to it: a multiple of 0.1 is not exact in binary.
    private static let slack = 1e-6

    /// The first position at or after a time; times beyond the axis take its last position.
    package func position(of time: Double) -> Int { position((time / step - Self.slack).rounded(.up)) }

    /// The last position at or before a time: that of a delayed entry, which counts from the next position on.
    package func entryPosition(of time: Double) -> Int { position((time / step + Self.slack).rounded(.down)) }

    private func position(_ steps: Double) -> Int { Int(min(max(steps, 0), Double(count - 1))) }

    /// The time of a position: the double nearest to the decimal value where the step has at most nine decimal places.
    package func time(at position: Int) -> Double { step.multiplied(by: position) }
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

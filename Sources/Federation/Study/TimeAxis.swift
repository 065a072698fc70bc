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
                "a time axis to \(upper) in steps of \(step) is too long; use a coarser grid or a smaller range in the dictionary"
            )
        }
        self.step = step
        count = Int((upper / step - Self.slack).rounded(.up)) + 1
    }

    /// A time this close (relative to the step) above a position belongs to it: a multiple of 0.1 is not exact in binary.
    private static let slack = 1e-6

    /// The first position at or after a time; times beyond the axis take its last position.
    package func position(of time: Double) -> Int {
        min(max(Int((time / step - Self.slack).rounded(.up)), 0), count - 1)
    }

    /// The time of a position: the double nearest to the decimal value where the step is a unit fraction such as 0.1.
    package func time(at position: Int) -> Double {
        let perUnit = (1 / step).rounded()
        if step < 1, abs(perUnit * step - 1) < 1e-12 { return Double(position) / perUnit }
        return Double(position) * step
    }
}

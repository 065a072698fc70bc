/// Count, mean and sum of squares about the mean of a number in one group.
package struct GroupMoments: Hashable, Sendable {
    package var count: Double
    package var mean: Double
    package var squares: Double

    package init(count: Double, mean: Double, squares: Double) {
        (self.count, self.mean, self.squares) = (count, mean, max(squares, 0))
    }

    /// With n − 1; NaN for fewer than two.
    package var variance: Double { count > 1 ? squares / (count - 1) : .nan }

    package var standardDeviation: Double { variance.squareRoot() }

    /// Of all groups together; no number (NaN) of nobody.
    package static func pooled(_ groups: [GroupMoments]) -> GroupMoments {
        let groups = groups.filter { $0.count > 0 }
        let count = groups.reduce(0) { $0 + $1.count }
        // About one of the means, so that the mean of equal ones is theirs to the last digit.
        let origin = groups.first?.mean ?? 0
        let mean = origin + groups.reduce(0) { $0 + $1.count * ($1.mean - origin) } / count
        let squares = groups.reduce(0) {
            $0 + $1.squares + $1.count * ($1.mean - mean) * ($1.mean - mean)
        }
        return GroupMoments(count: count, mean: mean, squares: squares)
    }
}

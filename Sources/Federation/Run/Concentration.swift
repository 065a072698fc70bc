/// How much of a number's variation single people carry.
enum Concentration {
    /// The share of the sum of squares about the mean that the two people with the most of it have; 0 without variation.
    ///
    /// A formula can hide an indicator of one person in a number, as in `exp(-1e6*abs(age-53))`; then this is near 1.
    static func largestShare(of column: [Double], person: [Int32]) -> Double {
        let mean = column.reduce(0, +) / Double(max(column.count, 1))
        var squares = [Double](repeating: 0, count: Int(person.max() ?? -1) + 1)
        for (value, person) in zip(column, person) { squares[Int(person)] += (value - mean) * (value - mean) }
        let total = squares.reduce(0, +)
        guard total > 0 else { return 0 }
        var (first, second) = (0.0, 0.0)
        for square in squares where square > second {
            (first, second) = square > first ? (square, first) : (first, square)
        }
        return (first + second) / total
    }
}

/// A running sum that carries its rounding error along (Knuth's TwoSum), about twice double precision.
///
/// Needed where terms are taken away again (rows that enter late), and for log-likelihoods of many rows.
struct CompensatedSum: Sendable {
    private var high = 0.0
    private var low = 0.0

    var value: Double { high + low }

    /// What was added between two states of a sum, as exact as the sum itself.
    static func - (later: CompensatedSum, earlier: CompensatedSum) -> Double {
        (later.high - earlier.high) + (later.low - earlier.low)
    }

    static func += (sum: inout CompensatedSum, term: Double) {
        let total = sum.high + term
        let taken = total - sum.high
        sum.low += (sum.high - (total - taken)) + (term - taken)
        sum.high = total
    }

    static func -= (sum: inout CompensatedSum, term: Double) { sum += -term }
}

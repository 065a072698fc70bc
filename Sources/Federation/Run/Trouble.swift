/// Why a question has no answer, as all hospitals learn it: in the last lane of its answer, which counts hospitals.
///
/// The lane is summed like every other, so nobody learns whose rows were the reason. A hospital that cannot answer sends zeros
/// beside it. What exactly was wrong stands in its own log.
package struct Trouble: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// A risk score exp(xβ + offset) leaves the range of the numbers at these coefficients.
    package static let outOfRange = Trouble(rawValue: 1)
    /// A number is too large for fixed point.
    package static let tooLarge = Trouble(rawValue: 2)
    /// A row lies beyond a hospital's linear-predictor-max at these coefficients.
    package static let beyondLimit = Trouble(rawValue: 4)
    /// A hospital's rows do not fit the analysis.
    package static let unanswerable = Trouble(rawValue: 8)

    private static let all: [Trouble] = [.outOfRange, .tooLarge, .beyondLimit, .unanswerable]

    /// More hospitals than a session has.
    private static let base = 4096.0

    /// The lane of a hospital that has this trouble; 0 without any.
    var lane: Double {
        zip(Self.all, Self.units).reduce(0) { contains($1.0) ? $0 + $1.1 : $0 }
    }

    /// From the summed lane; a sum that no hospitals' lanes have counts as all troubles.
    init(summedLane sum: Double) {
        guard sum >= 0, sum < Self.base * Self.units[3], sum == sum.rounded() else {
            self = [.outOfRange, .tooLarge, .beyondLimit, .unanswerable]
            return
        }
        var (trouble, rest) = (Trouble(), sum)
        for (kind, unit) in zip(Self.all, Self.units).reversed() {
            let count = (rest / unit).rounded(.down)
            if count > 0 { trouble.insert(kind) }
            rest -= count * unit
        }
        self = trouble
    }

    private static let units = [1, base, base * base, base * base * base]

    /// What a reader of the result is told.
    package var reason: String {
        if contains(.unanswerable) {
            return "a hospital's rows do not fit this analysis; its own log says why"
        }
        if contains(.beyondLimit) {
            return
                "a row lies beyond a hospital's linear-predictor-max; check the scale of covariates, offset and weights"
        }
        if contains(.tooLarge) {
            return
                "a sum is too large to be sent; give the covariates, weights and offsets a range in the dictionary, or a smaller scale in the study's terms"
        }
        return
            "the risk score e^(x*beta + offset) is out of range for some row; check the scale of covariates and offset"
    }
}

/// The summed answer to one question: its numbers, or why there are none.
package struct Answer: Hashable, Sendable {
    package var numbers: [Double]
    var trouble: Trouble

    /// From all lanes of the question, the last of which is the trouble's.
    init(lanes: some Collection<Double>) {
        numbers = Array(lanes.dropLast())
        trouble =
            lanes.count > 0
            ? Trouble(summedLane: lanes[lanes.index(lanes.startIndex, offsetBy: lanes.count - 1)]) : []
    }

    /// Nil where the question could not be answered at these coefficients.
    var evaluated: [Double]? { trouble.isEmpty ? numbers : nil }
}

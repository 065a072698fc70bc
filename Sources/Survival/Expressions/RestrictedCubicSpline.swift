/// The restricted cubic spline of a number: cubic between its knots, linear beyond the first and the last.
///
/// With knots t₁ < … < t_k there are k − 1 columns: x itself, then for j = 1 … k − 2
///
///     [(x − t_j)₊³ − (x − t_{k−1})₊³ (t_k − t_j)/(t_k − t_{k−1}) + (x − t_k)₊³ (t_{k−1} − t_j)/(t_k − t_{k−1})] / (t_k − t₁)²
///
/// (Harrell, Regression Modeling Strategies, 2015, 2.4.5; R's `Hmisc::rcspline.eval(x, knots, inclx = TRUE, norm = 2)`).
struct RestrictedCubicSpline: Hashable, Sendable {
    /// Fewer make no curve; more are a column for each few patients.
    static let knotCounts = 3...10

    let knots: [Double]

    /// Ascending, at least three.
    init(knots: [Double]) {
        precondition(knots.count >= 3, "three knots or more")
        self.knots = knots
    }

    var columnCount: Int { knots.count - 1 }

    /// The value of a column, missing (NaN) where x is; column 0 is x.
    func value(of column: Int, at x: Double) -> Double {
        // Comparisons with a missing x are false, so that without this it would count as one before all knots.
        guard column > 0, !x.isNaN else { return x }
        let (a, b, c) = (knots[column - 1], knots[knots.count - 2], knots[knots.count - 1])
        let norm = (c - knots[0]) * (c - knots[0])
        // Beyond the last knot the cubes cancel; this is what they leave.
        if x >= c { return (c - a) * (b - a) * (3 * x - a - b - c) / norm }
        let rising = Self.cube(x - a)
        return (x <= b ? rising : rising - Self.cube(x - b) * (c - a) / (c - b)) / norm
    }

    private static func cube(_ difference: Double) -> Double {
        difference > 0 ? difference * difference * difference : 0
    }

    /// Each column rises with x, so that its ends are those of x.
    func bounds(of column: Int, over bounds: ClosedRange<Double>) -> ClosedRange<Double> {
        let (lower, upper) = (
            value(of: column, at: bounds.lowerBound), value(of: column, at: bounds.upperBound)
        )
        return lower...max(lower, upper)
    }
}

extension Expression {
    /// The number behind `rcs(x, 40, 50, 60)` and its knots; nil for any other expression.
    var spline: (argument: Expression, knots: [Double])? {
        guard case .spline(let argument, let knots) = syntax.form else { return nil }
        return (Expression(syntax: argument), knots)
    }
}

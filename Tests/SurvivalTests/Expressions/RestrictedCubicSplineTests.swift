import Testing

@testable import Survival

/// The columns of a restricted cubic spline.
struct RestrictedCubicSplineTests {
    private let spline = RestrictedCubicSpline(knots: [45, 58, 66, 75])

    /// The formula as Harrell writes it, with its cancelling cubes.
    private func written(_ column: Int, _ x: Double) -> Double {
        let k = spline.knots
        func cube(_ t: Double) -> Double { x > t ? (x - t) * (x - t) * (x - t) : 0 }
        return
            (cube(k[column - 1]) - cube(66) * (75 - k[column - 1]) / (75 - 66)
            + cube(75) * (66 - k[column - 1]) / (75 - 66)) / (30 * 30)
    }

    @Test func `columns are the written-out formula`() {
        for x in [18, 45, 45.1, 50, 58, 61.7, 66, 70, 75, 75.5, 80, 110] {
            #expect(spline.value(of: 0, at: x) == x)
            for column in 1...2 {
                let (got, want) = (spline.value(of: column, at: x), written(column, x))
                #expect(abs(got - want) <= 1e-12 * max(abs(want), 1), "column \(column) at \(x)")
            }
        }
        #expect(spline.columnCount == 3)
    }

    /// From the formula at x = 75 and 76: (c - a)(b - a)(2c - a - b)/900 and the same plus 3(c - a)(b - a)/900.
    @Test func `beyond the last knot a column is a straight line, before its own it is 0`() {
        #expect(spline.value(of: 1, at: 75) == 30 * 21 * (150 - 45 - 66) / 900.0)
        #expect(abs(spline.value(of: 1, at: 76) - spline.value(of: 1, at: 75) - 2.1) < 1e-12)
        #expect(spline.value(of: 2, at: 58) == 0 && spline.value(of: 2, at: 58.001) > 0)
    }

    @Test func `bounds hold for every value between, and stay infinite where x has none`() {
        let bounds = spline.bounds(of: 2, over: 18...110)
        for x in stride(from: 18.0, through: 110, by: 0.37) {
            #expect(bounds.contains(spline.value(of: 2, at: x)))
        }
        #expect(bounds.lowerBound == 0 && bounds.upperBound == spline.value(of: 2, at: 110))
        #expect(spline.bounds(of: 1, over: -.infinity ... .infinity).upperBound == .infinity)
    }
}

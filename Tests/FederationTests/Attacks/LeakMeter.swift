import Foundation
import Survival

@testable import Federation

/// Counts the patients whose covariates follow exactly from what a coordinator has stored of a study.
///
/// It holds the sums over all hospitals and nothing of one hospital. Between two neighbouring risk sets S₀ and S₁ differ by
/// those who leave: Δ₀ = Σ exp(xβ), Δ₁ = Σ x·exp(xβ). If one leaves, x = Δ₁/Δ₀; if two, a search over the values that
/// the dictionary allows finds them (Δ₀ and Δ₁ as a subset sum).
struct LeakMeter {
    /// Rows found where one patient leaves, and where two do; the covariates in the study's own units.
    private(set) var alone: [[Double]] = []
    private(set) var inPairs: [[Double]] = []
    private(set) var sumCount = 0
    /// Every row that the dictionary allows.
    private let candidates: [[Double]]
    private var riskSums: [[Double]: [Double]] = [:]

    init(candidates: [[Double]]) { self.candidates = candidates }

    /// Takes a query and the numbers of its summed answer, as they stand in a stored transcript.
    ///
    /// The powers of two by which sums over risk sets are multiplied stand in the query: they hide nothing.
    mutating func read(_ query: Query, sum: [Double]) {
        sumCount += sum.count
        switch query.question {
        case let question as RiskSumsQuestion:
            riskSums[question.point.beta] = question.point.coordinates.scaled(sum, width: 1, undone: true)
        case let question as CovariateRiskSumsQuestion:
            let (coordinates, beta, grid) = (question.point.coordinates, question.point.beta, question.grid)
            guard let risks = riskSums[beta] else { return }
            (alone, inPairs) = ([], [])
            let sums = coordinates.scaled(sum, width: beta.count, undone: true)
            search(risks, sums, coordinates, beta, tied: grid.tiedPoints(.efron), points: grid.pointCount)
        default: return
        }
    }

    /// The sums are those of everyone at risk at each point, then of those who stay at each tied point.
    private mutating func search(
        _ risks: [Double], _ sums: [Double], _ coordinates: Coordinates, _ beta: [Double],
        tied: [Int], points: Int
    ) {
        let width = beta.count
        func first(_ place: Int) -> [Double] { Array(sums[(place * width)..<((place + 1) * width)]) }
        for point in 0..<points {
            // With those who leave at a point, without them if they are several, and at the next point.
            var places = [point]
            if let place = tied.firstIndex(of: point) { places.append(points + place) }
            if point + 1 < points { places.append(point + 1) }
            for (larger, smaller) in zip(places, places.dropFirst()) {
                let zeroth = risks[larger] - risks[smaller]
                let leaving = zip(first(larger), first(smaller)).map { $0 - $1 }
                take(Leaving(zeroth: zeroth, first: leaving), coordinates, beta)
            }
        }
    }

    private struct Leaving {
        var zeroth: Double
        var first: [Double]
    }

    private mutating func take(_ leaving: Leaving, _ coordinates: Coordinates, _ beta: [Double]) {
        func row(_ leaving: Leaving) -> [Double]? {
            guard leaving.zeroth > 1e-9 else { return nil }
            let x = leaving.first.map { $0 / leaving.zeroth }
            let weight = exp(zip(x, beta).reduce(0) { $0 + $1.0 * $1.1 })
            let raw = x.indices.map { x[$0] * coordinates.scale[$0] + coordinates.center[$0] }
            let whole = raw.map { $0.rounded() }
            // One patient's covariates are whole numbers and have just this weight; a mean of several has less.
            guard abs(weight / leaving.zeroth - 1) < 1e-7, zip(raw, whole).allSatisfy({ abs($0 - $1) < 1e-5 })
            else { return nil }
            return whole
        }
        if let one = row(leaving) { return alone.append(one) }
        var pairs: Set<Set<[Double]>> = []
        for candidate in candidates {
            let x = candidate.indices.map {
                (candidate[$0] - coordinates.center[$0]) / coordinates.scale[$0]
            }
            let weight = exp(zip(x, beta).reduce(0) { $0 + $1.0 * $1.1 })
            let rest = Leaving(
                zeroth: leaving.zeroth - weight, first: zip(leaving.first, x).map { $0 - weight * $1 })
            if let other = row(rest) { pairs.insert([candidate, other]) }
        }
        if pairs.count == 1, let pair = pairs.first { inPairs += pair }
    }
}

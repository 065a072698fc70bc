import Foundation

@testable import Survival

/// The partial likelihood as the textbook writes it, a slow and independent second opinion on the kernel.
///
/// At each death time, sums over everyone at risk (S) and over the deaths (E); then S − (l/d)E for l = 0 … d
/// − 1. No sorting, no running sums, no Gram matrix.
enum WrittenOutLikelihood {
    private struct Moments {
        var sum = 0.0
        var products: [Double]
        var squares: SymmetricMatrix

        init(_ rows: [Int], risks: [Double], columns: [[Double]]) {
            products = columns.map { _ in 0 }
            squares = SymmetricMatrix(order: columns.count)
            for row in rows {
                sum += risks[row]
                let x = columns.map { $0[row] }
                for index in x.indices { products[index] += risks[row] * x[index] }
                squares.add(risks[row], outer: x)
            }
        }
    }

    static func sums(
        _ data: SurvivalData, beta: [Double], ties: Ties, importance: (Double) -> Double = { _ in 1 }
    ) -> LikelihoodSums {
        let predictors = (0..<data.rowCount).map { row in
            dot(data.columns.map { $0[row] }, beta) + (data.offset?[row] ?? 0)
        }
        let weights = data.weight ?? data.exit.map { _ in 1 }
        let risks = zip(weights, predictors).map { $0 * exp($1) }
        var sums = LikelihoodSums.zero(parameterCount: beta.count)
        let strata = Dictionary(grouping: 0..<data.rowCount) { data.stratum?[$0] ?? 0 }
        for rows in strata.values {
            for (time, deaths) in Dictionary(grouping: rows.filter { data.event[$0] }, by: { data.exit[$0] })
            {
                let atRisk = rows.filter { (data.entry?[$0] ?? -.infinity) < time && time <= data.exit[$0] }
                let (s, e) = (
                    Moments(atRisk, risks: risks, columns: data.columns),
                    Moments(deaths, risks: risks, columns: data.columns)
                )
                for row in deaths {
                    let weight = weights[row] * importance(time)
                    sums.logLikelihood += weight * predictors[row]
                    for index in beta.indices { sums.score[index] += weight * data.columns[index][row] }
                }
                let share = importance(time) * deaths.reduce(0) { $0 + weights[$1] } / Double(deaths.count)
                for index in deaths.indices {
                    let fraction = ties == .efron ? Double(index) / Double(deaths.count) : 0
                    subtract(share, s, fraction, e, from: &sums)
                }
            }
        }
        return sums
    }

    private static func subtract(
        _ share: Double, _ s: Moments, _ fraction: Double, _ e: Moments, from sums: inout LikelihoodSums
    ) {
        let denominator = s.sum - fraction * e.sum
        let mean = zip(s.products, e.products).map { ($0 - fraction * $1) / denominator }
        sums.logLikelihood -= share * log(denominator)
        for index in mean.indices { sums.score[index] -= share * mean[index] }
        for index in s.squares.packedUpper.indices {
            sums.information.packedUpper[index] +=
                share * (s.squares.packedUpper[index] - fraction * e.squares.packedUpper[index]) / denominator
        }
        sums.information.add(-share, outer: mean)
    }
}

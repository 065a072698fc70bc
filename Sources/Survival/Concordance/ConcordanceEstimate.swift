/// The concordance of a model's linear predictor, and its standard error, from sums over sites.
package struct ConcordanceEstimate: Hashable, Sendable, Codable {
    package var options: ConcordanceOptions
    package var concordant: Double
    package var discordant: Double
    package var tiedMarker: Double
    package var tiedTime: Double
    package var tiedBoth: Double
    /// Share of the pairs that are concordant, those with equal predictors counting half.
    package var estimate: Reported
    /// By the infinitesimal jackknife, over clusters if the model has them.
    package var se: Reported

    /// From summed pair counts, and Σu², Σuv, Σv² as `ConcordancePairs.squares` has them.
    ///
    /// With N pairs and D = (concordant − discordant)/N the estimate is (D + 1)/2. One row's influence on D is (u − Dv)/N, so that the
    /// jackknife's variance Σ(u − Dv)²/(4N²) needs only sums that add up over sites.
    package init(counts: [Double], squares: [Double], options: ConcordanceOptions) {
        self.options = options
        (concordant, discordant, tiedMarker) = (counts[0], counts[1], counts[2])
        (tiedTime, tiedBoth) = (counts[3], counts[4])
        let pairs = concordant + discordant + tiedMarker
        let difference = (concordant - discordant) / pairs
        let square = squares[0] - 2 * difference * squares[1] + difference * difference * squares[2]
        estimate = Reported((difference + 1) / 2)
        se = Reported(max(square, 0).squareRoot() / (2 * pairs))
    }
}

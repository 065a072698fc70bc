/// What a site adds to a test that the coefficients are the same at all sites, from its own score and information at the pooled
/// estimate, all in working coordinates of unit variance.
///
/// Deliberately a few numbers only: the sums over sites must not determine a site's score and information. With three sites
/// or more, 3p + 1 sums stand against twice p + p(p + 1)/2 unknowns (the third site's follow from the known totals). The score
/// test of site-by-covariate interactions with common other coefficients would need, for each covariate, the sum over sites of
/// a p × p matrix, and for p above the number of sites these determine every site's information.
package struct SiteHeterogeneity: Sendable {
    private let sums: LikelihoodSums
    /// The information on each coefficient once all others are fitted at this site, and the score of that; nil where the site's
    /// rows tell nothing of it.
    private let efficient: [(score: Double, information: Double)?]
    private let statistic: Double
    private let rank: Int

    /// `held` are coefficients that take no part: one for each direction in which the pooled likelihood has no maximum.
    package init(_ sums: LikelihoodSums, holding held: [Int] = []) {
        let information = sums.information
        let floor = RankRevealingCholesky.tolerance * max(1, information.diagonal.max() ?? 0)
        let isFlat = information.diagonal.enumerated().map { !($1 > floor) || held.contains($0) }
        let factored = RankRevealingCholesky(information, leavingOut: isFlat)
        statistic = max(0, dot(sums.score, factored.solve(sums.score)))
        rank = factored.rank
        efficient = information.diagonal.indices.map { index in
            isFlat[index] ? nil : Self.efficient(index, sums, isFlat)
        }
        self.sums = sums
    }

    private static func efficient(
        _ index: Int, _ sums: LikelihoodSums, _ isFlat: [Bool]
    ) -> (score: Double, information: Double)? {
        var others = isFlat
        others[index] = true
        let row = isFlat.indices.map { others[$0] ? 0 : sums.information[index, $0] }
        let slopes = RankRevealingCholesky(sums.information, leavingOut: others).solve(row)
        let own = sums.information[index, index]
        let information = own - dot(row, slopes)
        guard information > Self.tolerance * own else { return nil }
        return (sums.score[index] - dot(slopes, sums.score), information)
    }

    /// Less of a covariate's information than this is left by rounding alone: the covariate is a combination of the others.
    private static let tolerance = 1e-9

    /// 1 if the site tells anything, the rank of its information, then for each coefficient 1 if it tells anything of it.
    package var ranks: [Double] {
        [rank > 0 ? 1 : 0, Double(rank)] + efficient.map { $0 == nil ? 0 : 1 }
    }

    package static func ranksCount(parameterCount p: Int) -> Int { 2 + p }

    /// UᵀI⁻U, then for each of the coefficients asked for: information w, score u, u²/w.
    package func parts(of coefficients: [Int]) -> [Double] {
        [statistic]
            + coefficients.flatMap { (index) -> [Double] in
                guard let (score, information) = efficient[index] else { return [0, 0, 0] }
                return [information, score, score * score / information]
            }
    }

    package static func partsCount(coefficientCount: Int) -> Int { 1 + 3 * coefficientCount }
}

/// The tests that the coefficients are the same at all sites, from sums over sites.
package struct HeterogeneityTest: Sendable {
    /// Fewer sites could tell each other's numbers from the sums.
    package static let sitesMin = 3

    private let fit: CoxFit
    private let ranks: [Double]
    /// Finite coefficients that enough sites tell something of.
    package let coefficients: [Int]
    /// Coefficients that are held at all sites, since they are infinite.
    package var held: [Int] { Self.held(fit) }

    /// Of a fit: one coefficient for each direction of separation.
    package static func held(_ fit: CoxFit) -> [Int] { fit.separation?.pivots ?? [] }

    /// Whether the sums can be ranks; a site may send any numbers, and everything later relies on them.
    package static func isPlausible(_ ranks: [Double], parameterCount p: Int) -> Bool {
        ranks.allSatisfy { $0 >= 0 && $0 == $0.rounded() } && ranks[0] <= 10_000
            && ranks[1] <= ranks[0] * Double(p) && ranks.dropFirst(2).allSatisfy { $0 <= ranks[0] }
    }

    /// `ranks` are summed over sites; nil if too few sites tell anything.
    package init?(of fit: CoxFit, ranks: [Double]) {
        guard ranks[0] >= Double(Self.sitesMin) else { return nil }
        (self.fit, self.ranks) = (fit, ranks)
        let infinite = fit.infinite
        coefficients = fit.beta.indices.filter {
            !fit.isAliased[$0] && !infinite.contains($0) && ranks[2 + $0] >= Double(Self.sitesMin)
        }
    }

    /// The tests, `parts` being summed over sites.
    ///
    /// All together: Σ UᵀI⁻U over the sites, the score test of all interactions with the site, on Σ rank − rank degrees of freedom; of
    /// infinite coefficients there is no test, and neither counts their direction.
    /// One coefficient: Σ u²/w − (Σ u)²/Σ w with the efficient scores u and informations w (all other coefficients free at each
    /// site), which is Cochran's Q of the sites' one-step estimates, on one less than the sites that tell of it.
    package func result(_ parts: [Double], names: [String]) -> CoxResult.Heterogeneity {
        let finite = coefficients.enumerated().map { place, index in
            let own = parts[(1 + 3 * place)..<(4 + 3 * place)].map { $0 }
            let statistic = max(0, own[2] - own[1] * own[1] / own[0])
            return (
                index,
                CoxResult.TermTest(
                    name: names[index], test: TestResult(chiSquared: statistic, df: Int(ranks[2 + index]) - 1)
                )
            )
        }
        let infinite = fit.infinite.map { index in
            (
                index,
                CoxResult.TermTest(
                    name: names[index],
                    test: TestResult.unavailable(degreesOfFreedom: Int(ranks[0]) - 1))
            )
        }
        let tests = (finite + infinite).sorted { $0.0 < $1.0 }.map(\.1)
        let degreesOfFreedom = Int(ranks[1]) - fit.finiteRank
        return .init(
            sites: Int(ranks[0]),
            global: degreesOfFreedom > 0
                ? TestResult(chiSquared: parts[0], df: degreesOfFreedom)
                : TestResult.unavailable(degreesOfFreedom: 0),
            coefficients: tests)
    }
}

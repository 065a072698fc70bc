extension CoxFit {
    /// Whether a model says anything of the hazard at some covariates, which are in the fit's coordinates.
    ///
    /// An aliased column (that of a level nobody has, or a combination of others) has no coefficient: the hazard is known only
    /// where its value is what the other columns make of it, as it is in all rows that were fitted. Within strata such a
    /// combination may differ from stratum to stratum, and only columns without any variation are judged.
    package func tellsOfHazard(at covariates: [Double], withinStrata: Bool) -> Bool {
        let estimated = isAliased.indices.filter { !isAliased[$0] }
        var known = SymmetricMatrix(order: estimated.count)
        for (row, first) in estimated.enumerated() {
            for (column, second) in estimated.enumerated() where column >= row {
                known[row, column] = information[first, second]
            }
        }
        let factored = RankRevealingCholesky(known)
        // A column without variation is scaled by next to nothing, so that any other value lies far out.
        let limit = withinStrata ? 1e4 : 1e-4
        return isAliased.indices.filter { isAliased[$0] }.allSatisfy { column in
            let shares = factored.solve(estimated.map { information[$0, column] })
            let expected = zip(estimated, shares).reduce(0) { $0 + covariates[$1.0] * $1.1 }
            let distance = abs(covariates[column] - expected)
            return distance <= limit * max(1, abs(expected))
        }
    }
}

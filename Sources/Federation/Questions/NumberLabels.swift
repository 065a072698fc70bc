import Survival

/// Names of numbers that several questions send, as a preview prints them.
enum NumberLabels {
    /// The upper triangle of a symmetric array of names, row by row.
    static func pairs(_ what: String, _ names: [String]) -> [String] {
        names.indices.flatMap { row in names[row...].map { "\(what) \(names[row]), \($0)" } }
    }

    /// Log-likelihood, score and information.
    static func likelihood(_ names: [String]) -> [String] {
        ["log-likelihood"] + names.map { "score \($0)" } + pairs("information", names)
    }

    /// Pairs by their order, then sums of squares of the parts in them, or the parts of each cluster.
    static func concordance(clusters: [String]?) -> [String] {
        let counts = ["concordant", "discordant", "tied in the marker", "tied in time", "tied in both"]
        let parts = ["of the difference", "of the product", "of the total"]
        return counts.map { "pairs \($0)" }
            + (clusters.map { $0.flatMap { ["difference \($0)", "total \($0)"] } }
                ?? parts.map { "squares \($0)" })
    }

    /// Each point of a common grid with everybody at risk; then those with several deaths, without who dies there.
    static func riskSets(of grid: EventGrid, _ ties: Ties, axis: TimeAxis?) -> [String] {
        let points = grid.strata.enumerated().flatMap { index, stratum in
            stratum.times.map { position in
                let time = axis.map { "\($0.time(at: Int(position)))" } ?? "\(position)"
                return grid.strata.count == 1 ? "at \(time)" : "stratum \(index + 1), at \(time)"
            }
        }
        return points + grid.tiedPoints(ties).map { "\(points[$0]), without who dies then" }
    }
}

extension AnalysisPlan {
    /// The covariates' names, by column.
    var columnNames: [String] { model?.parameterNames ?? [] }

    /// Groups, of several strata with the number of theirs; one nameless group is "all".
    func groupNames(_ names: [String], count: Int) -> [String] {
        let own = names.map { $0.isEmpty ? "all" : $0 }
        guard count > own.count, !own.isEmpty else { return own }
        return (0..<count).map { "stratum \($0 / own.count + 1), \(own[$0 % own.count])" }
    }
}

/// A table of the patients ("Table 1"): each variable over all people and by group, and comparisons between the groups.
///
/// People are counted, each by the first of their rows. Arrays by column have all people first, then the groups.
package struct DescriptionResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    /// The variable or definition that makes the groups; nil for one column.
    package var by: String?
    package var groups: [String]
    /// Smaller cells are withheld, and others from which they could be worked out.
    package var smallestCell: Int
    /// People by column.
    package var people: [Int]
    package var variables: [Variable]
    package var warnings: [String]

    package struct Variable: Hashable, Sendable, Codable {
        package var name: String
        package var label: String?
        package var unit: String?
        /// People by column whose value is known, and the others.
        package var known: [Int]
        package var missing: [Int]
        package var summary: Summary
        /// Standardised difference between the groups; the mean of all pairs' if there are more than two.
        ///
        /// Nil without groups.
        package var difference: Reported?
        package var comparisons: [Comparison]

        package init(
            name: String, label: String?, unit: String?, known: [Int], missing: [Int], summary: Summary,
            difference: Reported?, comparisons: [Comparison]
        ) {
            (self.name, self.label, self.unit, self.known) = (name, label, unit, known)
            (self.missing, self.summary) = (missing, summary)
            (self.difference, self.comparisons) = (difference, comparisons)
        }
    }

    package enum Summary: Hashable, Sendable, Codable {
        case number(Number)
        /// In the dictionary's order; `no` and `yes` for a condition.
        case levels([Level])
    }

    package struct Number: Hashable, Sendable, Codable {
        /// By column.
        package var mean: [Reported]
        package var sd: [Reported]
        /// Nil where the study asks for no bins.
        package var quartiles: Quartiles?

        package init(mean: [Reported], sd: [Reported], quartiles: Quartiles?) {
            (self.mean, self.sd, self.quartiles) = (mean, sd, quartiles)
        }
    }

    /// Quartiles by column, from counts of people by value or by bin.
    package struct Quartiles: Hashable, Sendable, Codable {
        package var lower: [Reported]
        package var median: [Reported]
        package var upper: [Reported]
        /// The ends of the merged bins within which the quartiles are interpolated; nil where values were counted exactly.
        package var bins: [Double]?

        package init(lower: [Reported], median: [Reported], upper: [Reported], bins: [Double]?) {
            (self.lower, self.median, self.upper, self.bins) = (lower, median, upper, bins)
        }
    }

    package struct Level: Hashable, Sendable, Codable {
        package var name: String
        package var label: String?
        /// People by column, and their share of those whose value is known.
        package var counts: [Reported]
        package var shares: [Reported]

        package init(name: String, label: String?, counts: [Reported], shares: [Reported]) {
            (self.name, self.label, self.counts, self.shares) = (name, label, counts, shares)
        }
    }

    /// A test of whether the groups differ.
    package struct Comparison: Hashable, Sendable, Codable {
        package var test: Test
        package var statistic: Reported
        /// None, one, or two (of an F test).
        package var degreesOfFreedom: [Reported]
        package var p: Reported
        package var logP: Reported

        package init(
            test: Test, statistic: Reported, degreesOfFreedom: [Reported], p: Reported, logP: Reported
        ) {
            (self.test, self.statistic, self.degreesOfFreedom) = (test, statistic, degreesOfFreedom)
            (self.p, self.logP) = (p, logP)
        }
    }

    package enum Test: String, Hashable, Sendable, Codable, CaseIterable {
        /// Two means, variances not taken to be equal.
        case welch = "welch-t"
        /// More than two means, equal variances.
        case anova = "anova-f"
        /// Two groups by ranks, normal approximation, corrected for ties, no continuity correction.
        case wilcoxon
        /// More than two groups by ranks, corrected for ties.
        case kruskalWallis = "kruskal-wallis"
        /// Pearson's, no continuity correction.
        case chiSquared = "chi-squared"
    }

    package init(
        id: String, counts: CohortCounts, by: String?, groups: [String], smallestCell: Int, people: [Int],
        variables: [Variable], warnings: [String]
    ) {
        (self.id, self.counts, self.by, self.groups) = (id, counts, by, groups)
        (self.smallestCell, self.people) = (smallestCell, people)
        (self.variables, self.warnings) = (variables, warnings)
    }
}

import Survival

extension TextReport {
    mutating func add(_ concordance: ConcordanceResult) {
        addHeading("\(concordance.id): concordance of \(concordance.marker)")
        addWarnings(concordance.warnings)
        addCounts(concordance.counts)
        if let event = concordance.event { addParagraph("Event: \(event).") }
        if !concordance.strata.isEmpty {
            addParagraph("Pairs are formed within \(concordance.strata.joined(separator: ", ")).")
        }
        if let weights = concordance.weights { addParagraph("Weighted by \(weights).") }
        if let cluster = concordance.cluster {
            addParagraph("Standard error: robust, rows of the same \(cluster) taken together.")
        }
        let limits = intervalText(concordance.lower, concordance.upper) { NumberText.fixed($0, places: 3) }
        let spread =
            "se \(places(concordance.estimate.se)), \(NumberText.level(concordance.level)) CI \(limits)"
        addLine()
        addParagraph("Concordance \(words(for: concordance.estimate, spread: spread))")
        addParagraph("A higher value lets expect an earlier event.")
    }

    func places(_ number: Reported) -> String { number.text { NumberText.fixed($0, places: 3) } }

    /// The estimate, its spread, and the pairs that it is of.
    func words(for concordance: ConcordanceEstimate, spread: String) -> String {
        let pairs = NumberText.count(
            concordance.concordant + concordance.discordant + concordance.tiedMarker)
        let weight =
            concordance.options.weight == .pairs ? "" : ", time weight \(concordance.options.weight.rawValue)"
        let limits = [
            concordance.options.timeMin.map { "from \(NumberText.time($0))" },
            concordance.options.timeMax.map { "to \(NumberText.time($0))" },
        ].compactMap { $0 }.map { ", " + $0 }.joined()
        return
            "\(places(concordance.estimate)) (\(spread)) of \(pairs) \(pairs == "1" ? "pair" : "pairs") within sites\(weight)\(limits); "
            + "pairs of two sites are not formed."
    }
}

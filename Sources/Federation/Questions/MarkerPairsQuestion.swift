package import Survival

/// Pairs of rows at one site by their order in time and in a stated marker; see `ConcordancePlan`.
package struct MarkerPairsQuestion: Question {
    package static let name = "marker-pairs"

    package var options: ConcordanceOptions
    package var scale: Double

    package init(_ options: ConcordanceOptions, scale: Double) {
        (self.options, self.scale) = (options, scale)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .pairs, functions: [.one, .ranks, .weights])
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "how many pairs of this hospital's rows are in which order of time and marker, and sums of squares of each row's or person's part in them, once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { 5 + 3 }

    package func labels(in plan: AnalysisPlan) -> [String] { NumberLabels.concordance(clusters: nil) }

    package func write(to bytes: inout QuestionBytes) { bytes.append(options, scale: scale) }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        guard let concordance = site.plan.kind as? ConcordancePlan, let data = try site.tiedData() else {
            throw StudyError.sums("only a concordance has a marker")
        }
        let pairs = ConcordancePairs(data, marker: data.columns[0], options: options)
        return site.lanes(of: pairs, isByPerson: concordance.cluster != nil, scale: scale)
    }
}

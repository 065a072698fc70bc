package import Survival

/// The concordance of a marker, compiled.
package struct ConcordancePlan: PlannedAnalysis {
    package static let name = "concordance"

    /// A number or a condition; a higher one is expected to go with an earlier event.
    package var marker: Expression
    /// The marker as the one column of a model, whose strata are those of the pairs: its rows are judged as a model's are.
    package var model: ModelSpecification
    package var options: ConcordanceOptions
    package var weights: Expression?
    /// Whose rows belong together in the standard error; nil if each row stands for itself.
    package var cluster: String?

    package var formulas: [(key: String, expression: Expression)] {
        .named("of", [marker]) + .named("strata", model.strata) + .named("weights", [weights])
    }
    package var needed: [Expression] { model.expressions + [weights].compactMap(\.self) }
    package var described: [Expression] { [] }
    package var compared: [Expression] { model.expressions }
    package func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] { model.levels }
    package var design: ModelSpecification? { model }
    package var groupCount: Int { model.stratumCount }
    package var groupNames: [String] { (0..<groupCount).map(model.stratumLabel) }
    package var exitGroupCount: Int { 0 }
    package var exitWeights: ExitWeights { .none }
    package var usesTimes: Bool { false }
    package var comparesRows: Bool { true }
    package var parameterCount: Int { model.columns.count }
    package var pointTimes: [Double] { [] }
    package var areaTimes: [Double] { [] }
    package var pairs: ConcordanceOptions? { options }
    package var countsRows: Bool { true }

    package func questions(in plan: AnalysisPlan) -> [any Question.Type] { [MarkerPairsQuestion.self] }

    package func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows {
        let data = try cases.survivalData(model: model, weights: weights, mergesNearTies: false)
        var rows = PreparedRows(
            levelCounts: try cases.levelCounts(model: model),
            concentration: try Concentration.share(of: data, model, cases))
        rows.data = data
        return rows
    }

    package func line(in plan: AnalysisPlan) -> String {
        let strata = model.strata.map(\.text).joined(separator: ", ")
        return "concordance of \(marker.text)" + (strata.isEmpty ? "" : " within \(strata)")
    }

    package func summary(in plan: AnalysisPlan) -> String {
        let strata = StudyWords.list(model.strata.map(\.text))
        let robust = cluster.map { ", robust standard error by \(StudyWords.inline($0))" } ?? ""
        let event = plan.ownEvent.map { ", event \(StudyWords.inline($0))" } ?? ""
        return
            "concordance of \(StudyWords.inline(marker.text)), of pairs within hospitals\(strata.isEmpty ? "" : " and \(strata)")\(event)\(StudyWords.weighted(by: weights))\(robust)"
    }

    package func choices(in plan: AnalysisPlan) -> [String] {
        [options.words, "confidence level \(plan.level)"]
    }
}

extension ConcordanceOptions {
    /// A line for the person who decides about the study.
    var words: String {
        let limits = [("from", timeMin), ("to", timeMax)].compactMap { word, time in
            time.map { " \(word) \($0)" }
        }
        return "concordance with time weight \(weight.rawValue)\(limits.joined())"
    }
}

import Federation
import Survival

extension StudyExplanation {
    /// What an analysis fixes besides its kind and its times, a line each: its own patients, how rows are weighed and
    /// compared, which numbers are reported.
    func details(of analysis: AnalysisPlan) -> [String] {
        patients(of: analysis)
            + analysis.lateVariables.map {
                "\(StudyWords.inline($0)) is measured after time zero and used as if known from the start"
                    + (analysis.endpoint.landmark == nil ? "" : " of follow-up at the landmark")
            }
            + landmark(of: analysis) + end(of: analysis)
            + overlappingRows(of: analysis)
            + analysis.kind.choices(in: analysis)
    }

    private func overlappingRows(of analysis: AnalysisPlan) -> [String] {
        switch analysis.people {
        case nil: []
        case .firstRow: ["people: of rows of a person that overlap in time the first is taken"]
        case .allRows: ["people: rows of a person that overlap in time are all counted"]
        }
    }

    private func landmark(of analysis: AnalysisPlan) -> [String] {
        analysis.endpoint.landmark.map {
            [
                "landmark: only those still at risk at \(measured($0, plan.study.endpoint.unit.rawValue)), time counted from then; the number of the others leaves too"
            ]
        } ?? []
    }

    private func end(of analysis: AnalysisPlan) -> [String] {
        analysis.endpoint.censorAt.map {
            [
                "follow-up ends at \($0) \(plan.study.endpoint.unit.rawValue)s after time zero: who was followed for longer is censored then"
            ]
        } ?? []
    }

    private func patients(of analysis: AnalysisPlan) -> [String] {
        let conditions = analysis.cohort.map(\.text)
        guard !conditions.isEmpty else { return [] }
        return ["patients: those with \(conditions.map(StudyWords.inline).joined(separator: " and "))"]
    }
}

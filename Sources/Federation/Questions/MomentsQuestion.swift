import Survival

/// Rows, Σx, Σx² of every column, scaled to [-1, 1] by the dictionary's ranges; the sum of the offset.
package struct MomentsQuestion: Question {
    package static let name = "moments"

    package init() {}

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(
            people: .analysis,
            functions: plan.sumsOffset ? [.one, .covariates, .weights] : [.one, .covariates])
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums and sums of squares of \(counted(plan.columnCount, "covariate"))"
            + (plan.sumsOffset ? ", and the sum of the offset" : "") + ", once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        1 + 2 * plan.columnCount + (plan.sumsOffset ? 1 : 0)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        ["rows"] + plan.columnNames.map { "sum of \($0)" } + plan.columnNames.map { "squares of \($0)" }
            + (plan.sumsOffset ? ["sum of the offset"] : [])
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        guard let cox = site.plan.cox, let data = site.rows.data else {
            throw StudyError.sums("only a model has moments")
        }
        var sums: [Double] = []
        var squares: [Double] = []
        for (column, values) in zip(cox.model.columns, data.columns) {
            let range = DictionaryRange(column.bounds)
            sums.append(values.reduce(0) { $0 + range.scaled($1) })
            squares.append(values.reduce(0) { $0 + range.scaled($1) * range.scaled($1) })
        }
        let offset = site.plan.sumsOffset ? [data.offset?.reduce(0, +) ?? 0] : []
        return [Double(data.rowCount)] + sums + squares + offset
    }
}

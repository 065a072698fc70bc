/// Σ(x − center)² of numbers by group, and Σ(x − center).
package struct TableSquaresQuestion: Question {
    package static let name = "table-squares"

    package var cells: [TableCell]
    package var centers: [Double]

    package init(_ cells: [TableCell], centers: [Double]) { (self.cells, self.centers) = (cells, centers) }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .levels, functions: .covariates)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums of squares of the same numbers about their means, once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { 2 * cells.count }

    package func labels(in plan: AnalysisPlan) -> [String] {
        cells.flatMap { cell in ["squares", "distances"].map { "\($0) of \(cell.label(in: plan))" } }
    }

    package func write(to bytes: inout QuestionBytes) {
        bytes.append(cells.flatMap(\.places))
        bytes.append(centers)
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        try site.table().squares(cells, centers: centers)
    }
}

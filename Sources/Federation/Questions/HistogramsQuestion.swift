/// People by value or bin of a number, by group.
package struct HistogramsQuestion: Question {
    package static let name = "histograms"

    package var histograms: [TableHistogram]

    package init(_ histograms: [TableHistogram]) { self.histograms = histograms }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .bins, functions: .one)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        guard let table = plan.description else { return "" }
        return table.variables.compactMap { variable -> String? in
            guard case .number(_, let bins?) = variable.kind else { return nil }
            let name = StudyWords.inline(variable.name)
            return bins.isExact
                ? "people by single value of \(name)"
                : "people by merged bins of \(name), each of which holds enough of each group over all hospitals (smallest-cell)"
        }.joined(separator: "; ") + ", once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { histograms.reduce(0) { $0 + $1.count } }

    package func labels(in plan: AnalysisPlan) -> [String] {
        histograms.flatMap { histogram in
            histogram.groups.flatMap { group in
                histogram.starts.map { start in
                    let cell = TableCell(variable: histogram.variable, group: group)
                    return "people, \(cell.label(in: plan)), from \(edge(start, of: histogram, in: plan))"
                }
            }
        }
    }

    private func edge(_ bin: Int, of histogram: TableHistogram, in plan: AnalysisPlan) -> Double {
        guard let table = plan.description,
            case .number(_, let bins?) = table.variables[histogram.variable].kind
        else { return .nan }
        return bins.edge(bin)
    }

    package func write(to bytes: inout QuestionBytes) {
        for histogram in histograms {
            bytes.append([Double(histogram.variable)])
            bytes.append(histogram.groups.map { Double($0) })
            bytes.append(histogram.starts.map { Double($0) })
        }
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] { try site.table().counts(histograms) }
}

/// Which counts by value or by bin are asked of a number: in which groups, and where the merged bins begin.
package struct TableHistogram: Hashable, Sendable {
    package var variable: Int
    package var groups: [Int]
    /// The first of the axis's bins in each merged one, ascending from 0.
    package var starts: [Int]

    package init(variable: Int, groups: [Int], starts: [Int]) {
        (self.variable, self.groups, self.starts) = (variable, groups, starts)
    }

    package var count: Int { groups.count * starts.count }
}

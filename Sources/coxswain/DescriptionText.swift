import CohortStore
import Survival

/// A description of a hospital's patients as a table for its own admin.
struct DescriptionText {
    private let description: CohortDescription

    init(_ description: CohortDescription) { self.description = description }

    var text: String {
        var table = TerminalTable(["VARIABLE", "PRESENT", "MISSING", "VALUES"])
        for variable in description.variables {
            table.add([
                variable.name, "\(variable.presentCount)", "\(variable.missingCount)",
                values(variable.summary),
            ])
        }
        let heading =
            "\(description.dictionary): \(counted(description.rowCount, "row")), \(counted(description.personCount, "person", "people"))"
            + (description.severalRowsPersonCount == 0
                ? "" : ", \(description.severalRowsPersonCount) of them with more than one row")
        return "\(heading)\n\n\(table.text)"
    }

    private func values(_ summary: CohortDescription.Summary) -> String {
        switch summary {
        case .identifier(let distinct): return "\(distinct) different"
        case .boolean(let yes, let no): return "yes \(yes), no \(no)"
        case .levels(let counts): return counts.map { "\($0.level) \($0.count)" }.joined(separator: ", ")
        case .number(nil): return ""
        case .number(let numbers?):
            let deviation = numbers.standardDeviation.map { " (SD \(short($0)))" } ?? ""
            let quartiles = [
                numbers.minimum, numbers.lowerQuartile, numbers.median, numbers.upperQuartile,
                numbers.maximum,
            ]
            return
                "mean \(short(numbers.mean))\(deviation), quartiles \(quartiles.map(short).joined(separator: " "))"
        }
    }

    private func short(_ value: Double) -> String {
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}

import Survival

/// A study's result for a reader at a terminal: UTF-8, at most 100 columns wide.
///
/// The order is that of a paper: what was studied and where, then every analysis in the order of the study
/// file, warnings always before the numbers they concern.
struct TextReport {
    static let columnMax = 100
    private var lines: [String] = []
    let unit: String

    init(_ result: StudyResult) {
        unit = result.endpoint.unit
        addHeader(result)
        for analysis in result.analyses {
            addLine()
            analysis.section.add(to: &self)
        }
    }

    var text: String { lines.joined(separator: "\n") + "\n" }

    private mutating func addHeader(_ result: StudyResult) {
        addHeading(result.title.isEmpty ? result.study : result.title, underline: "=")
        addField("study", "\(result.study), hash \(abbreviated(result.studyHash))")
        addField("dictionary", result.dictionary)
        let endpoint = result.endpoint
        addField("endpoint", "event \(endpoint.event), time \(endpoint.time) in the unit \(endpoint.unit)")
        let sites = result.sites.map {
            $0.name + ($0.policyHash.map { " (policy \(abbreviated($0)))" } ?? "")
        }
        addField("sites", "\(result.sites.count): " + sites.joined(separator: ", "))
        addField("rounds", String(result.rounds))
        if let versions = result.versions { addField("versions", "\(versions)") }
        addWarnings(result.warnings)
    }

    /// The first 12 digits, as version control abbreviates.
    private func abbreviated(_ hash: String) -> String { String(hash.prefix(12)) }

    private mutating func addField(_ name: String, _ value: String) {
        let label = TerminalText(name).padded(to: 12)
        let values = TerminalText(value).wrapped(to: TextReport.columnMax - label.count)
        addLine(label + values[0])
        for line in values.dropFirst() { addLine(String(repeating: " ", count: label.count) + line) }
    }

    // MARK: Pieces of a section

    mutating func addLine(_ line: String = "") {
        lines.append(line)
    }

    mutating func addHeading(_ heading: String, underline: String = "-") {
        let wrapped = TerminalText(heading).wrapped(to: TextReport.columnMax)
        let width = wrapped.reduce(0) { max($0, TerminalText($1).width) }
        lines += wrapped + [String(repeating: underline, count: width)]
    }

    mutating func addParagraph(_ paragraph: String) {
        lines += TerminalText(paragraph).wrapped(to: TextReport.columnMax)
    }

    mutating func addWarnings(_ warnings: [String]) {
        for warning in warnings { addParagraph("Warning: " + sentence(warning)) }
    }

    private func sentence(_ text: String) -> String {
        text.hasSuffix(".") ? text : text + "."
    }

    /// A table with an empty line before it.
    mutating func add(_ table: TextTable) {
        lines += [""] + table.lines(columnMax: TextReport.columnMax)
    }

    /// Rows, people, events, and how many rows were left out for which variables.
    mutating func addCounts(_ counts: CohortCounts) {
        let people = counted(counts.people, "person", "people")
        addParagraph("\(counted(counts.rows, "row")) of \(people), \(counted(counts.events, "event")).")
        if let landmark = counts.landmark {
            let time = NumberText.time(landmark.time)
            let ofTime = landmark.time == 1 ? unit : "\(unit)s"
            addParagraph(
                "Landmark at \(time) \(ofTime): times count from it, covariates are as of it; "
                    + "\(counted(landmark.excluded, "person", "people")) not at risk then "
                    + "\(landmark.excluded == 1 ? "is" : "are") not in.")
        }
        if let time = counts.censorAt {
            addParagraph(
                "Follow-up ends at \(NumberText.time(time)) \(unit)s for everybody: who was followed for longer is censored then."
            )
        }
        if let overlapping = counts.overlapping {
            addParagraph(
                "\(counted(overlapping, "row")) \(overlapping == 1 ? "was" : "were") left out for overlapping "
                    + "with an earlier row of the same person.")
        }
        guard counts.dropped > 0 else {
            addParagraph("No row was left out for a missing value.")
            return
        }
        let byVariable = counts.droppedByVariable.filter { $0.value > 0 }.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value)" }
        let detail = byVariable.isEmpty ? "" : " (by variable: \(byVariable.joined(separator: ", ")))"
        let dropped = "\(counted(counts.dropped, "row")) \(counts.dropped == 1 ? "was" : "were")"
        addParagraph("\(dropped) left out for a missing value\(detail).")
    }

    /// `readings` are what is read off between the points of a grid.
    func sentence(for times: TimeAxisKind, gridWidth: Double?, readings: String? = nil) -> String {
        guard times == .grid else { return "Times: exact, as recorded." }
        let width = gridWidth.map { " of \(NumberText.time($0)) \(unit)\($0 == 1 ? "" : "s")" } ?? ""
        let grid = "Times: merged into the intervals of the study's grid\(width)."
        return readings.map { "\(grid) \($0)" } ?? grid
    }

    static let curveReadings =
        "Within an interval, values are interpolated; exact times would put them between the bounds."
}

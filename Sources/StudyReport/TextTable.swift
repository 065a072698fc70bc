/// A table for a terminal: the first column flush left, the others flush right, aligned by display width.
///
/// What does not fit the width is never cut. Long labels are broken over several lines, the numbers on the
/// last; if the numbers alone are too wide, every row becomes a block of `heading: value` lines.
struct TextTable {
    private struct Row {
        var label: TerminalText
        /// Fewer than the columns if a reason takes the place of the last ones.
        var cells: [TerminalText]
        var reason: TerminalText?
    }

    private let headings: Row
    private var rows: [Row] = []
    private static let gap = "   "
    /// A label narrower than this would be a column of syllables.
    private static let labelColumnMin = 16

    /// The first heading belongs to the labels.
    init(headings: [String]) {
        let texts = headings.map(TerminalText.init)
        self.headings = Row(label: texts[0], cells: Array(texts.dropFirst()))
    }

    /// Adds a row; a reason (`suppressed (rule)`) that its last cells share is said once.
    mutating func add(_ label: String, _ cells: [String]) {
        precondition(cells.count == headings.cells.count, "a row has a cell for every column")
        var row = Row(label: TerminalText(label), cells: cells.map(TerminalText.init))
        let shared = cells.reversed().prefix { $0 == cells.last && $0.hasPrefix("suppressed (") }.count
        if shared > 1 {
            row.reason = row.cells.last
            row.cells.removeLast(shared)
        }
        rows.append(row)
    }

    func lines(columnMax: Int) -> [String] {
        let all = [headings] + rows
        let widths = headings.cells.indices.map { index in
            all.reduce(0) { $1.cells.indices.contains(index) ? max($0, $1.cells[index].width) : $0 }
        }
        let bodyWidth = all.reduce(0) { max($0, bodyWidthOf($1, widths)) }
        let labelWidth = all.reduce(0) { max($0, $1.label.width) }
        guard bodyWidth + min(labelWidth, TextTable.labelColumnMin) <= columnMax else {
            return rows.flatMap { block(of: $0, columnMax: columnMax) }
        }
        let labels = all.map { $0.label.wrapped(to: max(1, columnMax - bodyWidth)).map(TerminalText.init) }
        let labelColumn = labels.joined().reduce(0) { max($0, $1.width) }
        return zip(all, labels).flatMap { row, labelLines in
            labelLines.dropLast().map(\.string)
                + labelLines.suffix(1).map { $0.padded(to: labelColumn) + body(of: row, widths) }
        }
    }

    private func bodyWidthOf(_ row: Row, _ widths: [Int]) -> Int {
        let cells = widths.prefix(row.cells.count).reduce(0) { $0 + TextTable.gap.count + $1 }
        return cells + (row.reason.map { TextTable.gap.count + $0.width } ?? 0)
    }

    private func body(of row: Row, _ widths: [Int]) -> String {
        let cells = zip(row.cells, widths).map { TextTable.gap + $0.flushedRight(to: $1) }
        return cells.joined() + (row.reason.map { TextTable.gap + $0.string } ?? "")
    }

    private func block(of row: Row, columnMax: Int) -> [String] {
        let parts = headings.cells.indices.map { index in
            let cell = index < row.cells.count ? row.cells[index] : row.reason
            return "\(headings.cells[index].string): \(cell?.string ?? "")"
        }
        let indented = parts.flatMap { TerminalText($0).wrapped(to: columnMax - 2).map { "  " + $0 } }
        return row.label.wrapped(to: columnMax) + indented
    }
}

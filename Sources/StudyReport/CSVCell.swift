import JSONText
import Survival

/// A text cell: quoted where RFC 4180 asks for it, and never a formula to a spreadsheet.
///
/// Excel and LibreOffice evaluate a cell that begins with `=`, `+`, `-`, `@`, a tab, a carriage return or a
/// full-width form of the signs; OWASP's "CSV Injection" puts an apostrophe in front. Cells of numbers do not
/// come here.
func csvCell(_ text: String) -> String {
    let harmless = startsFormula(text) ? "'" + text : text
    let needsQuotes = harmless.unicodeScalars.contains { "\",\r\n".unicodeScalars.contains($0) }
    guard needsQuotes else { return harmless }
    let doubled = harmless.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] }
    return "\"" + String(String.UnicodeScalarView(doubled)) + "\""
}

private func startsFormula(_ text: String) -> Bool {
    text.unicodeScalars.first.map { "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains($0) }
        ?? false
}

/// A number's cell: the shortest decimal that reads back, `Inf`, `-Inf`, nothing for NA, or
/// `suppressed:<rule>`.
func csvText(of number: Reported) -> String {
    switch number {
    case .value(let value) where value.isInfinite: value > 0 ? "Inf" : "-Inf"
    case .value(let value) where value.isNaN: ""
    case .value(let value): shortestText(of: value)
    case .notAvailable: ""
    case .suppressed(let rule): csvCell("suppressed:" + rule)
    }
}

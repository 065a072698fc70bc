import Survival

/// How the cells of one variable are read; compiled from the dictionary once and used for each row.
///
/// A cell is missing if it is empty or is one of the variable's missing codes; a code that is a number also
/// stands for other spellings of that number (`-9`, `-9.0`). Booleans are 0/1 (also 0.0/1.0, as pandas writes a
/// column with gaps), no/yes, false/true, f/t (PostgreSQL's) in any case of letters. A class, so that the loop over cells copies no arrays' references.
final class CellRule: Sendable {
    let variable: DataDictionary.Variable
    private let kind: Kind
    private let missingTexts: [[UInt8]]
    private let missingNumbers: [Double]
    private let levels: LevelIndex
    private let isRequired: Bool
    private let isPerson: Bool

    private enum Kind: Sendable {
        case number(lower: Double, upper: Double, resolution: Double?), category, boolean, identifier
    }

    /// A row without its person is refused, whatever the dictionary says of that variable.
    init(_ variable: DataDictionary.Variable, isPerson: Bool) {
        self.variable = variable
        self.isPerson = isPerson
        isRequired = variable.isRequired || isPerson
        missingTexts = variable.missing.map { Array($0.utf8) }
        missingNumbers = variable.missing.compactMap { code in
            Array(code.utf8).withUnsafeBufferPointer { DecimalNumber.parse($0) }
        }
        var levels: [String] = []
        switch variable.kind {
        case .number(let lower, let upper, let resolution):
            kind = .number(lower: lower, upper: upper, resolution: resolution)
        case .category(let names, _): (kind, levels) = (.category, names)
        case .boolean: kind = .boolean
        case .identifier: kind = .identifier
        }
        self.levels = LevelIndex(levels: levels, missing: variable.missing)
    }

    func cell(_ bytes: UnsafeBufferPointer<UInt8>) -> Cell {
        let cell = bytes.isEmpty ? .missing : value(bytes)
        switch cell {
        case .missing where isRequired: return .refused(.missingThoughRequired)
        case .refused: return CellRule.padding(of: bytes).map(Cell.refused) ?? cell
        default: return cell
        }
    }

    private func value(_ bytes: UnsafeBufferPointer<UInt8>) -> Cell {
        switch kind {
        case .number(let lower, let upper, let resolution):
            return number(bytes, lower...upper, resolution: resolution)
        case .category:
            guard let index = levels.index(of: bytes) else { return .refused(.unknownLevel) }
            return index < 0 ? .missing : .level(index)
        case .boolean:
            if isMissingText(bytes) { return .missing }
            return CellRule.boolean(bytes).map(Cell.boolean) ?? .refused(.notBoolean)
        case .identifier:
            if isMissingText(bytes) { return .missing }
            if let padding = CellRule.padding(of: bytes) { return .refused(padding) }
            return isPerson && CellRule.isNull(bytes) ? .refused(.nullIdentifier) : .text
        }
    }

    private func number(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: ClosedRange<Double>, resolution: Double?
    ) -> Cell {
        guard let value = DecimalNumber.parse(bytes) else {
            if isMissingText(bytes) { return .missing }
            return .refused(CellRule.hasDecimalComma(bytes) ? .decimalComma : .notANumber)
        }
        if !missingNumbers.isEmpty && missingNumbers.contains(value) { return .missing }
        guard value.isFinite, range.contains(value) else { return .refused(.outOfRange) }
        if let resolution, !CellRule.isMultiple(value, of: resolution) { return .refused(.offResolution) }
        return .number(value + 0)  // -0 becomes 0, as SQLite would store it
    }

    private func isMissingText(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        missingTexts.contains { $0.elementsEqual(bytes) }
    }

    /// Whether a value is within 1e-9, relative, of a whole number of steps from zero.
    static func isMultiple(_ value: Double, of resolution: Double) -> Bool {
        let steps = value / resolution
        // Adding and subtracting 1.5·2⁵² rounds what is below 2⁵¹ in magnitude; above, every Double is within the tolerance.
        let nearest = abs(steps) < 0x1p51 ? (steps + 0x1.8p52) - 0x1.8p52 : steps
        return abs(steps - nearest) <= 1e-9 * max(1, abs(steps))
    }

    static func boolean(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
        if bytes.count == 1, let byte = bytes.first {
            switch byte {
            case UInt8(ascii: "1"), UInt8(ascii: "t"), UInt8(ascii: "T"): return true
            case UInt8(ascii: "0"), UInt8(ascii: "f"), UInt8(ascii: "F"): return false
            default: return nil
            }
        }
        guard bytes.count <= 5 else { return nil }
        switch String(decoding: bytes, as: UTF8.self).lowercased() {
        case "yes", "true", "1.0": return true
        case "no", "false", "0.0": return false
        default: return nil
        }
    }

    /// What programs write for a value that is missing, in small letters.
    private static let nullWords: Set<String> = [
        "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "nil", "\\n", ".", "-", "?",
    ]

    private static func isNull(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.count <= 4 && nullWords.contains(String(decoding: bytes, as: UTF8.self).lowercased())
    }

    /// The fault of a text that begins or ends with a blank, or with a character that nobody sees; nil if it does not.
    static func padding(of bytes: UnsafeBufferPointer<UInt8>) -> CellFault? {
        guard let first = bytes.first, let last = bytes.last else { return nil }
        if [first, last].contains(where: { $0 == UInt8(ascii: " ") || (0x09...0x0D).contains($0) }) {
            return .padded
        }
        guard first >= 0x80 || last >= 0x80 else { return nil }
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars
        return [scalars.first, scalars.last].contains { $0.map(isInvisible) ?? false }
            ? .paddedInvisibly : nil
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || [.format, .control].contains(scalar.properties.generalCategory)
    }

    private static func hasDecimalComma(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let text = bytes.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 }
        return bytes.contains(UInt8(ascii: ","))
            && text.withUnsafeBufferPointer { DecimalNumber.parse($0) } != nil
    }
}

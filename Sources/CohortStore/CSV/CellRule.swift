import Survival

/// How the cells of one variable are read; compiled from the dictionary once and used for each row.
///
/// A cell is missing if it is empty or is one of the variable's missing codes; a code that is a number also
/// stands for other spellings of that number (`-9`, `-9.0`). Booleans are 0/1, no/yes, false/true in any
/// case of letters. A class, so that the loop over cells copies no arrays' references.
final class CellRule: Sendable {
    let variable: DataDictionary.Variable
    private let kind: Kind
    private let missingTexts: [[UInt8]]
    private let missingNumbers: [Double]
    private let levels: LevelIndex
    private let isRequired: Bool

    private enum Kind: Sendable {
        case number(lower: Double, upper: Double, resolution: Double?), category, boolean, identifier
    }

    /// A row without its person is refused, whatever the dictionary says of that variable.
    init(_ variable: DataDictionary.Variable, isPerson: Bool) {
        self.variable = variable
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
        case .refused where CellRule.isPadded(bytes): return .refused(.padded)
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
            return CellRule.isPadded(bytes) ? .refused(.padded) : .text
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
            return byte == UInt8(ascii: "1") ? true : byte == UInt8(ascii: "0") ? false : nil
        }
        guard bytes.count <= 5 else { return nil }
        switch String(decoding: bytes, as: UTF8.self).lowercased() {
        case "yes", "true": return true
        case "no", "false": return false
        default: return nil
        }
    }

    private static func isPadded(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return [first, last].contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    private static func hasDecimalComma(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let text = bytes.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 }
        return bytes.contains(UInt8(ascii: ","))
            && text.withUnsafeBufferPointer { DecimalNumber.parse($0) } != nil
    }
}

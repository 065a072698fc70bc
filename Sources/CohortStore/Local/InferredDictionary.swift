package import Survival

/// A data dictionary guessed from CSV files, for a fit on files that come without one.
///
/// Columns whose cells are all numbers are numbers, with the range and the decimals that occur; numbers with leading zeros (`007`)
/// are codes. Other columns are categories with the levels that occur, in the order of `TextOrder`, the first as reference, as R
/// makes factors in the C locale. Empty cells, `NA` and what else programs write for "missing" are missing. Columns without a
/// name (R writes its row names into one), with a name that occurs twice or that no formula could use are left out. The same
/// files give the same dictionary in every run. A federated study never guesses: hospitals would guess differently.
package struct InferredDictionary: Sendable {
    /// More levels than this make a column text that no analysis can use.
    static let levelsMax = 200

    /// The level that a category gets where a file has one only; nobody has it.
    static let otherLevel = "(other)"

    /// Stands for the person where each row is one; a column of that name is left out.
    static let person = "row of the file"

    package let dictionary: DataDictionary
    /// What a reader should know of a column that was left out, or may not be what it seems: clauses by the column's name,
    /// without blanks at its ends.
    package let remarks: [String: String]

    /// What a study uses columns for, which decides where the cells leave it open.
    package struct Uses: Sendable {
        /// Columns that must be numbers; a cell that is none is refused.
        package var numbers: Set<String>
        /// Columns that are categories even if all their cells are numbers.
        package var categories: Set<String>
        /// Columns that are yes/no if all their cells are 0/1, no/yes, false/true or f/t.
        package var conditions: Set<String>

        package init(
            numbers: Set<String> = [], categories: Set<String> = [], conditions: Set<String> = []
        ) {
            (self.numbers, self.categories, self.conditions) = (numbers, categories, conditions)
        }
    }

    /// Reads each file once; columns that are not in all of them are left out.
    package init(
        csv paths: [String], name: String, version: Int, uses: Uses = Uses()
    ) throws(StoreError) {
        var columns: [ColumnGuess] = []
        for (index, path) in paths.enumerated() {
            let read = try Self.read(path, uses)
            columns = index == 0 ? read : Self.merged(columns, read, path)
        }
        let person = Self.variable(Self.person, .identifier, missing: [])
        var (variables, remarks) = ([person], [String: String]())
        for column in columns {
            let guess = column.guess(uses)
            if let remark = guess.remark { remarks[column.name.withoutPadding] = remark }
            guard let kind = guess.kind else { continue }
            variables.append(Self.variable(column.name, kind, missing: guess.missing))
        }
        dictionary = DataDictionary(
            name: name, version: version, title: nil, person: person.name, variables: variables)
        self.remarks = remarks
    }

    private static func variable(
        _ name: String, _ kind: DataDictionary.Variable.Kind, missing: [String]
    ) -> DataDictionary.Variable {
        DataDictionary.Variable(name: name, kind: kind, column: name, missing: missing)
    }

    private static func read(_ path: String, _ uses: Uses) throws(StoreError) -> [ColumnGuess] {
        var reader = try PatientReader(path: path, for: .fitting)
        try reader.refuseComment()
        var columns = reader.names.map { ColumnGuess(name: $0) }
        var counts: [String: Int] = [:]
        for name in reader.names { counts[name, default: 0] += 1 }
        for place in columns.indices { columns[place].isRepeated = counts[columns[place].name] != 1 }
        let mustBeNumber = columns.map { uses.numbers.contains($0.name) }
        var rowCount = 0
        while try reader.next() {
            rowCount += 1
            let line = reader.line
            for place in columns.indices {
                let isGood = columns[place].take(reader.field(place), line: line)
                guard mustBeNumber[place], !isGood else { continue }
                reader.reject("not a number", column: columns[place].name)
            }
        }
        try reader.requireGood()
        guard rowCount > 0 else { throw reader.error(.headerOnly) }
        return columns
    }

    private static func merged(
        _ known: [ColumnGuess], _ read: [ColumnGuess], _ path: String
    ) -> [ColumnGuess] {
        let places = Dictionary(zip(read.map(\.name), 0...), uniquingKeysWith: { first, _ in first })
        return known.map { column in
            var column = column
            if let place = places[column.name] {
                column.add(read[place])
            } else {
                column.absentFrom = column.absentFrom ?? path
            }
            return column
        }
    }
}

/// What the cells of a column have been so far.
private struct ColumnGuess {
    let name: String
    var isRepeated = false
    /// A file without the column.
    var absentFrom: String?
    private var lower = Double.infinity
    private var upper = -Double.infinity
    private var decimals = 0
    private var numberCount = 0
    /// Cells that are neither numbers nor perhaps missing, and the line of the first.
    private var textCount = 0
    private var textLine = 0
    private var hasLeadingZero = false
    private var isCondition = true
    private var levels: Set<String> = []
    private var nulls: Set<String> = []
    private var numberNulls: Set<String> = []

    init(name: String) { self.name = name }

    /// Cells that are missing in any column.
    static let nullWords: Set<String> = ["NA", "NaN", "nan", "NULL", "null", "\\N", "<NA>", "#N/A"]
    /// Cells that are missing among numbers; in a column of texts they may be levels.
    static let numberNullWords: Set<String> = ["N/A", "n/a", "na", "None", "NaT", "."]

    /// False for a cell that is there and is no number.
    mutating func take(_ cell: UnsafeBufferPointer<UInt8>, line: Int) -> Bool {
        guard !cell.isEmpty else { return true }
        let value = DecimalNumber.parse(cell)
        if let value, value.isFinite {
            takeNumber(value, cell)
            return true
        }
        let text = String(decoding: cell, as: UTF8.self)
        if Self.nullWords.contains(text) {
            nulls.insert(text)
            return true
        }
        takeLevel(text, cell)
        if Self.numberNullWords.contains(text) {
            numberNulls.insert(text)
            return true
        }
        if textCount == 0 { textLine = line }
        textCount += 1
        return false
    }

    private mutating func takeNumber(_ value: Double, _ cell: UnsafeBufferPointer<UInt8>) {
        numberCount += 1
        (lower, upper) = (min(lower, value), max(upper, value))
        decimals = max(decimals, Self.decimals(cell))
        hasLeadingZero =
            hasLeadingZero || cell.count > 1 && cell[0] == 0x30 && (0x30...0x39).contains(cell[1])
        guard levels.count <= InferredDictionary.levelsMax || isCondition else { return }
        takeLevel(String(decoding: cell, as: UTF8.self), cell)
    }

    private mutating func takeLevel(_ text: String, _ cell: UnsafeBufferPointer<UInt8>) {
        if levels.count <= InferredDictionary.levelsMax { levels.insert(text) }
        isCondition = isCondition && CellRule.boolean(cell) != nil
    }

    /// Digits after the point; many where the number has an exponent, so that no resolution is claimed.
    private static func decimals(_ cell: UnsafeBufferPointer<UInt8>) -> Int {
        if cell.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return 99 }
        return cell.firstIndex(of: UInt8(ascii: ".")).map { cell.count - 1 - $0 } ?? 0
    }

    mutating func add(_ other: ColumnGuess) {
        isRepeated = isRepeated || other.isRepeated
        (lower, upper) = (min(lower, other.lower), max(upper, other.upper))
        decimals = max(decimals, other.decimals)
        if textCount == 0 { textLine = other.textLine }
        (numberCount, textCount) = (numberCount + other.numberCount, textCount + other.textCount)
        hasLeadingZero = hasLeadingZero || other.hasLeadingZero
        isCondition = isCondition && other.isCondition
        levels.formUnion(other.levels)
        nulls.formUnion(other.nulls)
        numberNulls.formUnion(other.numberNulls)
    }

    typealias Result = (kind: DataDictionary.Variable.Kind?, missing: [String], remark: String?)

    func guess(_ uses: InferredDictionary.Uses) -> Result {
        if let reason = reasonToLeaveOut { return (nil, [], reason) }
        guard numberCount + textCount + numberNulls.count > 0 else {
            return (nil, [], "it has no value in any row")
        }
        if uses.numbers.contains(name), numberCount == 0 {
            return (nil, [], "it has no number in any row")
        }
        let missing = ["NA", "NaN"] + TextOrder.sorted(nulls.subtracting(["NA", "NaN"]))
        if isCondition, uses.conditions.contains(name) { return (.boolean, missing, nil) }
        let isCode = hasLeadingZero && !uses.numbers.contains(name)
        if textCount == 0, numberCount > 0, !uses.categories.contains(name), !isCode {
            return (number, missing + TextOrder.sorted(numberNulls), nil)
        }
        return category(missing)
    }

    private var reasonToLeaveOut: String? {
        if name.isEmpty { return "it has no name in the first line" }
        if name == InferredDictionary.person { return "its name stands for the row itself; give it another" }
        if isRepeated { return "the first line has more than one column of that name" }
        if name != name.withoutPadding {
            return "the first line has spaces around the name, perhaps invisible ones; take them out"
        }
        if !DataDictionary.Variable.isName(name) { return "no formula could use its name" }
        return absentFrom.map { "\($0) has no such column" }
    }

    /// What a dictionary allows as a level.
    private static func isLevel(_ text: String) -> Bool {
        text.contains { !$0.isWhitespace } && !text.contains(where: \.isNewline)
    }

    private var number: DataDictionary.Variable.Kind {
        let steps = [1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001]
        // A range has two ends, also where all cells are equal.
        return .number(
            lower: lower, upper: upper > lower ? upper : max(lower + 1, lower.nextUp),
            resolution: decimals < steps.count ? steps[decimals] : nil)
    }

    private func category(_ missing: [String]) -> Result {
        let isText =
            textCount > 0 && numberCount > textCount
            ? "line \(textLine) has no number in it, so that it was read as text" : nil
        let isCode = textCount == 0 && hasLeadingZero ? "it has leading zeros, and was read as codes" : nil
        guard levels.count <= InferredDictionary.levelsMax else {
            let tooMany =
                "it has more than \(InferredDictionary.levelsMax) different texts, which no analysis can use"
            return (nil, [], [isText ?? isCode, tooMany].compactMap(\.self).joined(separator: ", and "))
        }
        guard levels.allSatisfy(Self.isLevel) else {
            return (nil, [], "it has a text that is blank or has several lines, which no level may be")
        }
        let sorted = TextOrder.sorted(levels)
        return (
            .category(
                levels: sorted.count > 1 ? sorted : sorted + [InferredDictionary.otherLevel],
                reference: sorted[0]), missing, isText ?? isCode
        )
    }
}

import Cryptography
import Survival

/// A patient file as everything reads it that reads such files: an import, a fit, the guess of a dictionary.
///
/// The first line must be text with the names of the columns that are wanted; a row must have a field for each name, and all of them
/// must be UTF-8 without NULs, used or not. What breaks a rule is recorded by line and column, and the file is read on to its end,
/// so that one report has all.
struct PatientReader: ~Copyable {
    /// What the file is read for, which errors say.
    enum Use { case importing, fitting }

    private let path: String
    private let use: Use
    /// The names in the first line.
    let names: [String]
    /// Where each name stands first.
    private let placeOfName: [String: Int]
    private var scanner: CSVScanner
    private var rejected: RejectedRows
    private var isFirstRow = true
    private(set) var rules: [CellRule] = []
    /// The same, without the count of references that each use would change; `rules` keeps them alive.
    private var ruleReferences: [Unmanaged<CellRule>] = []
    /// For each rule, the place of its column in a line.
    private var places: [Int] = []
    /// The rule of each place in a line, nil where none is.
    private var ruleAtPlace: [Int?] = []

    /// Opens the file and reads its first line.
    init(path: String, for use: Use) throws(StoreError) {
        var scanner = try Self.open(path, use)
        let names: [String]
        do throws(CSVFault) { names = try Self.header(&scanner) } catch { throw Self.error(path, use, error) }
        self.scanner = scanner
        (self.path, self.use, self.names) = (path, use, names)
        rejected = RejectedRows(path: path, isForImport: use == .importing)
        placeOfName = Dictionary(zip(names, 0...), uniquingKeysWith: { first, _ in first })
        ruleAtPlace = Array(repeating: nil, count: names.count)
    }

    private static func open(_ path: String, _ use: Use) throws(StoreError) -> CSVScanner {
        do throws(CSVFault) { return try CSVScanner(path: path) } catch { throw Self.error(path, use, error) }
    }

    private static func header(_ scanner: inout CSVScanner) throws(CSVFault) -> [String] {
        guard try scanner.next() else { throw CSVFault.empty }
        guard !scanner.hasZeroByte else { throw CSVFault.headerNotText }
        var names: [String] = []
        for place in 0..<scanner.fieldCount {
            guard let name = String(validating: scanner.field(place), as: UTF8.self) else {
                throw CSVFault.headerNotText
            }
            names.append(name)
        }
        if names[0].lowercased().hasPrefix("sep="), names.count <= 2 { throw CSVFault.separatorLine }
        return names
    }

    static func error(_ path: String, _ use: Use, _ fault: CSVFault) -> StoreError {
        use == .importing ? .csv(path, fault) : .localFile(path, fault)
    }

    func error(_ fault: CSVFault) -> StoreError { Self.error(path, use, fault) }

    // MARK: - The first line

    /// Sets what is read of each row: the variables, in this order, and other columns that must be there.
    ///
    /// A row whose `person` is missing is refused. Throws for columns that are not there, or there more than once.
    mutating func choose(
        _ variables: [DataDictionary.Variable], person: String?, others: [String] = []
    ) throws(StoreError) {
        let columns = variables.map(\.column)
        try requireColumns(columns + others)
        rules = variables.map { CellRule($0, isPerson: $0.name == person) }
        ruleReferences = rules.map(Unmanaged.passUnretained)
        places = columns.map { placeOfName[$0] ?? 0 }
        for (rule, place) in places.enumerated() { ruleAtPlace[place] = rule }
    }

    private func requireColumns(_ columns: [String]) throws(StoreError) {
        let missing = columns.filter { placeOfName[$0] == nil }
        let wanted = Set(columns)
        var counts: [String: Int] = [:]
        for name in names where wanted.contains(name) { counts[name, default: 0] += 1 }
        let repeated = columns.filter { counts[$0, default: 0] > 1 }
        guard missing.isEmpty, repeated.isEmpty else {
            throw error(headerFault(missing, repeated: Array(Set(repeated)).sorted()))
        }
    }

    private func headerFault(_ missing: [String], repeated: [String]) -> CSVFault {
        let fault = CSVFault.header(missing: missing, repeated: repeated)
        guard repeated.isEmpty else { return fault }
        if isPerhapsComment { return .commentLine }
        let trimmed = Set(names.map(\.withoutPadding))
        if missing.allSatisfy(trimmed.contains) { return .paddedNames(missing) }
        let seen = Set(names.map(\.withoutUnseen))
        if missing.allSatisfy(seen.contains) { return .unseenCharacters(missing) }
        let lowercased = Set(trimmed.map { $0.lowercased() })
        return missing.allSatisfy { lowercased.contains($0.lowercased()) } ? .otherCapitals(missing) : fault
    }

    /// Whether the first line looks like a remark about the file.
    private var isPerhapsComment: Bool {
        names[0].hasPrefix("#") && (names.count == 1 || names[0].hasPrefix("# "))
    }

    /// Refuses a first line that is a comment, where no column is known that it should have.
    func refuseComment() throws(StoreError) {
        if isPerhapsComment { throw error(.commentLine) }
    }

    /// Names of columns that are not read.
    ///
    /// To be shown only where columns of a dictionary were chosen: without, the first line may be a patient.
    var ignoredColumns: [String] { zip(names, ruleAtPlace).filter { $0.1 == nil }.map(\.0) }

    // MARK: - Rows

    /// Goes to the next row that has all its fields; others are recorded.
    mutating func next() throws(StoreError) -> Bool {
        do throws(CSVFault) {
            while try scanner.next() {
                defer { isFirstRow = false }
                if isWhole() { return true }
            }
            return false
        } catch {
            throw self.error(error)
        }
    }

    private mutating func isWhole() -> Bool {
        guard scanner.fieldCount == names.count else {
            reject(oddity)
            return false
        }
        if isFirstRow, isRuler {
            reject("a ruler of dashes, as SQL tools draw it under the names; take the line out")
            return false
        }
        return scanner.hasHighByte || scanner.hasZeroByte ? areTexts() : true
    }

    /// What a line is that has not the fields of the first one.
    private var oddity: String {
        let (found, expected) = (scanner.fieldCount, names.count)
        let first = scanner.field(0)
        if scanner.hasZeroByte { return "NUL bytes; the file was not written to its end" }
        if found == 1, first.count == 1, first[0] == 0x1A {
            return "a mark for the end of the file (Ctrl-Z); take it out"
        }
        if found <= 3, isRowCount {
            return "a count of rows, as SQL tools write it under a table; take the line out"
        }
        let rule = "\(counted(found, "field")) where the first line has \(expected)"
        let endsInComma = found == expected + 1 && scanner.field(found - 1).isEmpty
        return rule + (endsInComma ? "; the line ends in a comma too many" : "")
    }

    /// Whether a line is `(2 rows)`, `1,204 rows selected.`, `(1 row affected)`, `2 record(s) selected.` or `no rows selected`.
    private var isRowCount: Bool {
        // Commas in a large number make fields of it.
        let text = (0..<scanner.fieldCount).map {
            String(decoding: scanner.field($0).prefix(60), as: UTF8.self)
        }
        .joined()
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }
        guard words.count >= 2, words[0] == "no" || Int(words[0]) != nil else { return false }
        return ["row", "rows", "record", "records"].contains(words[1])
    }

    private var isRuler: Bool {
        (0..<scanner.fieldCount).allSatisfy { place in
            let field = scanner.field(place)
            return field.count > 1 && field.allSatisfy { $0 == UInt8(ascii: "-") }
        }
    }

    /// Whether every field of the record, used or not, is UTF-8 without NUL.
    private mutating func areTexts() -> Bool {
        var areGood = true
        for place in 0..<scanner.fieldCount {
            let field = scanner.field(place)
            if field.contains(0) {
                reject(.zeroByte, place: place)
            } else if String(validating: field, as: UTF8.self) == nil {
                reject(.notUTF8, place: place)
            } else {
                continue
            }
            areGood = false
        }
        return areGood
    }

    /// The current row's cell of a chosen variable; one that breaks a rule is recorded.
    @inline(__always)
    mutating func cell(_ rule: Int) -> Cell {
        let place = places[rule]
        let bytes = scanner.field(place)
        let cell = ruleReferences[rule]._withUnsafeGuaranteedRef { $0.cell(bytes) }
        if case .refused(let fault) = cell { reject(fault, place: place) }
        return cell
    }

    /// The bytes of a chosen variable's cell, until the next row.
    @inline(__always)
    borrowing func bytes(_ rule: Int) -> UnsafeBufferPointer<UInt8> { scanner.field(places[rule]) }

    /// The bytes of a field by its place in the line, until the next row.
    borrowing func field(_ place: Int) -> UnsafeBufferPointer<UInt8> { scanner.field(place) }

    func place(of name: String) -> Int? { placeOfName[name] }

    var line: Int { scanner.recordLine }

    /// Records that a cell outside the chosen variables breaks a rule.
    mutating func reject(_ rule: String, column: String) {
        rejected.add(.init(line: scanner.recordLine, position: nil, column: column, rule: rule))
    }

    private mutating func reject(_ rule: String) {
        rejected.add(.init(line: scanner.recordLine, position: nil, column: nil, rule: rule))
    }

    private mutating func reject(_ fault: CellFault, place: Int) {
        let variable = ruleAtPlace[place].map { rules[$0].variable }
        rejected.add(
            .init(
                line: scanner.recordLine, position: place + 1, column: variable?.column,
                rule: fault.rule(for: variable)))
    }

    // MARK: - The end

    /// Whether nothing has broken a rule so far.
    var isGood: Bool { rejected.total == 0 }

    /// Throws everything that broke a rule.
    func requireGood() throws(StoreError) {
        guard rejected.total == 0 else { throw StoreError.rejectedRows(rejected) }
    }

    var blankLineCount: Int { scanner.blankLineCount }

    /// SHA-256 of the whole file; after `next()` returned false.
    mutating func digest() -> SHA256Digest { scanner.digest() }
}

extension String {
    /// Without characters that nobody sees, wherever they stand.
    fileprivate var withoutUnseen: String {
        String(String.UnicodeScalarView(unicodeScalars.filter(\.isSeen))).withoutPadding
    }

    /// Without blanks and characters that nobody sees at its ends.
    var withoutPadding: String {
        let isSeen = { (scalar: Unicode.Scalar) in
            !scalar.properties.isWhitespace
                && ![.format, .control].contains(scalar.properties.generalCategory)
        }
        guard let first = unicodeScalars.firstIndex(where: isSeen),
            let last = unicodeScalars.lastIndex(where: isSeen)
        else { return "" }
        return String(unicodeScalars[first...last])
    }
}

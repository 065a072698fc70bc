import Cryptography
import Foundation
import GRDB
import Survival

/// Reads one patient file into the table of its dictionary, inside the caller's transaction.
///
/// After the first problem nothing is written any more; the file is read on to its end, so that one report
/// has all.
struct CohortImport: ~Copyable {
    private let path: String
    private let rules: [CellRule]
    /// The same, without the count of references that each use would change; `rules` keeps them alive.
    private let ruleReferences: [Unmanaged<CellRule>]
    private let insertion: RowInserter
    private var scanner: CSVScanner
    private var snapshot: SnapshotHasher
    private var prepared: PreparedColumns
    private let storage: PreparedStorage
    private var rejected: RejectedRows
    /// For each rule, the place of its column in a line.
    private var places: [Int] = []
    /// The rule of each place in a line, nil where the dictionary uses none.
    private var ruleAtPlace: [Int?] = []
    private var ignoredColumns: [String] = []
    /// The texts of the levels, as they are stored, by rule.
    private let levelTexts: [[[UInt8]]]

    /// What was read, when all of it was good.
    struct Outcome {
        var fileDigest: SHA256Digest
        var snapshot: SHA256Digest
        var rowCount: Int
        var ignoredColumns: [String]
        var blankLineCount: Int
    }

    init(path: String, schema: PatientTableSchema, dictionary: InstalledDictionary, into db: Database) throws
    {
        let scanner: CSVScanner
        do {
            scanner = try CSVScanner(path: path)
        } catch {
            throw StoreError.csv(path, error)
        }
        let insertion = try RowInserter(db, sql: schema.insertion)
        let storage = try PreparedStorage(db, replacing: dictionary.identifier)
        (self.path, self.insertion, self.storage) = (path, insertion, storage)
        self.scanner = scanner
        rules = schema.variables.map { CellRule($0, isPerson: $0.name == schema.person.name) }
        ruleReferences = rules.map(Unmanaged.passUnretained)
        levelTexts = schema.variables.map { variable in
            guard case .category(let levels, _) = variable.kind else { return [] }
            return levels.map { Array($0.utf8) }
        }
        snapshot = SnapshotHasher(dictionary: dictionary.sha256)
        prepared = PreparedColumns(schema, dictionary: dictionary.sha256)
        rejected = RejectedRows(path: path)
    }

    /// Reads the whole file; throws the first CSV fault, or every problem at its end.
    consuming func run() throws -> Outcome {
        do {
            try readHeader()
            while try scanner.next() { try readRow() }
        } catch let fault as CSVFault {
            throw StoreError.csv(path, fault)
        }
        guard rejected.total == 0 else { throw StoreError.rejectedRows(rejected) }
        let rowCount = snapshot.rowCount
        guard rowCount > 0 else { throw StoreError.csv(path, .headerOnly) }
        let digest = snapshot.finish()
        try storage.store(prepared.finish(snapshot: digest, rowCount: rowCount, storage.store))
        return Outcome(
            fileDigest: scanner.digest(), snapshot: digest, rowCount: rowCount,
            ignoredColumns: ignoredColumns, blankLineCount: scanner.blankLineCount)
    }

    private mutating func readHeader() throws {
        guard try scanner.next() else { throw CSVFault.empty }
        guard !scanner.hasZeroByte else { throw CSVFault.headerNotText }
        let names = try (0..<scanner.fieldCount).map { index in
            guard let name = String(validating: scanner.field(index), as: UTF8.self) else {
                throw CSVFault.headerNotText
            }
            return name
        }
        let columns = rules.map(\.variable.column)
        let missing = columns.filter { !names.contains($0) }
        let repeated = columns.filter { column in names.count { $0 == column } > 1 }
        guard missing.isEmpty, repeated.isEmpty else {
            throw CSVFault.header(missing: missing, repeated: repeated)
        }
        places = columns.map { names.firstIndex(of: $0) ?? 0 }
        ruleAtPlace = names.map { name in columns.firstIndex(of: name) }
        // Only here, where every column of the dictionary was found, is the first line known to be a header.
        ignoredColumns = zip(names, ruleAtPlace).filter { $0.1 == nil }.map(\.0)
    }

    private mutating func readRow() throws {
        guard scanner.fieldCount == ruleAtPlace.count else {
            let (found, expected) = (scanner.fieldCount, ruleAtPlace.count)
            reject(rule: "\(found) \(found == 1 ? "field" : "fields") where the first line has \(expected)")
            return
        }
        if scanner.hasHighByte || scanner.hasZeroByte {
            guard areTexts() else { return }
        }
        for rule in rules.indices { readCell(rule) }
        snapshot.endRow()
        guard rejected.total == 0 else { return }
        try insertion.insert()
        try prepared.endRow(storage.store)
    }

    private mutating func readCell(_ index: Int) {
        let bytes = scanner.field(places[index])
        let cell = ruleReferences[index]._withUnsafeGuaranteedRef { $0.cell(bytes) }
        switch cell {
        case .refused(let fault):
            reject(fault, place: places[index])
            return
        case .missing: insertion.bindNull(index)
        case .number(let value): insertion.bind(index, value)
        case .boolean(let value): insertion.bind(index, value)
        case .text: insertion.bind(index, borrowing: bytes)
        case .level(let level):
            levelTexts[index][Int(level)].withUnsafeBufferPointer { insertion.bind(index, borrowing: $0) }
        }
        snapshot.add(cell, text: bytes)
        if rejected.total == 0 { prepared.add(index, cell, text: bytes) }
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

    private mutating func reject(_ fault: CellFault, place: Int) {
        let variable = ruleAtPlace[place].map { rules[$0].variable }
        reject(place: place, column: variable?.column, rule: fault.rule(for: variable))
    }

    private mutating func reject(place: Int? = nil, column: String? = nil, rule: @autoclosure () -> String) {
        let line = scanner.recordLine
        rejected.add(.init(line: line, position: place.map { $0 + 1 }, column: column, rule: rule()))
    }
}

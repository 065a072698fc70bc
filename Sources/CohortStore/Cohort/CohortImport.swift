import Cryptography
import Foundation
import GRDB
import Survival

/// Reads one patient file into the table of its dictionary, inside the caller's transaction.
///
/// After the first problem nothing is written any more; the file is read on to its end, so that one report
/// has all.
struct CohortImport: ~Copyable {
    private let insertion: RowInserter
    private var reader: PatientReader
    private let variableCount: Int
    private var snapshot: SnapshotHasher
    private var people = CountedPeople()
    private var repeated = RepeatedRows()
    private let personPlace: Int
    /// The texts of the levels, as they are stored, by variable.
    private let levelTexts: [[[UInt8]]]

    /// What was read, when all of it was good.
    struct Outcome {
        var fileDigest: SHA256Digest
        var snapshot: SHA256Digest
        var rowCount: Int
        var personCount: Int
        var severalRowsPersonCount: Int
        /// Rows that are the same as an earlier one in every variable.
        var repeatedRowCount: Int
        var ignoredColumns: [String]
        var blankLineCount: Int
    }

    init(path: String, schema: PatientTableSchema, dictionary: InstalledDictionary, into db: Database) throws
    {
        var reader = try PatientReader(path: path, for: .importing)
        try reader.choose(schema.variables, person: schema.person.name)
        let insertion = try RowInserter(db, sql: schema.insertion)
        self.insertion = insertion
        self.reader = reader
        (variableCount, personPlace) = (schema.variables.count, schema.personPlace)
        levelTexts = schema.variables.map { variable in
            guard case .category(let levels, _) = variable.kind else { return [] }
            return levels.map { Array($0.utf8) }
        }
        snapshot = SnapshotHasher(dictionary: dictionary.sha256)
    }

    /// Reads the whole file; throws the first CSV fault, or every problem at its end.
    consuming func run() throws -> Outcome {
        while try reader.next() { try readRow() }
        try reader.requireGood()
        let rowCount = snapshot.rowCount
        guard rowCount > 0 else { throw reader.error(.headerOnly) }
        let people = people.finish()
        let repeatedRowCount = people.all < rowCount ? repeated.count() : 0
        return Outcome(
            fileDigest: reader.digest(), snapshot: snapshot.finish(), rowCount: rowCount,
            personCount: people.all, severalRowsPersonCount: people.withSeveralRows,
            repeatedRowCount: repeatedRowCount, ignoredColumns: reader.ignoredColumns,
            blankLineCount: reader.blankLineCount)
    }

    private mutating func readRow() throws {
        for variable in 0..<variableCount { readCell(variable) }
        snapshot.endRow()
        guard reader.isGood else { return }
        repeated.endRow()
        try insertion.insert()
    }

    private mutating func readCell(_ index: Int) {
        let cell = reader.cell(index)
        let bytes = reader.bytes(index)
        switch cell {
        case .refused: return
        case .missing: insertion.bindNull(index)
        case .number(let value): insertion.bind(index, value)
        case .boolean(let value): insertion.bind(index, value)
        case .text: insertion.bind(index, borrowing: bytes)
        case .level(let level):
            levelTexts[index][Int(level)].withUnsafeBufferPointer { insertion.bind(index, borrowing: $0) }
        }
        snapshot.add(cell, text: bytes)
        guard reader.isGood else { return }
        if index == personPlace { people.append(bytes) }
        repeated.add(cell, text: bytes)
    }
}

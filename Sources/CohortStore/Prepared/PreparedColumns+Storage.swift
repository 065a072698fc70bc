import Cryptography
import Foundation
import GRDB
import GRDBSQLite
import Survival

/// Puts prepared columns into the file, in the transaction of the import.
struct PreparedStorage {
    private let db: Database
    private let dictionary: String
    private let insertion: Statement

    /// Takes out what was prepared of earlier rows.
    init(_ db: Database, replacing dictionary: String) throws {
        (self.db, self.dictionary) = (db, dictionary)
        for table in ["prepared_columns", "prepared_parts"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE dictionary = ?", arguments: [dictionary])
        }
        insertion = try db.makeStatement(
            sql: "INSERT INTO prepared_parts (dictionary, variable, part, cells) VALUES (?, ?, ?, ?)")
    }

    func store(_ variable: String, _ part: Int, _ cells: [UInt8]) throws {
        try insertion.execute(arguments: [dictionary, variable, part, Data(cells)])
    }

    func store(_ codes: [String: [UInt8]]) throws {
        for (variable, code) in codes.sorted(by: { $0.key < $1.key }) {
            try db.execute(
                sql: "INSERT INTO prepared_columns (dictionary, variable, code) VALUES (?, ?, ?)",
                arguments: [dictionary, variable, Data(code)])
        }
    }
}

/// Compares prepared columns with those that the rows would have.
struct PreparedComparison {
    /// Whether anything is prepared; a file that was brought up from an older version has nothing until its next import.
    let isPrepared: Bool
    private let codes: [String: [UInt8]]
    private let partCount: Int
    private let selection: Statement
    private let dictionary: String

    init(_ db: Database, dictionary: String) throws {
        self.dictionary = dictionary
        codes = try PreparedReader.codes(db, dictionary: dictionary)
        let sql = "SELECT count(*) FROM prepared_parts WHERE dictionary = ?"
        partCount = try Int.fetchOne(db, sql: sql, arguments: [dictionary]) ?? 0
        selection = try db.makeStatement(
            sql: "SELECT cells FROM prepared_parts WHERE dictionary = ? AND variable = ? AND part = ?")
        isPrepared = !codes.isEmpty || partCount > 0
    }

    /// Whether the stored part has these bytes.
    func isStored(_ variable: String, _ part: Int, _ cells: [UInt8]) throws -> Bool {
        try Data.fetchOne(selection, arguments: [dictionary, variable, part]) == Data(cells)
    }

    /// Whether these codes, and as many parts, are all that is stored.
    func areAll(_ codes: [String: [UInt8]], partCount: Int) -> Bool {
        codes == self.codes && partCount == self.partCount
    }
}

/// Reads prepared columns; nil for whatever is not there, or not what the dictionary's last import stored.
struct PreparedReader {
    private let db: Database
    private let installed: InstalledDictionary
    private let record: ImportRecord
    private let codes: [String: [UInt8]]

    init?(_ db: Database, _ installed: InstalledDictionary) throws {
        guard let record = installed.lastImport, record.rowCount > 0 else { return nil }
        (self.db, self.installed, self.record) = (db, installed, record)
        codes = try PreparedReader.codes(db, dictionary: installed.identifier)
    }

    static func codes(_ db: Database, dictionary: String) throws -> [String: [UInt8]] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT variable, code FROM prepared_columns WHERE dictionary = ?",
            arguments: [dictionary])
        let codes: [(String, [UInt8])] = try rows.map { row in
            (try row.stored("variable") as String, try row.stored("code") as [UInt8])
        }
        return Dictionary(codes, uniquingKeysWith: { first, _ in first })
    }

    /// The variables and whose rows they are, or nil if any of them cannot be had.
    func table(_ variables: [DataDictionary.Variable], person: DataDictionary.Variable) throws
        -> PatientTable?
    {
        guard let people = try indices(person.name), PreparedReader.areNumberedInOrder(people) else {
            return nil
        }
        var columns: [String: Survival.Column] = [:]
        for variable in variables {
            guard let column = try column(variable) else { return nil }
            columns[variable.name] = column
        }
        return PatientTable(rowCount: people.count, person: people, columns: columns)
    }

    private func column(_ variable: DataDictionary.Variable) throws -> Survival.Column? {
        switch variable.kind {
        case .number: try numbers(variable.name).map(Survival.Column.number)
        case .boolean: try numbers(variable.name).map(Survival.Column.boolean)
        case .category(let levels, _):
            try indices(variable.name).flatMap { indices in
                indices.allSatisfy { $0 >= -1 && $0 < levels.count } ? .category(indices) : nil
            }
        case .identifier: nil
        }
    }

    private func numbers(_ variable: String) throws -> [Double]? {
        try values(of: variable) { bytes, target in PreparedPart.decode(bytes, into: target) }
    }

    private func indices(_ variable: String) throws -> [Int32]? {
        try values(of: variable) { bytes, target in PreparedPart.decode(bytes, into: target) }
    }

    /// Decodes the parts of a column one after the other into their places, and checks its code.
    private func values<Value>(
        of variable: String,
        decode: (UnsafeRawBufferPointer, UnsafeMutableBufferPointer<Value>) -> Bool
    ) throws -> [Value]? {
        guard let stored = codes[variable] else { return nil }
        let code = ColumnCode(variable, dictionary: installed.sha256)
        let parts = try RowStepper(
            db,
            sql: "SELECT part, cells FROM prepared_parts WHERE dictionary = ? AND variable = ? ORDER BY part",
            arguments: [installed.identifier, variable])
        var isWhole = false
        let values = try [Value](unsafeUninitializedCapacity: record.rowCount) { buffer, count in
            LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
            var (next, part) = (0, 0)
            while try parts.next() {
                let rowCount = min(PreparedPart.rowCount, record.rowCount - next)
                guard rowCount > 0, parts.integer(0) == part, let cells = parts.blob(1) else { return }
                let target = UnsafeMutableBufferPointer(rebasing: buffer[next..<next + rowCount])
                guard decode(cells, target) else { return }
                code.update(cells)
                (next, part) = (next + rowCount, part + 1)
            }
            isWhole = next == record.rowCount
            count = isWhole ? next : 0
        }
        guard isWhole, code.finish(snapshot: record.snapshot, rowCount: record.rowCount) == stored else {
            return nil
        }
        return values
    }

    /// Whether each index is one that came before, or the next.
    private static func areNumberedInOrder(_ people: [Int32]) -> Bool {
        var next: Int32 = 0
        for person in people {
            guard person >= 0, person <= next else { return false }
            if person == next { next += 1 }
        }
        return true
    }
}

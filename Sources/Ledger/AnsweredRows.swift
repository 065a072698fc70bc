package import Cryptography
import Foundation
import GRDB
import SQLiteFiles

/// Rows by numbers that the ledger gave them, for good.
package struct NumberedRows: Sendable {
    /// The number of each row that was asked about.
    package var numbers: [Int]
    /// The person of each number that there is, from 0.
    package var person: [Int32]
}

/// The rows of one analysis, to be kept with its first answer; sets of numbers are bits, the lowest first.
package struct CohortRecord: Hashable, Sendable {
    package var analysis: String
    package var people: Int
    package var rows: [UInt8]
    /// Nil if missing values are not all that keeps rows out.
    package var eligible: [UInt8]?

    package init(analysis: String, people: Int, rows: [UInt8], eligible: [UInt8]?) {
        (self.analysis, self.people, self.rows, self.eligible) = (analysis, people, rows, eligible)
    }

    /// The identity of the two sets.
    package var digest: SHA256Digest {
        let parts = [rows] + (eligible.map { [$0] } ?? [])
        return SHA256Digest(
            of: Array("coxswain cohort 1\n".utf8) + parts.flatMap { SHA256Digest(of: $0).bytes })
    }
}

/// A set of rows that left this hospital in sums, and for which analyses.
package struct AnsweredRows: Hashable, Sendable {
    package var record: CohortRecord
    package var answers: [Answer]

    package struct Answer: Hashable, Sendable {
        package var study: SHA256Digest
        package var analysis: String
        package var session: String
        package var at: Int
    }
}

extension NodeLedger {
    /// Numbers rows by their codes, which were made under a key of this digest; a row that is new gets the next number.
    ///
    /// - Throws: `LedgerError.otherPersonKey` if earlier rows were coded under another key, so that nobody could be recognised.
    package func number(_ rows: [RowCode], codedUnder key: SHA256Digest) throws(LedgerError) -> NumberedRows {
        try file.write { db in
            try NodeLedger.requireKey(db, key)
            var known = try KnownRows(db)
            let insertion = try db.makeStatement(
                sql: "INSERT INTO cohort_rows (number, code, ordinal) VALUES (?, ?, ?)")
            let numbers = try rows.map { row in
                let (number, isNew) = known.number(of: row)
                if isNew {
                    try insertion.execute(arguments: [number, Data(row.person.bytes), row.ordinal])
                }
                return number
            }
            return NumberedRows(numbers: numbers, person: known.person)
        }
    }

    /// Every set of rows that was answered for, the oldest first.
    package func answeredRows() throws(LedgerError) -> [AnsweredRows] {
        try file.read { db in
            var answers: [Int: [AnsweredRows.Answer]] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT * FROM cohort_answers ORDER BY at, rowid") {
                let answer = AnsweredRows.Answer(
                    study: try row.stored("study"), analysis: try row.stored("analysis"),
                    session: try row.stored("session"), at: try row.stored("at"))
                answers[try row.stored("cohort"), default: []].append(answer)
            }
            return try Row.fetchAll(db, sql: "SELECT * FROM cohorts ORDER BY id").map { row in
                let uses = answers[try row.stored("id")] ?? []
                let record = CohortRecord(
                    analysis: uses.first?.analysis ?? "", people: try row.stored("people"),
                    rows: try row.stored("members"), eligible: try row.storedOptional("eligible"))
                guard record.digest == (try row.stored("digest")) else { throw UnexpectedValue() }
                return AnsweredRows(record: record, answers: uses)
            }
        }
    }

    /// Keeps whose rows a session's analyses sum, with the answer that is the first to hold them.
    static func record(
        _ db: Database, _ cohorts: [CohortRecord], session: String, study: SHA256Digest, at time: Int
    ) throws {
        for cohort in cohorts {
            try db.execute(
                sql: "INSERT OR IGNORE INTO cohorts (digest, people, members, eligible) VALUES (?, ?, ?, ?)",
                arguments: [
                    cohort.digest.hex, cohort.people, Data(cohort.rows), cohort.eligible.map { Data($0) },
                ])
            try db.execute(
                sql: """
                    INSERT INTO cohort_answers (cohort, study, analysis, session, at)
                    SELECT id, ?, ?, ?, ? FROM cohorts WHERE digest = ?
                    """,
                arguments: [study.hex, cohort.analysis, session, time, cohort.digest.hex])
        }
    }

    private static func requireKey(_ db: Database, _ key: SHA256Digest) throws {
        if let known = try String.fetchOne(db, sql: "SELECT sha256 FROM cohort_key") {
            guard known == key.hex else { throw LedgerError.otherPersonKey }
            return
        }
        try db.execute(sql: "INSERT INTO cohort_key (id, sha256) VALUES (1, ?)", arguments: [key.hex])
    }
}

/// The rows that have numbers, with their people.
private struct KnownRows {
    private var numbers: [RowCode: Int] = [:]
    private var people: [PersonCode: Int32] = [:]
    private(set) var person: [Int32] = []

    init(_ db: Database) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM cohort_rows ORDER BY number")
        while let row = try rows.next() {
            let code = RowCode(
                person: PersonCode(bytes: try row.stored("code") as [UInt8]),
                ordinal: try row.stored("ordinal"))
            guard try row.stored("number") == person.count, number(of: code).isNew else {
                throw UnexpectedValue()
            }
        }
    }

    /// The row's number, which is the next if it had none.
    mutating func number(of row: RowCode) -> (number: Int, isNew: Bool) {
        if let number = numbers[row] { return (number, false) }
        let number = person.count
        numbers[row] = number
        let next = Int32(people.count)
        person.append(people[row.person, default: next])
        if people[row.person] == nil { people[row.person] = next }
        return (number, true)
    }
}

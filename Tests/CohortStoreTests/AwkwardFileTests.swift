import Survival
import TestFiles
import Testing

@testable import CohortStore

/// Files as people hand them in: each is the right table, or one sentence that says what it is, where, and what next; by every reader
/// of such files.
struct AwkwardFileTests {
    /// A file, and the rows that are right or the sentence without the file's name.
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var bytes: [UInt8]
        var rows: [Row]?
        var fault: String?
        /// The sentence where no dictionary says which columns there must be; the same unless given.
        var guessFault: String?

        init(_ name: String, _ bytes: [UInt8], rows: [Row]) {
            (description, self.bytes, self.rows) = (name, bytes, rows)
        }
        init(_ name: String, _ bytes: [UInt8], _ fault: String, guess: String? = nil) {
            (description, self.bytes, self.fault, guessFault) = (name, bytes, fault, guess ?? fault)
        }
        init(_ name: String, _ text: String, rows: [Row]) { self.init(name, Array(text.utf8), rows: rows) }
        init(_ name: String, _ text: String, _ fault: String, guess: String? = nil) {
            self.init(name, Array(text.utf8), fault, guess: guess)
        }
    }

    struct Row: Hashable, Sendable {
        var months: Double
        var died: Double
    }

    static let good = [Row(months: 3, died: 1), Row(months: 5, died: 0)]
    private static let header = "patient,months,died\n"
    private static let utf16 = header + "a,3,1\n"
    /// What a guess says of a name that is not there is said by the study's check, by name.
    private static let open = "-"

    static let cases: [Case] = [
        .init("plain", header + "a,3,1\nb,5,0\n", rows: good),
        .init(
            "CR LF, a mark of UTF-8, no end of the last line",
            "\u{FEFF}patient,months,died\r\na,3,1\r\nb,5,0", rows: good),
        .init("a comma after every line", "patient,months,died,\r\na,3,1,\r\nb,5,0,\r\n", rows: good),
        .init("other columns, in another order", "x,died,months,patient\n,1,3,a\n,0,5,b\n", rows: good),
        .init("pandas' booleans", header + "a,3.0,True\nb,5.0,False\n", rows: good),
        .init("PostgreSQL's booleans", header + "a,3,t\nb,5,f\n", rows: good),
        .init(
            "R's booleans, quoted", "\"patient\",\"months\",\"died\"\n\"a\",3,TRUE\n\"b\",5,FALSE\n",
            rows: good),
        .init("pandas' booleans with a gap", header + "a,3,1.0\nb,5,0.0\n", rows: good),

        .init(
            "other capital letters", "Patient,Months,Died\na,3,1\n",
            "the first line has the names patient, months, died with other capital letters; names are those of the dictionary, capital letters included",
            guess: open),
        .init(
            "spaces around names", "patient, months, died\na, 3, 1\n",
            "the first line has spaces around the names months, died, perhaps invisible ones; take them out",
            guess: open),
        .init(
            "a space after a name", "patient,months ,died\na,3,1\n",
            "the first line has spaces around the name months, perhaps invisible ones; take them out",
            guess: open),
        .init(
            "a no-break space after a name", "patient,months\u{A0},died\na,3,1\n",
            "the first line has spaces around the name months, perhaps invisible ones; take them out",
            guess: open),
        .init(
            "a space after a quote", "\"patient\",\"months\",\"died\" \r\n\"a\",\"3\",\"1\"\r\n",
            "line 1 goes on after a closing quote; double a quote in a field, and take out spaces after a quoted one"
        ),
        .init(
            "a no-break space after a number", header + "a,3\u{A0},1\nb,5,0\n",
            "1 problem:\n  line 2, column months: a space that cannot be seen, or a no-break one, around the value",
            guess: "1 problem:\n  line 2, column months: not a number"),
        .init(
            "a no-break space after an identifier", header + "A1\u{A0},3,1\nA1,5,0\n",
            "1 problem:\n  line 2, column patient: a space that cannot be seen, or a no-break one, around the value",
            guess: open),
        .init(
            "an identifier that is NA", header + "NA,3,1\nNA,5,0\n",
            "2 problems:\n  line 2, column patient: no identifier; NA, NULL and the like would make one person of all who have it\n  line 3, column patient: no identifier; NA, NULL and the like would make one person of all who have it",
            guess: open),
        .init(
            "no identifier", header + ",3,1\n", "1 problem:\n  line 2, column patient: no identifier",
            guess: open),

        .init(
            "Excel's mark for a comma", "sep=,\r\n" + header + "a,3,1\r\n",
            "the first line is no header but a mark for Excel (sep=,); take that line out of the file"),
        .init(
            "the same in quotes", "\"SEP=,\"\r\n" + header + "a,3,1\r\n",
            "the first line is no header but a mark for Excel (sep=,); take that line out of the file"),
        .init(
            "Excel's mark for a semicolon", "sep=;\r\npatient;months;died\r\n",
            "fields are separated by semicolons; save it with commas"),
        .init(
            "vertical bars", "patient|months|died\na|3|1\n",
            "fields are separated by vertical bars; save it with commas"),
        .init(
            "tabs", "patient\tmonths\tdied\na\t3\t1\n", "fields are separated by tabs; save it with commas"),
        .init(
            "a comment first", "# exported 2026-11-30 by LIMS\n" + header + "a,3,1\n",
            "the first line is a comment (it begins with #); the first line must have the names of the columns"
        ),

        .init(
            "a character that nobody sees within a name", "pat\u{200B}ient,months,died\na,3,1\n",
            "the first line has characters that nobody sees in the name patient; take them out", guess: open),
        .init(
            "Oracle's count of rows", header + "a,3,1\nb,5,0\n\n2 rows selected.\n",
            "1 problem:\n  line 5: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "a large count of rows", header + "a,3,1\n1,204 rows selected.\n",
            "1 problem:\n  line 3: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "DB2's count of rows", header + "a,3,1\n\n  1 record(s) selected.\n",
            "1 problem:\n  line 4: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "MySQL's count of rows", header + "a,3,1\n1 row in set (0.00 sec)\n",
            "1 problem:\n  line 3: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "no rows", header + "no rows selected\n",
            "1 problem:\n  line 2: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "MySQL's box", "+---------+--------+\n| patient | months |\n+---------+--------+\n| a | 1 |\n",
            "this is a table drawn with lines, as SQL tools show it, not CSV; write the table as CSV UTF-8 there"
        ),
        .init(
            "DuckDB's box", "┌─────────┬────────┐\n│ patient │ months │\n",
            "this is a table drawn with lines, as SQL tools show it, not CSV; write the table as CSV UTF-8 there"
        ),
        .init(
            "UTF-16 with a header in Chinese, little end first",
            "患者,月,死亡\na,3,1\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] },
            "the text is UTF-16; save it as CSV UTF-8"),
        .init(
            "UTF-16 with a header in Chinese, big end first",
            "患者,月,死亡\na,3,1\n".utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] },
            "the text is UTF-16; save it as CSV UTF-8"),
        .init(
            "UTF-16, little end first", utf16.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] },
            "the text is UTF-16; save it as CSV UTF-8"),
        .init(
            "UTF-16, big end first", utf16.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] },
            "the text is UTF-16; save it as CSV UTF-8"),
        .init(
            "UTF-16 with its mark",
            [0xFF, 0xFE] + utf16.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] },
            "the text is UTF-16; save it as CSV UTF-8"),
        .init(
            "UTF-32", utf16.unicodeScalars.flatMap { [UInt8($0.value & 0xFF), 0, 0, 0] },
            "the text is UTF-32; save it as CSV UTF-8"),
        .init(
            "Latin-1 in a header", Array("patient,gr".utf8) + [0xFC] + Array("n,died\n".utf8),
            "the first line is not UTF-8 text; save the file as CSV UTF-8"),
        .init(
            "Latin-1 in a cell that is not read",
            Array("patient,months,died,clinic\na,3,1,Kl".utf8) + [0xE4] + Array("rwerk\n".utf8),
            "1 problem:\n  line 2, field 4: not UTF-8 text"),
        .init(
            "NULs at the end", Array((header + "a,3,1\nb,5,0\n").utf8) + [UInt8](repeating: 0, count: 100),
            "1 problem:\n  line 4: NUL bytes; the file was not written to its end"),
        .init("gzip", [0x1F, 0x8B, 8, 8, 0, 0], "this is a compressed file, not CSV; unpack it first"),
        .init("Excel", [0x50, 0x4B, 3, 4, 0, 0], "this is an Excel workbook, not CSV; save it as CSV UTF-8"),
        .init(
            "old Excel", [0xD0, 0xCF, 0x11, 0xE0, 1, 1],
            "this is an old Excel workbook (.xls), not CSV; save it as CSV UTF-8"),
        .init("PDF", "%PDF-1.4\n", "this is a PDF document, not CSV; export the table as CSV UTF-8"),
        .init(
            "HTML", "\n<!DOCTYPE html>\n<table>",
            "this is a web page or XML, not CSV; export the table as CSV UTF-8"),
        .init("JSON", "[{\"patient\": \"a\"}]", "this is JSON, not CSV; write the table as CSV UTF-8 there"),
        .init(
            "RData", "RDX3\nX\n",
            "this is a file of R's own (RData), not CSV; write the table as CSV UTF-8 there"),
        .init("empty", "", "the file is empty"),
        .init("a header alone", header, "the file has a header and no rows"),

        .init(
            "SQL Server's count of rows", header + "a,3,1\r\n\r\n(2 rows affected)\r\n",
            "1 problem:\n  line 4: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "psql's count of rows", header + "a,3,1\n(1 row)\n",
            "1 problem:\n  line 3: a count of rows, as SQL tools write it under a table; take the line out"),
        .init(
            "sqlcmd's ruler", header + "-------,------,----\na,3,1\n",
            "1 problem:\n  line 2: a ruler of dashes, as SQL tools draw it under the names; take the line out"
        ),
        .init(
            "Ctrl-Z at the end", header + "a,3,1\r\n\u{1A}",
            "1 problem:\n  line 3: a mark for the end of the file (Ctrl-Z); take it out"),
        .init(
            "a comma too many in a row", header + "a,3,1,\nb,5,0\n",
            "1 problem:\n  line 2: 4 fields where the first line has 3; the line ends in a comma too many"),
        .init("a field too few", header + "a\n", "1 problem:\n  line 2: 1 field where the first line has 3"),
        .init(
            "SQL's nulls", header + "a,<NA>,1\nb,\\N,0\n",
            "2 problems:\n  line 2, column months: not a number; a code for missing must stand in the dictionary\n  line 3, column months: not a number; a code for missing must stand in the dictionary",
            guess: open),
        .init(
            "a decimal comma", header + "a,\"3,5\",1\nb,5,0\n",
            "1 problem:\n  line 2, column months: a decimal comma; write a decimal point",
            guess: "1 problem:\n  line 2, column months: not a number"),
        .init(
            "a line without end", header + "a,3," + String(repeating: "x", count: 70_000) + "\n",
            "a field of line 2 is longer than 65536 bytes"),
        .init(
            "a quote that is not closed", header + "a,3,\"1\n" + String(repeating: "b,5,0\n", count: 200_000),
            "line 2 is longer than 1048576 bytes; the quote opened in line 2 may not be closed"),
        .init(
            "more columns than fit", String(repeating: "gene00,", count: 200_000) + "x\n",
            "line 1 is longer than 1048576 bytes; leave out columns that no study uses"),
    ]

    private static let dictionary = DataDictionary(
        name: "plain", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "months", kind: .number(lower: 0, upper: 600, resolution: 0.1), unit: "month"),
            .init(name: "died", kind: .boolean),
        ])

    /// What reads such files: an import, a fit with a dictionary, a fit without.
    enum Reader: CaseIterable { case importing, fitting, guessing }

    private func read(_ path: String, by reader: Reader, in folder: TemporaryFolder) throws(StoreError)
        -> PatientTable?
    {
        let variables = ["months", "died"]
        switch reader {
        case .importing:
            let cohort = folder.file("cohort.sqlite")
            try CohortStore.create(at: cohort)
            let store = try CohortStore(path: cohort, access: .importing)
            try store.install(Self.dictionary, text: "plain")
            _ = try store.importCSV(path: path, dictionary: "plain@1", replacing: false)
            return try store.table(dictionary: "plain@1", variables: variables)
        case .fitting:
            return try LocalTable(
                csv: path, dictionary: Self.dictionary, variables: variables, siteColumn: nil
            ).sites.first?.table
        case .guessing:
            let guessed = try InferredDictionary(
                csv: [path], name: "plain", version: 1, uses: .init(numbers: ["months"], conditions: ["died"])
            )
            return try LocalTable(
                csv: path, dictionary: guessed.dictionary, variables: variables, siteColumn: nil
            ).sites.first?.table
        }
    }

    private func rows(_ table: PatientTable?) -> [Row] {
        guard case .number(let months)? = table?.columns["months"],
            case .boolean(let died)? = table?.columns["died"]
        else {
            return []
        }
        return zip(months, died).map { Row(months: $0, died: $1) }
    }

    @Test(arguments: cases)
    func `each file is the right table, or one sentence, by whatever it is read`(file: Case) throws {
        for reader in Reader.allCases {
            let folder = try TemporaryFolder()
            let path = try folder.write(file.bytes, to: "file.csv")
            var table: PatientTable?
            let error = failure { () throws(StoreError) in table = try read(path, by: reader, in: folder) }
            if let expected = file.rows {
                #expect(error == nil, "\(reader)")
                #expect(rows(table) == expected, "\(reader)")
                continue
            }
            guard let fault = reader == .guessing ? file.guessFault : file.fault, fault != Self.open else {
                continue
            }
            let said = error?.description ?? "nothing"
            #expect(
                said.replacing(", nothing was imported", with: "").replacing(
                    "; nothing was imported", with: "") == "\(path): \(fault)", "\(reader)")
            #expect(said.contains("nothing was imported") == (reader == .importing))
        }
    }

    /// Every format that is told apart is told by its own name.
    @Test func `no format is taken for another`() {
        let first: [(ForeignFormat, [UInt8])] = [
            (.stata, Array("<stata_dta><header>".utf8)), (.markup, Array("  <?xml?>".utf8)),
            (.database, Array("SQLite format 3\0".utf8)), (.parquet, Array("PAR1".utf8)),
            (.spss, Array("$FL2@".utf8)),
            (.compressed, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]), (.richText, Array("{\\rtf1".utf8)),
            (.sas, Array("HEADER RECORD*******LIBRARY".utf8)),
        ]
        for (format, bytes) in first { #expect(ForeignFormat(bytes) == format) }
        for text in ["patient,months", "\"a\",b", "#,a", "[Patient ID],x", "a<b,c"] {
            #expect(ForeignFormat(text.utf8) == nil)
        }
    }

    /// Told at the import: people with several rows, and rows that were entered twice.
    @Test func `an import says whose rows are several, and which are the same`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Self.header + "a,3,1\nb,5,0\na,3,1\nc,7,1\nb,6,0\na,3.0,yes\n", to: "file.csv")
        let cohort = folder.file("cohort.sqlite")
        try CohortStore.create(at: cohort)
        let store = try CohortStore(path: cohort, access: .importing)
        try store.install(Self.dictionary, text: "plain")
        let report = try store.importCSV(path: path, dictionary: "plain@1", replacing: false)
        #expect(report.rowCount == 6 && report.personCount == 3)
        #expect(report.severalRowsPersonCount == 2 && report.repeatedRowCount == 2)
        #expect(try store.describe(dictionary: "plain@1").severalRowsPersonCount == 2)
    }
}

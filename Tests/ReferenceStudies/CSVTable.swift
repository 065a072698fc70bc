package import Foundation
package import Survival

/// A comma-separated file with a header; fields as text, empty where missing.
package struct CSVTable: Sendable {
    let columns: [String: Int]
    package let rows: [[String]]

    /// A file of `SurvivalTests/Reference/data`.
    package init(reference file: String) throws {
        try self.init(contentsOf: ReferenceFiles.url("data/\(file)"))
    }

    package init(contentsOf url: URL) throws {
        var records = Self.records(try String(contentsOf: url, encoding: .utf8))
        let header = records.removeFirst()
        columns = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($1, $0) })
        rows = records
    }

    package subscript(row: Int, column: String) -> String {
        guard let index = columns[column] else { fatalError("no column \(column)") }
        return rows[row][index]
    }

    package func column(_ name: String) -> [String] { rows.indices.map { self[$0, name] } }

    private static func records(_ text: String) -> [[String]] {
        var (records, record, field, quoted) = ([[String]](), [String](), "", false)
        var previousWasQuote = false
        for character in text {
            switch character {
            case "\"":
                if !quoted && previousWasQuote { field.append("\"") }
                quoted.toggle()
                previousWasQuote = !quoted
                continue
            case "," where !quoted:
                record.append(field)
                field = ""
            case "\n" where !quoted, "\r\n" where !quoted:
                records.append(record + [field])
                (record, field) = ([], "")
            default: field.append(character)
            }
            previousWasQuote = false
        }
        return records
    }
}

// MARK: - As patients

extension CSVTable {
    /// Some rows as the table of a hospital with this dictionary.
    ///
    /// A row is a person of its own where the file has no column for the dictionary's person.
    package func patients(_ dictionary: DataDictionary, rows: [Int]? = nil) -> PatientTable {
        PatientTable(
            dictionary, rows: rows ?? Array(self.rows.indices), person: { person(dictionary, row: $0) },
            field: field)
    }

    /// The rows dealt to hospitals by chance; all rows of a person come to one hospital.
    package func dealt(_ dictionary: DataDictionary, sites: Int, seed: UInt64 = 4) -> [PatientTable] {
        var random = SeededGenerator(seed)
        var home: [String: Int] = [:]
        let places = rows.indices.map { row in
            let name = person(dictionary, row: row)
            let place = home[name] ?? Int.random(in: 0..<sites, using: &random)
            home[name] = place
            return place
        }
        return (0..<sites).map { site in
            patients(dictionary, rows: rows.indices.filter { places[$0] == site })
        }
    }

    private func person(_ dictionary: DataDictionary, row: Int) -> String {
        field(row, dictionary[dictionary.person]?.column ?? "") ?? "\(row)"
    }

    /// Nil if there is no such column.
    func field(_ row: Int, _ column: String) -> String? { columns[column].map { rows[row][$0] } }
}

extension PatientTable {
    /// Rows as a hospital imports them: numbers, conditions (1 or 0) and levels, of which numbers are compared as numbers.
    ///
    /// A column for which there are no fields is left out.
    init(
        _ dictionary: DataDictionary, rows: [Int], person: (Int) -> String,
        field: (_ row: Int, _ column: String) -> String?
    ) {
        var columns: [String: Column] = [:]
        for variable in dictionary.variables {
            let fields = rows.compactMap { field($0, variable.column) }
            guard fields.count == rows.count else { continue }
            switch variable.kind {
            case .number: columns[variable.name] = .number(fields.map { Double($0) ?? .nan })
            case .boolean: columns[variable.name] = .boolean(fields.map { Double($0) ?? .nan })
            case .category(let levels, _):
                let index = LevelIndex(levels)
                columns[variable.name] = .category(fields.map(index.callAsFunction))
            case .identifier: break
            }
        }
        var people: [String: Int32] = [:]
        let owners = rows.map { row in
            let index = people[person(row), default: Int32(people.count)]
            people[person(row)] = index
            return index
        }
        self.init(rowCount: rows.count, person: owners, columns: columns)
    }
}

/// The place of each text among a category's levels; numbers are compared as numbers.
private struct LevelIndex {
    private var texts: [String: Int32] = [:]
    private var numbers: [Double: Int32] = [:]

    init(_ levels: [String]) {
        for (index, level) in levels.enumerated() {
            texts[level] = Int32(index)
            if let number = Double(level) { numbers[number] = Int32(index) }
        }
    }

    /// -1 if the text is missing or no level.
    func callAsFunction(_ field: String) -> Int32 {
        texts[field] ?? Double(field).flatMap { numbers[$0] } ?? -1
    }
}

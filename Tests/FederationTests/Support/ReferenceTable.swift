import Federation
import Foundation
import Survival

/// A file of `SurvivalTests/Reference/data` as hospitals' tables; its cells have no quotes.
struct ReferenceTable {
    let names: [String]
    let rows: [[String]]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../SurvivalTests/Reference").standardized

    init(_ file: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: "data/\(file)"), encoding: .utf8)
        let lines = text.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        (names, rows) = (lines[0], Array(lines.dropFirst()))
    }

    /// R's answers to a case.
    static func expected(_ id: String) throws -> JSONValue {
        let data = try Data(contentsOf: folder.appending(path: "expected/\(id).json"))
        return try JSONDecoder().decode(JSONValue.self, from: data)["expected"]
    }

    /// The rows dealt to sites by chance (one person a row, unless a column names the person).
    func tables(
        _ dictionary: DataDictionary, sites: Int, person: String? = nil, seed: UInt64 = 4
    ) -> [PatientTable] {
        var random = SeededGenerator(seed)
        let key = person.flatMap { names.firstIndex(of: $0) }
        let people = rows.indices.map { row in key.map { rows[row][$0] } ?? "\(row)" }
        var home: [String: Int] = [:]
        for person in people where home[person] == nil {
            home[person] = Int.random(in: 0..<sites, using: &random)
        }
        return (0..<sites).map { site in
            table(rows.indices.filter { home[people[$0]] == site }, people, dictionary)
        }
    }

    private func table(_ own: [Int], _ people: [String], _ dictionary: DataDictionary) -> PatientTable {
        var columns: [String: Column] = [:]
        for variable in dictionary.variables {
            guard let index = names.firstIndex(of: variable.column) else { continue }
            let cells = own.map { rows[$0][index] }
            switch variable.kind {
            case .number: columns[variable.name] = .number(cells.map { Double($0) ?? .nan })
            case .boolean: columns[variable.name] = .boolean(cells.map { Double($0) ?? .nan })
            case .category(let levels, _):
                columns[variable.name] = .category(cells.map { Int32(levels.firstIndex(of: $0) ?? -1) })
            case .identifier: break
            }
        }
        var numbers: [String: Int32] = [:]
        for row in own where numbers[people[row]] == nil { numbers[people[row]] = Int32(numbers.count) }
        let person = own.map { numbers[people[$0]] ?? 0 }
        return PatientTable(rowCount: own.count, person: person, columns: columns)
    }
}

import Foundation
import Testing

@testable import Survival

/// One analysis that R has done: which rows of which file, which model, which answers.
///
/// See Reference/README.md.
struct ReferenceCase: Sendable, CustomTestStringConvertible {
    let json: JSONValue
    let table: CSVTable

    var id: String { json["id"].string ?? "" }
    var kind: String { json["kind"].string ?? "" }
    var model: JSONValue { json["model"] }
    var expected: JSONValue { json["expected"] }
    var compare: JSONValue { json["compare"] }
    var testDescription: String { id }

    /// R computed something, and it is comparable throughout.
    var isWellPosed: Bool { json["error"].isNull && compare["skip"].isNull }
    var isStratifiedBySite: Bool { model["mode"].string == "stratified" }
    var ties: Ties { Ties(rawValue: model["ties"].string ?? "") ?? .efron }

    static let all: [ReferenceCase] = {
        do { return try load() } catch { fatalError("the reference files cannot be read: \(error)") }
    }()

    /// Without the penalised models, which are compared as whole studies, in FederationTests.
    static func of(kind: String) -> [ReferenceCase] {
        all.filter { $0.kind == kind && $0.model["ridge"].isNull }
    }

    static func named(_ id: String) throws -> ReferenceCase {
        try #require(all.first { $0.id == id }, "no reference case \(id)")
    }

    private static func load() throws -> [ReferenceCase] {
        let root = try #require(Bundle.module.url(forResource: "Reference", withExtension: nil))
        var tables: [URL: CSVTable] = [:]
        func make(_ json: JSONValue, folder: URL) throws -> ReferenceCase {
            let url = folder.appending(path: json["data"]["file"].string ?? "")
            let table = try tables[url] ?? CSVTable(contentsOf: url)
            tables[url] = table
            return ReferenceCase(json: json, table: table)
        }
        let files = try FileManager.default.contentsOfDirectory(
            at: root.appending(path: "expected"), includingPropertiesForKeys: nil)
        var cases = try files.sorted { $0.path < $1.path }.map {
            try make(
                JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: $0)),
                folder: root.appending(path: "data"))
        }
        let synthetic = root.appending(path: "synthetic")
        let document = try JSONDecoder().decode(
            JSONValue.self, from: Data(contentsOf: synthetic.appending(path: "expected.json")))
        cases += try document["cases"].elements.map { try make($0, folder: synthetic) }
        return cases
    }

    /// The rows of the file that meet every condition of the filter.
    var filteredRows: [Int] {
        table.rows.indices.filter { row in
            json["data"]["filter"].elements.allSatisfy { condition in
                let field = table[row, condition["col"].string ?? ""]
                let value = condition["value"]
                if field.isEmpty { return false }
                switch condition["op"].string {
                case "not_missing": return true
                case "==": return value.equals(field: field)
                case "!=": return !value.equals(field: field)
                case "in": return value.elements.contains { $0.equals(field: field) }
                case "not_in": return !value.elements.contains { $0.equals(field: field) }
                case "<": return (Double(field) ?? .nan) < value.double
                case "<=": return (Double(field) ?? .nan) <= value.double
                case ">": return (Double(field) ?? .nan) > value.double
                case ">=": return (Double(field) ?? .nan) >= value.double
                default: fatalError("unknown condition in \(id)")
                }
            }
        }
    }
}

/// A comma-separated file with a header; fields as text, empty where missing.
struct CSVTable: Sendable {
    let columns: [String: Int]
    let rows: [[String]]

    init(contentsOf url: URL) throws {
        var records = Self.records(try String(contentsOf: url, encoding: .utf8))
        let header = records.removeFirst()
        columns = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($1, $0) })
        rows = records
    }

    subscript(row: Int, column: String) -> String {
        guard let index = columns[column] else { fatalError("no column \(column)") }
        return rows[row][index]
    }

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

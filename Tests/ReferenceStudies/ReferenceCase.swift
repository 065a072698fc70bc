import Foundation
package import Survival

/// One analysis that R has done: which rows of which file, which model, which answers.
///
/// See SurvivalTests/Reference/README.md.
package struct ReferenceCase: Sendable, CustomStringConvertible {
    package let json: JSONValue
    package let table: CSVTable

    package var id: String { json["id"].string ?? "" }
    package var kind: String { json["kind"].string ?? "" }
    package var model: JSONValue { json["model"] }
    package var expected: JSONValue { json["expected"] }
    package var compare: JSONValue { json["compare"] }
    package var description: String { id }

    /// R computed something, and it is comparable throughout.
    package var isWellPosed: Bool { json["error"].isNull && compare["skip"].isNull }
    package var isRefusedByR: Bool { !json["error"].isNull }
    package var isStratifiedBySite: Bool { model["mode"].string == "stratified" }
    package var ties: Ties { Ties(rawValue: model["ties"].string ?? "") ?? .efron }
    /// The column that names the hospital; nil if the case has none.
    package var siteColumn: String? { json["data"]["site"].string }

    /// Every case: those of `expected/`, pairs within sites, and those of the synthetic cohort.
    package static let all: [ReferenceCase] = {
        do { return try load() } catch { fatalError("the reference files cannot be read: \(error)") }
    }()

    /// Without the penalised models, which are compared as whole studies.
    package static func of(kind: String) -> [ReferenceCase] {
        all.filter { $0.kind == kind && $0.model["ridge"].isNull }
    }

    package static func named(_ id: String) throws -> ReferenceCase {
        guard let found = all.first(where: { $0.id == id }) else { throw NoSuchCase(id: id) }
        return found
    }

    private struct NoSuchCase: Error { let id: String }

    private static func load() throws -> [ReferenceCase] {
        var tables: [String: CSVTable] = [:]
        func make(_ json: JSONValue, folder: String) throws -> ReferenceCase {
            let path = "\(folder)/\(json["data"]["file"].string ?? "")"
            let table = try tables[path] ?? CSVTable(contentsOf: ReferenceFiles.url(path))
            tables[path] = table
            return ReferenceCase(json: json, table: table)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: ReferenceFiles.url("expected").path)
        let cases = try files.sorted().map {
            try make(ReferenceFiles.answers("expected/\($0)"), folder: "data")
        }
        func more(_ path: String, folder: String) throws -> [ReferenceCase] {
            try ReferenceFiles.answers(path)["cases"].elements.map { try make($0, folder: folder) }
        }
        return try cases + more("pairs/pairs.json", folder: "data")
            + more("synthetic/expected.json", folder: "synthetic")
    }

    /// The rows of the file that meet every condition of the filter.
    package var filteredRows: [Int] {
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

/// The files of `SurvivalTests/Reference`.
package enum ReferenceFiles {
    static func url(_ path: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../SurvivalTests/Reference/\(path)").standardized
    }

    /// What R wrote into a JSON file.
    package static func answers(_ path: String) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: url(path)))
    }
}

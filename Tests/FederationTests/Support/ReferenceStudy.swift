import Federation
import Foundation
import Survival

/// A Cox model that R has fitted (see `SurvivalTests/Reference`), as a study of hospitals.
///
/// A row is a person. In the stratified cases the case's site is a stratum, so that whole sites may be dealt to any hospitals.
struct ReferenceStudy {
    let json: JSONValue
    private let header: [String: Int]
    private let rows: [[String]]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../SurvivalTests/Reference").standardized

    /// How rows come to hospitals.
    enum Deal: CaseIterable {
        case together, bySite, random
    }

    static func expected(_ path: String) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: folder.appending(path: path)))
    }

    init(_ id: String) throws {
        json = try Self.expected("expected/\(id).json")
        let file = json["data"]["file"].string ?? ""
        let text = try String(contentsOf: Self.folder.appending(path: "data/\(file)"), encoding: .utf8)
        var lines = text.split(separator: "\n").map(Self.fields)
        header = Dictionary(uniqueKeysWithValues: lines.removeFirst().enumerated().map { ($1, $0) })
        let needed = json["data"]["filter"].elements.filter { $0["op"].string == "not_missing" }.compactMap {
            $0["col"].string
        }
        let header = header
        rows = lines.filter { line in needed.allSatisfy { !line[header[$0] ?? 0].isEmpty } }
    }

    private static func fields(_ line: Substring) -> [String] {
        var (fields, isQuoted) = ([""], false)
        for character in line {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
        }
        return fields
    }

    private var model: JSONValue { json["model"] }
    private var isStratified: Bool { model["mode"].string == "stratified" }

    private func texts(_ column: String) -> [String] { rows.map { $0[header[column] ?? 0] } }
    private func numbers(_ column: String) -> [Double] { texts(column).map { Double($0) ?? .nan } }

    private var siteColumn: String? { json["data"]["site"].string }

    /// The keys of the analysis besides its id: terms and what goes with the case.
    private var keys: String {
        var terms = model["terms"].elements.map { term in
            let column = term["col"].string ?? ""
            return term["fn"].string.map { "\($0)(\(column))" } ?? column
        }
        if isStratified, let siteColumn { terms.append("strata(\(siteColumn))") }
        let weights = model["weights"].string.map { ", weights: \($0)" } ?? ""
        return "terms: [\(terms.joined(separator: ", "))], ties: \(model["ties"].string ?? "")\(weights)"
    }

    /// Under `baseline: site` a pooled case has all rows at one hospital.
    func result(
        _ deal: Deal, baseline: CoxResult.Baseline, _ options: String, policy: DisclosurePolicy = .local
    ) throws -> CoxResult {
        let deals = hospitals(deal, keepsSites: baseline == .site)
        let times = baseline == .common ? ", times: exact" : ""
        let start = model["start"].string.map { "start: \($0), " } ?? ""
        let study = """
            study: reference
            dictionary: reference@1
            sites: [\(Ward.names(deals.count).joined(separator: ", "))]
            endpoint: {time: \(model["time"].string ?? ""), \(start)event: had_event, unit: day}
            analyses:
              - cox: {id: model, \(keys), baseline: \(baseline.rawValue)\(times), \(options)}
            """
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(deals.count), deals).map { (site: $0, table: table($1)) }, policy: policy,
            time: Consortium.now)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }.cox("model")
    }

    private func hospitals(_ deal: Deal, keepsSites: Bool) -> [[Int]] {
        guard deal != .together else { return [Array(rows.indices)] }
        var random = SeededGenerator(13)
        guard keepsSites else {
            let places = rows.indices.map { _ in Int.random(in: 0..<3, using: &random) }
            return (0..<3).map { place in rows.indices.filter { places[$0] == place } }
        }
        guard let siteColumn, isStratified else { return [Array(rows.indices)] }
        let sites = Dictionary(grouping: rows.indices) { rows[$0][header[siteColumn] ?? 0] }
            .sorted { $0.key < $1.key }.map(\.value)
        if deal == .bySite { return sites }
        let places = sites.map { _ in Int.random(in: 0..<3, using: &random) }
        return (0..<3).map { place in zip(sites, places).filter { $0.1 == place }.flatMap(\.0) }
    }

    private var categories: [(name: String, levels: [String])] {
        var categories = model["terms"].elements.filter { $0["type"].string == "fac" }.map { term in
            (
                term["col"].string ?? "",
                term["levels"].elements.map { $0.string ?? "\(Int($0.double))" }
            )
        }
        if isStratified, let siteColumn {
            categories.append((siteColumn, Set(texts(siteColumn)).sorted()))
        }
        return categories
    }

    private var numberColumns: [String] {
        let terms = model["terms"].elements.filter { $0["type"].string == "num" }.compactMap {
            $0["col"].string
        }
        return terms + ["time", "start", "weights"].compactMap { model[$0].string }
    }

    private var dictionary: DataDictionary {
        let times = ["time", "start"].compactMap { model[$0].string }
        let measured = numberColumns.map { name in
            let values = numbers(name).filter { !$0.isNaN }
            let lowest = times.contains(name) ? 0 : (values.min() ?? 0).rounded(.down)
            return DataDictionary.Variable(
                name: name,
                kind: .number(
                    lower: lowest, upper: (values.max() ?? 1).rounded(.up) + 1,
                    resolution: times.contains(name) ? 0.5 : nil))
        }
        let categories = categories.map {
            DataDictionary.Variable(
                name: $0.name, kind: .category(levels: $0.levels, reference: $0.levels[0]))
        }
        return DataDictionary(
            name: "reference", version: 1, person: "person",
            variables: [
                .init(name: "person", kind: .identifier), .init(name: "had_event", kind: .boolean),
            ] + measured + categories)
    }

    private func table(_ own: [Int]) -> PatientTable {
        var columns: [String: Column] = [:]
        for name in numberColumns {
            let values = numbers(name)
            columns[name] = .number(own.map { values[$0] })
        }
        for (name, levels) in categories {
            let values = texts(name)
            columns[name] = .category(own.map { Int32(levels.firstIndex(of: values[$0]) ?? -1) })
        }
        let codes = texts(model["event"]["col"].string ?? "")
        let events = model["event"]["values"].elements.map { $0.string ?? "\(Int($0.double))" }
        columns["had_event"] = .boolean(
            own.map { codes[$0].isEmpty ? .nan : events.contains(codes[$0]) ? 1 : 0 })
        return PatientTable(
            rowCount: own.count, person: own.indices.map { Int32($0) }, columns: columns)
    }
}

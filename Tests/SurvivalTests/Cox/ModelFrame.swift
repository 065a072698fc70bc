import ReferenceStudies
import Foundation

@testable import Survival

/// The complete rows of a reference case as arrays, as R's `model.frame` would have them.
struct ModelFrame: Sendable {
    var entry: [Double]?
    var exit: [Double] = []
    var event: [Bool] = []
    var weight: [Double]?
    var offset: [Double]?
    /// Names of the stratum, of the site and of the group of each row.
    var stratum: [String] = []
    var site: [String] = []
    var group: [String] = []
    /// The cluster of each row: the row itself where the case has none.
    var cluster: [String] = []
    var names: [String] = []
    var columns: [[Double]] = []

    var rowCount: Int { exit.count }

    init(_ reference: ReferenceCase) {
        let model = reference.model
        let text = { (row: Int, column: String) in reference.table[row, column] }
        let number = { (row: Int, column: String) in Double(text(row, column)) }
        let strata = model["strata"].strings
        let groups = model["by"].strings
        let (start, weights, offsets) = (
            model["start"].string, model["weights"].string, model["offset"].string
        )
        let marker = model["marker"].string.map {
            [JSONValue.object(["type": .text("num"), "col": .text($0)])]
        }
        let terms = marker ?? model["terms"].elements
        names = terms.flatMap(Self.names(of:))
        columns = Array(repeating: [], count: names.count)
        (entry, weight, offset) = (start.map { _ in [] }, weights.map { _ in [] }, offsets.map { _ in [] })
        for row in reference.filteredRows {
            let values = terms.map { Self.values(of: $0, row: row, table: reference.table) }
            let code = text(row, model["event"]["col"].string ?? "")
            guard let time = number(row, model["time"].string ?? ""), !code.isEmpty,
                !values.contains(where: { $0 == nil }),
                (strata + groups).allSatisfy({ !text(row, $0).isEmpty })
            else { continue }
            let required = [start, weights, offsets].compactMap(\.self).map { number(row, $0) }
            guard required.allSatisfy({ $0 != nil }) else { continue }
            if let start, let begin = number(row, start) {
                if begin >= time { continue }
                entry?.append(begin)
            }
            if let weights, let value = number(row, weights) { weight?.append(value) }
            if let offsets, let value = number(row, offsets) { offset?.append(value) }
            let cluster = model["cluster"].string.map { text(row, $0) } ?? "row \(row)"
            if cluster.isEmpty { continue }
            self.cluster.append(cluster)
            exit.append(time)
            event.append(model["event"]["values"].elements.contains { $0.equals(field: code) })
            stratum.append(strata.map { text(row, $0) }.joined(separator: ", "))
            group.append(groups.map { "\($0)=\(text(row, $0))" }.joined(separator: ", "))
            site.append(reference.json["data"]["site"].string.map { text(row, $0) } ?? "")
            for (index, value) in values.compactMap(\.self).flatMap(\.self).enumerated() {
                columns[index].append(value)
            }
        }
    }

    /// The values of one term in one row; nil if something is missing or outside the levels.
    private static func values(of term: JSONValue, row: Int, table: CSVTable) -> [Double]? {
        let field = term["col"].string.map { table[row, $0] } ?? ""
        switch term["type"].string {
        case "num":
            guard var value = Double(field) else { return nil }
            if !term["mul"].isNull { value *= term["mul"].double }
            if !term["add"].isNull { value += term["add"].double }
            switch term["fn"].string {
            case "log": return [log(value)]
            case "log1p": return [log1p(value)]
            case "sqrt": return [value.squareRoot()]
            case "square": return [value * value]
            default: return [value]
            }
        case "fac":
            let levels = term["levels"].elements
            guard !field.isEmpty, levels.contains(where: { $0.equals(field: field) }) else { return nil }
            return levels.dropFirst().map { $0.equals(field: field) ? 1 : 0 }
        default:
            var products: [Double] = [1]
            for part in term["of"].elements {
                guard let values = values(of: part, row: row, table: table) else { return nil }
                products = values.flatMap { value in products.map { $0 * value } }
            }
            return products
        }
    }

    private static func names(of term: JSONValue) -> [String] {
        let column = term["col"].string ?? ""
        switch term["type"].string {
        case "num": return [term["fn"].string.map { "\($0)(\(column))" } ?? column]
        case "fac": return term["levels"].strings.dropFirst().map { "\(column)=\($0)" }
        default:
            return term["of"].elements.map(names(of:)).reduce([""]) { names, part in
                part.flatMap { name in names.map { $0.isEmpty ? name : "\($0):\(name)" } }
            }
        }
    }

    /// The rows as the product takes them, all of them or some; strata numbered in the order of their names.
    func data(rows: [Int]? = nil, mergesNearTies: Bool = true) throws -> SurvivalData {
        let rows = rows ?? Array(0..<rowCount)
        let strata = Set(stratum).sorted()
        let index = Dictionary(uniqueKeysWithValues: strata.enumerated().map { ($1, Int32($0)) })
        func some<T>(_ values: [T]) -> [T] { rows.map { values[$0] } }
        return try SurvivalData(
            entry: entry.map(some), exit: some(exit), event: some(event), weight: weight.map(some),
            offset: offset.map(some), stratum: rows.map { index[stratum[$0]] ?? 0 },
            columns: columns.map(some),
            mergesNearTies: mergesNearTies)
    }

    /// The same rows with the times of all sites merged by R's rule, as sites do that share a time scale.
    func withMergedTimes() -> ModelFrame {
        let tied = TiedTimes(merging: exit + (entry ?? []))
        var merged = self
        merged.exit = exit.map(tied.callAsFunction)
        merged.entry = entry?.map(tied.callAsFunction)
        return merged
    }

    /// The rows of each site.
    var rowsBySite: [(site: String, rows: [Int])] { rows(by: site) }

    func rows(by label: [String]) -> [(site: String, rows: [Int])] {
        Dictionary(grouping: 0..<rowCount) { label[$0] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Means and standard deviations of the covariates, with which they are standardised for the fit.
    var moments: (center: [Double], scale: [Double]) {
        let count = Double(max(rowCount, 1))
        let center = columns.map { $0.reduce(0, +) / count }
        let scale = zip(columns, center).map { column, mean in
            (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        }
        return (center, scale)
    }
}

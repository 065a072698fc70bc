import Foundation
import Testing

@testable import Survival

import struct Survival.Expression

/// Rows, strata and design matrices of R's reference cases: see Reference/README.md.
@Suite struct ReferenceDesignTests {
    static let cases = ReferenceCase.of(kind: "cox").filter { !$0.expected["n"].isNull }

    @Test(arguments: cases)
    func `a model over a dictionary has R's rows and columns`(reference: ReferenceCase) throws {
        let study = try ReferenceStudy(reference)
        let frame = ModelFrame(reference)
        let (cases, model) = (study.cases, study.model)
        #expect(Double(cases.rows.count) == reference.expected["n"].double)
        #expect(Double(cases.cohortRowCount - cases.rows.count) == reference.expected["n_dropped"].double)
        #expect(Double(cases.event.count(where: \.self)) == reference.expected["events"].double)
        #expect(model.parameterNames.map(study.nameInR) == reference.expected["coef_names"].strings)

        let data = try cases.survivalData(model: model, weights: study.weights)
        #expect(data.columns == frame.columns)
        #expect(data.weight == frame.weight)
        #expect(data.offset == frame.offset)
        #expect(cases.exit == frame.exit)
        #expect(cases.entry == frame.entry)
        #expect(cases.event == frame.event)
        // The strata are R's if their labels and R's correspond one to one.
        let labels = data.stratum?.map { model.stratumLabel(Int($0)) } ?? frame.stratum
        let pairs = zip(labels, frame.stratum).map { "\($0) is \($1)" }
        #expect(Set(pairs).count == Set(labels).count)
        #expect(Set(pairs).count == Set(frame.stratum).count)
    }
}

/// A reference case as a study would put it: a dictionary, a table, terms and conditions.
private struct ReferenceStudy {
    let model: ModelSpecification
    let cases: CompleteCases
    let weights: Expression?

    init(_ reference: ReferenceCase) throws {
        let json = reference.model
        let variables = Self.variables(of: reference)
        let dictionary = DataDictionary(
            name: "reference", version: 1, person: "row number",
            variables: [.init(name: "row number", kind: .identifier)] + variables)
        let scope = try VariableScope(dictionary: dictionary, definitions: [])
        let strata = json["strata"].strings.map { "strata(\(Self.written($0)))" }
        let offset = json["offset"].string.map { ["offset(\(Self.written($0)))"] } ?? []
        let terms: [String] = json["terms"].elements.map(Self.term) + strata + offset
        model = try ModelSpecification(terms: terms, scope: scope)
        func expression(_ column: String) throws -> Expression {
            try Expression(parsing: Self.written(column))
        }
        weights = try json["weights"].string.map(expression)
        let event = json["event"]["values"].strings.map { "\"\($0)\"" }.joined(separator: ", ")
        cases = try CompleteCases(
            table: Self.table(of: reference, variables: variables), scope: scope,
            cohort: Self.conditions(of: reference, variables: variables).map { try Expression(parsing: $0) },
            endpoint: EndpointSpecification(
                time: expression(json["time"].string ?? ""), start: json["start"].string.map(expression),
                event: Expression(parsing: "\(Self.written(json["event"]["col"].string ?? "")) in [\(event)]")
            ),
            needed: model.expressions + [weights].compactMap(\.self))
    }

    /// `square(x)` is written as a product in a study.
    func nameInR(_ name: String) -> String {
        let sides = name.components(separatedBy: " * ")
        return sides.count == 2 && sides[0] == sides[1] ? "square(\(sides[0]))" : name
    }

    private static func written(_ name: String) -> String { "`\(name)`" }

    private static func term(_ json: JSONValue) -> String {
        let name = written(json["col"].string ?? "")
        if json["type"].string == "int" { return json["of"].elements.map(term).joined(separator: ":") }
        switch json["fn"].string {
        case "square": return "(\(name) * \(name))"
        case let function?: return "\(function)(\(name))"
        case nil: return name
        }
    }

    private static func conditions(of reference: ReferenceCase, variables: [DataDictionary.Variable])
        -> [String]
    {
        reference.json["data"]["filter"].elements.map { condition in
            let name = condition["col"].string ?? ""
            let values = condition["value"].strings.map { Double($0) == nil ? "\"\($0)\"" : $0 }
            switch condition["op"].string {
            case "not_missing":
                guard case .category(let levels, _) = variables.first(where: { $0.name == name })?.kind else {
                    return "\(written(name)) == \(written(name))"
                }
                return "\(written(name)) in [\(levels.map { "\"\($0)\"" }.joined(separator: ", "))]"
            case "in": return "\(written(name)) in [\(values.joined(separator: ", "))]"
            case let symbol: return "\(written(name)) \(symbol ?? "") \(values.first ?? "")"
            }
        }
    }

    // MARK: - Variables and columns

    private static func variables(of reference: ReferenceCase) -> [DataDictionary.Variable] {
        let json = reference.model
        var kinds: [String: DataDictionary.Variable.Kind] = [:]
        func number(_ name: String?) {
            if let name { kinds[name] = .number(lower: -.infinity, upper: .infinity, resolution: nil) }
        }
        func category(_ name: String, _ levels: [String]) {
            if kinds[name] == nil, levels.count > 1 {
                kinds[name] = .category(levels: levels, reference: levels[0])
            }
        }
        func found(_ name: String, and others: [String] = []) -> [String] {
            let fields = reference.table.rows.indices.map { reference.table[$0, name] }
            return Set(fields + others).filter { !$0.isEmpty }.sorted()
        }
        func add(_ term: JSONValue) {
            switch term["type"].string {
            case "num": number(term["col"].string)
            case "fac": category(term["col"].string ?? "", term["levels"].strings)
            default: term["of"].elements.forEach(add)
            }
        }
        for key in ["time", "start", "weights", "offset"] { number(json[key].string) }
        json["terms"].elements.forEach(add)
        for name in json["strata"].strings { category(name, found(name, and: ["none"])) }
        category(
            json["event"]["col"].string ?? "",
            found(json["event"]["col"].string ?? "", and: json["event"]["values"].strings + ["none"]))
        for condition in reference.json["data"]["filter"].elements {
            let (name, symbol) = (condition["col"].string ?? "", condition["op"].string ?? "")
            if symbol.hasPrefix("<") || symbol.hasPrefix(">") {
                if kinds[name] == nil { number(name) }
            } else {
                category(name, found(name, and: condition["value"].strings + ["none"]))
            }
        }
        return kinds.sorted { $0.key < $1.key }.map { DataDictionary.Variable(name: $0.key, kind: $0.value) }
    }

    private static func table(of reference: ReferenceCase, variables: [DataDictionary.Variable])
        -> PatientTable
    {
        let rows = reference.table.rows.indices
        let columns = variables.map { variable in
            let fields = rows.map { reference.table[$0, variable.name] }
            guard case .category(let levels, _) = variable.kind else {
                return (variable.name, Column.number(fields.map { Double($0) ?? .nan }))
            }
            let indices = fields.map { field in
                levels.firstIndex { $0 == field || (Double($0) != nil && Double($0) == Double(field)) }
            }
            return (variable.name, .category(indices.map { Int32($0 ?? -1) }))
        }
        return PatientTable(
            rowCount: rows.count, person: rows.map { Int32($0) },
            columns: Dictionary(uniqueKeysWithValues: columns))
    }
}

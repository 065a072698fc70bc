import Survival

/// The variables of a reference case: which of the file's columns are numbers, which categories with which levels.
struct CaseVariables {
    private let reference: ReferenceCase
    private var kinds: [String: DataDictionary.Variable.Kind] = [:]

    var all: [DataDictionary.Variable] {
        kinds.sorted { $0.key < $1.key }.map { DataDictionary.Variable(name: $0.key, kind: $0.value) }
    }

    init(_ reference: ReferenceCase) {
        self.reference = reference
        let json = reference.model
        addTimes()
        for key in ["weights", "offset", "marker"] { addNumber(json[key].string) }
        json["terms"].elements.forEach { addTerm($0) }
        for name in json["strata"].strings { addCategory(name, found(name)) }
        let event = json["event"]["col"].string ?? ""
        addCategory(event, found(event, and: json["event"]["values"].strings + ["none"]))
        addGrouping()
        if let cluster = json["cluster"].string, CaseCohort.personColumn(of: reference) == nil {
            addCategory(cluster, found(cluster))
        }
        for condition in reference.json["data"]["filter"].elements {
            let (name, symbol) = (condition["col"].string ?? "", condition["op"].string ?? "")
            if symbol.hasPrefix("<") || symbol.hasPrefix(">") {
                if kinds[name] == nil { addNumber(name) }
            } else {
                addCategory(name, found(name, and: condition["value"].strings))
            }
        }
    }

    /// Times, with their range and the largest power of ten of which all are multiples but for rounding.
    private mutating func addTimes() {
        let columns = ["time", "start"].compactMap { reference.model[$0].string }
        let values = columns.flatMap { reference.table.column($0) }.compactMap { Double($0) }
        let resolution = [1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6].first { step in
            values.allSatisfy { abs(($0 / step).rounded() * step - $0) < 1e-7 * step }
        }
        let lower = min(0, values.min() ?? 0)
        for name in columns {
            kinds[name] = .number(
                lower: lower, upper: max(lower + 1, values.max() ?? 1), resolution: resolution)
        }
    }

    private mutating func addGrouping() {
        guard let name = CaseCohort.grouping(of: reference) else { return }
        let columns = reference.model["by"].strings
        if columns.count == 1 { return addCategory(name, found(name)) }
        let names = Set(reference.table.rows.indices.map { reference.grouping(ofRow: $0) })
        addCategory(name, names.filter { !$0.isEmpty }.sorted())
    }

    private mutating func addTerm(_ term: JSONValue) {
        switch term["type"].string {
        case "num": addNumber(term["col"].string)
        case "fac": addCategory(term["col"].string ?? "", term["levels"].strings)
        default: term["of"].elements.forEach { addTerm($0) }
        }
    }

    private mutating func addNumber(_ name: String?) {
        guard let name, kinds[name] == nil else { return }
        let values = reference.table.column(name).compactMap { Double($0) }
        let (lower, upper) = (values.min() ?? 0, values.max() ?? 1)
        kinds[name] = .number(lower: lower, upper: upper > lower ? upper : lower + 1, resolution: nil)
    }

    /// A category needs two levels; where a file has one, a second is added that nobody has.
    private mutating func addCategory(_ name: String, _ levels: [String]) {
        guard kinds[name] == nil, !levels.isEmpty else { return }
        kinds[name] = .category(levels: levels.count > 1 ? levels : levels + ["none"], reference: levels[0])
    }

    /// The texts of a column, numbers in their order.
    private func found(_ name: String, and others: [String] = []) -> [String] {
        Set(reference.table.column(name) + others).filter { !$0.isEmpty }.sorted { left, right in
            guard let first = Double(left), let second = Double(right) else { return left < right }
            return first < second
        }
    }
}

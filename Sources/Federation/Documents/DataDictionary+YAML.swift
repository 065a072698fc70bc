package import Survival

extension DataDictionary {
    /// Reads a dictionary file; `file` names it in errors, which say line and column.
    ///
    /// The keys are those of `dictionary`, `version`, `title`, `person` and `variables`, a mapping of each
    /// variable's name to `type` (number, integer, category, boolean or identifier), `label`, `unit`,
    /// `column`, `missing`, `required`, `filter`, `term`, `measured` (baseline, follow-up or a time such as 3 months); for numbers
    /// `range`, `resolution` and (of times) `grid`; for categories `levels` (a list, or a mapping of levels to labels) and
    /// `reference` (the first level unless given). `allowsUnseen` is that of `YAMLDocument`.
    package init(yaml text: String, file: String, allowsUnseen: Bool = false) throws(DocumentError) {
        let root = try YAMLDocument(text: text, file: file, allowsUnseen: allowsUnseen).root
        let name = try root.string("dictionary")
        let version = try root.int("version")
        let title = try root.optionalString("title")
        let person = try root.string("person")
        let body = try root.mapping("variables")
        try root.finish()
        var variables: [Variable] = []
        for name in body.keys { variables.append(try Variable(name: name, yaml: body.mapping(name))) }
        self.init(name: name, version: version, title: title, person: person, variables: variables)
        do throws(DataDictionaryError) {
            try validate()
        } catch {
            switch error.problem {
            case .badName: throw root.error(at: "dictionary", error.description)
            case .badVersion: throw root.error(at: "version", error.description)
            case .noSuchPerson: throw root.error(at: "person", error.description)
            default: throw body.error(at: error.variable, error.description)
            }
        }
    }
}

extension DataDictionary.Variable {
    fileprivate init(name: String, yaml: YAMLMapping) throws(DocumentError) {
        let type = try yaml.type()
        try yaml.refuseForeignKeys(of: type)
        var labels: [String: String] = [:]
        let kind: Kind =
            switch type {
            case .number, .integer: try yaml.number(isInteger: type == .integer)
            case .category: try yaml.category(labels: &labels)
            case .boolean: .boolean
            case .identifier: .identifier
            }
        let measurement = try yaml.measurement()
        self.init(
            name: name, label: try yaml.optionalString("label"), kind: kind,
            unit: try yaml.optionalString("unit"), grid: try yaml.grid(),
            statedAsTime: try yaml.has("time") ? yaml.bool("time") : nil,
            column: try yaml.optionalString("column"),
            missing: try yaml.has("missing") ? yaml.strings("missing") : [],
            isRequired: try yaml.flag("required", default: false),
            isAllowedInFilters: try yaml.flag("filter", default: true),
            isAllowedInTerms: try yaml.flag("term", default: true),
            isMeasuredAfterTimeZero: measurement != nil, daysToMeasurement: measurement?.days,
            levelLabels: labels)
        try yaml.finish()
    }
}

extension YAMLMapping {
    fileprivate enum VariableType: String, CaseIterable {
        case number, integer, category, boolean, identifier
    }

    fileprivate func type() throws(DocumentError) -> VariableType {
        let text = try string("type")
        if let type = VariableType(rawValue: text) { return type }
        let names = VariableType.allCases.map(\.rawValue)
        let suggestion = Spelling.nearest(to: text, among: names)
        let remedy = suggestion == nil ? "; use \(names.joined(separator: ", "))" : didYouMean(suggestion)
        throw error(at: "type", "there is no type \(quoted(text))" + remedy)
    }

    /// Refuses a range without numbers and levels without a category, which would be silently without effect.
    fileprivate func refuseForeignKeys(of type: VariableType) throws(DocumentError) {
        let foreign =
            switch type {
            case .number: ["levels", "reference"]
            case .integer: ["levels", "reference", "resolution"]
            case .category: ["range", "resolution", "grid", "time"]
            case .boolean, .identifier: ["levels", "reference", "range", "resolution", "grid", "time"]
            }
        for key in foreign where has(key) {
            throw error(at: key, "a variable of type \(type.rawValue) has no \(key)")
        }
    }

    fileprivate func number(isInteger: Bool) throws(DocumentError) -> DataDictionary.Variable.Kind {
        var (lower, upper) = (-Double.infinity, Double.infinity)
        if has("range") {
            let ends = try strings("range")
            guard ends.count == 2, let first = Self.end(ends[0]), let last = Self.end(ends[1]) else {
                throw error(
                    at: "range", "a range is two numbers, [lowest, highest]; .inf and -.inf mean no limit")
            }
            (lower, upper) = (first, last)
        }
        let resolution = try has("resolution") ? number("resolution") : nil
        return .number(lower: lower, upper: upper, resolution: isInteger ? 1 : resolution)
    }

    /// Reads `grid`, the width of a time variable's public grid in its unit.
    fileprivate func grid() throws(DocumentError) -> Double? {
        guard has("grid") else { return nil }
        guard let unit = try optionalString("unit"), TimeUnit(named: unit) != nil,
            try flag("time", default: true)
        else {
            throw error(at: "grid", "a grid is of a time, whose unit is one of: \(TimeUnit.names)")
        }
        return try number("grid")
    }

    private static func end(_ text: String) -> Double? {
        switch text {
        case ".inf", "+.inf": return .infinity
        case "-.inf": return -.infinity
        default: return Double(text).flatMap { $0.isFinite ? $0 : nil }
        }
    }

    fileprivate func category(labels: inout [String: String]) throws(DocumentError)
        -> DataDictionary.Variable.Kind
    {
        let levels: [String]
        if isMapping("levels") {
            let pairs = try pairs("levels")
            levels = pairs.map(\.name)
            labels = Dictionary(pairs.map { ($0.name, $0.text) }) { first, _ in first }
        } else {
            levels = try strings("levels")
        }
        return .category(levels: levels, reference: try optionalString("reference") ?? levels.first ?? "")
    }

    fileprivate func flag(_ key: String, default standard: Bool) throws(DocumentError) -> Bool {
        try has(key) ? bool(key) : standard
    }

    /// A measurement after time zero, so many days later if the dictionary says when.
    fileprivate struct LateMeasurement {
        var days: Double?
    }

    /// Nil at baseline.
    fileprivate func measurement() throws(DocumentError) -> LateMeasurement? {
        switch try optionalString("measured") {
        case nil, "baseline": return nil
        case "follow-up": return LateMeasurement()
        case let text?:
            guard let span = TimeSpan(text), span.unit != nil else {
                throw error(
                    at: "measured",
                    "\(quoted(text)) is neither \"baseline\" nor \"follow-up\" nor a time such as \"3 months\""
                )
            }
            return span.count == 0 ? nil : LateMeasurement(days: span.length(in: .day))
        }
    }
}

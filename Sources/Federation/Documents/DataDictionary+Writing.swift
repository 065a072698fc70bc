package import Survival

extension DataDictionary {
    /// The dictionary as a file that `init(yaml:file:)` reads back to an equal one, in characters that are seen.
    ///
    /// `remarks` are clauses by column, which stand above it as comments. Characters in names that are not seen stand as escapes, and
    /// only a reader who `allowsUnseen` takes some of these.
    package func yaml(remarks: [String: String] = [:]) -> String {
        let head = [
            remarks.keys.sorted().map {
                "# column \(quoted($0)): \(quoted(remarks[$0] ?? "").dropFirst().dropLast())"
            },
            ["dictionary: \(name)", "version: \(version)"], title.map { ["title: \($0.yaml)"] } ?? [],
            ["person: \(person.yaml)", "variables:"],
        ]
        return (head.joined() + variables.map { "  \($0.name.yaml): {\($0.yaml)}" }).joined(separator: "\n")
            + "\n"
    }
}

extension DataDictionary.Variable {
    /// The keys of the variable, in a line.
    fileprivate var yaml: String {
        var keys = kindKeys
        if let label { keys.append("label: \(label.yaml)") }
        if let unit { keys.append("unit: \(unit.yaml)") }
        if let grid { keys.append("grid: \(grid.yaml)") }
        if let statedAsTime { keys.append("time: \(statedAsTime)") }
        if column != name { keys.append("column: \(column.yaml)") }
        if !missing.isEmpty { keys.append("missing: \(missing.yaml)") }
        if isRequired { keys.append("required: true") }
        if !isAllowedInFilters { keys.append("filter: false") }
        if !isAllowedInTerms { keys.append("term: false") }
        if isMeasuredAfterTimeZero {
            keys.append("measured: " + (daysToMeasurement.map { "\($0.yaml) days" } ?? "follow-up"))
        }
        return keys.joined(separator: ", ")
    }

    private var kindKeys: [String] {
        switch kind {
        case .identifier: return ["type: identifier"]
        case .boolean: return ["type: boolean"]
        case .number(let lower, let upper, let resolution):
            let type = resolution == 1 ? "integer" : "number"
            let steps = resolution.flatMap { $0 == 1 ? nil : "resolution: \($0.yaml)" }
            return ["type: \(type)", "range: [\(lower.yaml), \(upper.yaml)]"] + [steps].compactMap(\.self)
        case .category(let levels, let reference):
            let labelled = levels.map { "\($0.yaml): \((levelLabels[$0] ?? $0).yaml)" }.joined(
                separator: ", ")
            let text = levelLabels.isEmpty ? levels.yaml : "{\(labelled)}"
            return ["type: category", "levels: \(text)", "reference: \(reference.yaml)"]
        }
    }
}

extension Double {
    fileprivate var yaml: String {
        if isInfinite { return self < 0 ? "-.inf" : ".inf" }
        return Int(exactly: self).map(String.init) ?? description
    }
}

extension [String] {
    fileprivate var yaml: String { "[\(map(\.yaml).joined(separator: ", "))]" }
}

extension String {
    /// Plain where YAML cannot take it for anything but this text, else in double quotes.
    fileprivate var yaml: String {
        let isPlain =
            utf8.allSatisfy { (97...122).contains($0) || (65...90).contains($0) || $0 == 95 }
            && utf8.count > 3
            && !["null", "true", "false", "none"].contains(lowercased())
        if isPlain { return self }
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case _ where scalar.isSeen: text.unicodeScalars.append(scalar)
            default: text += scalar.yamlEscape
            }
        }
        return "\"\(text)\""
    }
}

extension Unicode.Scalar {
    /// `\u202E`, or `\U000E0041` for a scalar beyond 16 bits (YAML 1.2, section 5.7).
    fileprivate var yamlEscape: String {
        let digits = String(value, radix: 16, uppercase: true)
        let (mark, width) = value > 0xFFFF ? ("U", 8) : ("u", 4)
        return "\\\(mark)" + String(repeating: "0", count: width - digits.count) + digits
    }
}

import Survival

extension StudyFile {
    /// Reads `describe: {id, variables, by, bins, cohort}`.
    static func describe(_ body: YAMLMapping) throws(DocumentError) -> Analysis {
        let id = try body.identifier("id")
        let variables = try body.strings("variables")
        guard !variables.isEmpty, Set(variables).count == variables.count else {
            throw body.error(at: "variables", "variables: names each variable of the table once")
        }
        let by = try body.optionalString("by")
        let bins = try bins(in: body, of: variables)
        let analysis = Analysis(
            id: id, cohort: try body.optionalString("cohort"), times: .exact, level: 0.95,
            kind: .describe(variables: variables, by: by, bins: bins), line: body.line)
        try body.finish()
        return analysis
    }

    /// Reads `bins: exact` or `bins: {age: 10, tumour_cm: exact}`.
    private static func bins(
        in body: YAMLMapping, of variables: [String]
    ) throws(DocumentError) -> TableBins {
        guard body.has("bins") else { return .named([]) }
        guard body.isMapping("bins") else {
            guard try body.string("bins") == "exact" else {
                throw body.error(at: "bins", "bins: is either exact, or widths such as {age: 10}")
            }
            return .exact
        }
        var named: [TableBins.Named] = []
        for (name, text, _) in try body.pairs("bins") {
            guard variables.contains(name) else {
                throw body.error(at: "bins", "bins: \"\(name)\" is not among the table's variables")
            }
            if text == "exact" {
                named.append(.init(variable: name, width: nil))
            } else if let width = Double(text), width.isFinite, width > 0 {
                named.append(.init(variable: name, width: width))
            } else {
                throw body.error(
                    at: "bins", "the bins of \"\(name)\" need a width above 0, or exact, not \"\(text)\"")
            }
        }
        return .named(named)
    }
}

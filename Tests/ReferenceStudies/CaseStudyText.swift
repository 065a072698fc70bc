import Survival

/// Writes a reference case as a study file.
struct CaseStudyText {
    private let cohort: CaseCohort
    private let way: CaseStudy.Way
    private let siteCount: Int
    private let isCommon: Bool
    /// Keys of a Cox model that is asked once; nil to ask what R answered.
    private let given: String?

    private var reference: ReferenceCase { cohort.reference }
    private var model: JSONValue { cohort.reference.model }

    init(_ cohort: CaseCohort, way: CaseStudy.Way, siteCount: Int, isCommon: Bool, options: String?) {
        (self.cohort, self.way, self.siteCount, self.isCommon) = (cohort, way, siteCount, isCommon)
        given = options
    }

    var text: String {
        let sites = (1...max(siteCount, 1)).map { "site-\($0)" }.joined(separator: ", ")
        let conditions = cohort.conditions.map { "(\($0))" }.joined(separator: " and ")
        let start = model["start"].string.map { "start: \(quoted(name($0))), " } ?? ""
        let time = quoted(name(model["time"].string ?? ""))
        return """
            study: reference
            dictionary: reference@1
            sites: [\(sites)]
            \(CaseCohort.personColumn(of: reference) == nil ? "" : "people: all-rows\n")\
            \(conditions.isEmpty ? "" : "cohort: \(quoted(conditions))\n")\
            endpoint: {time: \(time), \(start)\(event), unit: day}
            analyses:
            \(analyses.map { "  - \($0)\n" }.joined())
            """
    }

    private var event: String {
        let causes = cohort.causes.map { "\($0.name): \(quoted($0.condition))" }
        return causes.isEmpty
            ? "event: \(quoted(cohort.event))" : "causes: {\(causes.joined(separator: ", "))}"
    }

    private var analyses: [String] {
        switch reference.kind {
        case "km": curves
        case "logrank": [test]
        case "aalen-johansen": incidences
        case "finegray": [subdistribution]
        case "concordance": [concordance]
        default: given.map { [model("model", [$0])] } ?? models
        }
    }

    // MARK: - Cox models

    /// The model, with a check of proportional hazards for each transform that R made one for; the first of them at several sites.
    private var models: [String] {
        let possible = TimeTransform.allCases.map(\.rawValue).filter { transform in
            !reference.expected["zph"][transform]["by_term"]["chisq"].isNull
                && (hasAxis || transform != "km") && reference.compare["skip"].isNull
        }
        if possible.isEmpty { return [model("model", [])] }
        return possible.prefix(way == .oneSite ? possible.count : 1).enumerated().map { index, transform in
            let times = transform == "km" && !isCommon ? ["times: exact"] : []
            return model(
                index == 0 ? "model" : "model-\(transform)",
                ["check: proportional-hazards, transform: \(transform)"] + times)
        }
    }

    private func model(_ id: String, _ keys: [String]) -> String {
        analysis("cox", ["id: \(id)", "terms: [\(terms)]"] + options + keys)
    }

    private func analysis(_ kind: String, _ keys: [String]) -> String {
        "\(kind): {\(keys.filter { !$0.isEmpty }.joined(separator: ", "))}"
    }

    private var terms: String {
        let site = reference.json["data"]["site"].string
        // With a baseline for each site the hospitals are strata without being named.
        let strata = model["strata"].strings.filter { way != .sites || isCommon || $0 != site }
        let terms: [String] =
            model["terms"].elements.map(CaseCohort.term) + strata.map { "strata(\(name($0)))" }
            + ["offset", "cluster"].compactMap { use in model[use].string.map { "\(use)(\(name($0)))" } }
        return terms.map(quoted).joined(separator: ", ")
    }

    private var options: [String] {
        // R turns a robust variance on unasked where a weight is no whole number.
        let isRobust =
            given == nil && !reference.expected["robust_se"].isNull && model["cluster"].isNull
        return [
            "baseline: \(isCommon ? "common, times: exact" : "site")", "ties: \(reference.ties.rawValue)",
            weights, isRobust ? "robust: true" : "", ridge,
        ]
    }

    private var weights: String { model["weights"].string.map { "weights: \(quoted(name($0)))" } ?? "" }

    private var ridge: String {
        let (json, penalised) = (model["ridge"], model["ridge"]["coefs"].strings)
        if json.isNull { return "" }
        let terms = model["terms"].elements.filter { penalised.contains($0["col"].string ?? "") }
        let names = terms.map { quoted(CaseCohort.term($0)) }.joined(separator: ", ")
        return "penalty: {ridge: \(json["theta"].double), scale: \(json["scale"].isTrue), terms: [\(names)]}"
    }

    private var subdistribution: String {
        let keys = ["id: model", "cause: \(model["cause"].string ?? "")", "hazard: subdistribution"]
        return analysis("cox", keys + ["terms: [\(terms)]"] + options)
    }

    // MARK: - Concordance

    /// R's marker lets expect a later event unless `reverse` is set.
    private var concordance: String {
        let marker = name(model["marker"].string ?? "")
        let site = way == .sites ? reference.siteColumn : nil
        let strata = model["strata"].strings.filter { $0 != site }.map { quoted(name($0)) }
        return analysis(
            "concordance",
            [
                "id: pairs", "of: \(quoted(model["reverse"].isTrue ? marker : "-\(marker)"))",
                "weight: \(model["timewt"].string ?? "")", weights,
                model["cluster"].isNull ? "" : "robust: true",
                model["ymax"].isNull ? "" : "ymax: \(model["ymax"].double)",
                strata.isEmpty ? "" : "strata: [\(strata.joined(separator: ", "))]",
            ])
    }

    // MARK: - Curves and tests

    private var curves: [String] {
        let groups = reference.expected["groups"].elements
        let shares = groups.flatMap { $0["quantiles"]["probs"].doubles }
        let means = groups.flatMap { $0["rmst"].elements.map { $0["tau"].double } }.filter { $0 > 0 }
        return ConfidenceLimits.allCases.map { limits in
            analysis(
                "survival",
                [
                    "id: \(limits.rawValue)", by, "times: exact", "limits: \(limits.rawValue)", at, estimate,
                    "quantiles: [\(list(shares))]", means.isEmpty ? "" : "rmst: [\(list(means))]", weights,
                    reference.expected["robust_variance"].isTrue ? "robust: true" : "",
                ])
        }
    }

    private var at: String {
        let times = reference.expected["groups"].elements.flatMap { $0["at_times"]["time"].doubles }
        return "at: [\(list(times.filter { $0 >= 0 }))]"
    }

    private var estimate: String {
        guard model["stype"].double == 2 else { return "" }
        return "estimate: \(model["ctype"].double == 2 ? "fleming-harrington" : "nelson-aalen")"
    }

    private var test: String {
        let strata = model["strata"].strings.map { quoted(name($0)) }.joined(separator: ", ")
        return analysis(
            "survival",
            [
                "id: test", by, "times: exact", "test: {rho: \(model["rho"].double)}",
                strata.isEmpty ? "" : "strata: [\(strata)]",
            ])
    }

    /// R has them with limits on the log scale alone.
    private var incidences: [String] { [analysis("incidence", ["id: log", by, "times: exact", at])] }

    private var by: String { CaseCohort.grouping(of: reference).map { "by: \(quoted(name($0)))" } ?? "" }

    private func list(_ values: [Double]) -> String {
        Set(values).sorted().map { "\($0)" }.joined(separator: ", ")
    }

    // MARK: - Words

    /// Whether sums at exact times can be asked: the times are from 0, and multiples of something.
    private var hasAxis: Bool {
        guard
            case .number(let lower, let upper, let resolution?) =
                cohort.dictionary[model["time"].string ?? ""]?.kind
        else { return false }
        return lower >= 0 && upper / resolution < 200_000
    }

    private func name(_ name: String) -> String { CaseCohort.written(name) }

    /// In YAML's single quotes.
    private func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
}

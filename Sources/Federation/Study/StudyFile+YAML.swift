import Survival

extension StudyFile {
    /// Parses a study file; `file` names it in messages.
    ///
    /// Throws a `DocumentError` with line and column for unknown keys, wrong types, and values out of range.
    ///
    /// With `draft`, a name, the file is one that a statistician tries out alone: it may leave out `study`, `dictionary` and `sites`.
    package init(yaml text: String, file: String, draft: String? = nil) throws(DocumentError) {
        let root = try YAMLDocument(text: text, file: file).root
        name = if let draft, !root.has("study") { draft } else { try root.identifier("study") }
        title = try root.optionalString("title") ?? name
        purpose = try root.optionalString("purpose")
        lead = try root.optionalString("lead")
        namesDictionary = draft == nil || root.has("dictionary")
        dictionary = namesDictionary ? try root.string("dictionary") : "\(name)@1"
        sites = draft != nil && !root.has("sites") ? [] : try Self.sites(in: root)
        people = try root.choice("people", among: OverlappingRows.self)
        cohort = try root.optionalString("cohort")
        endpoint = try Endpoint(root.mapping("endpoint"))
        definitions =
            try root.has("define")
            ? root.pairs("define").map { Definition(name: $0.name, text: $0.text) } : []
        analyses = try Self.analyses(in: root)
        privacy = try Privacy(root.optionalMapping("privacy"))
        missingSite = try root.choice("missing-site", among: MissingSite.self) ?? .fail
        patienceSeconds = try Self.patience(in: root)
        for key in ["cohort", "endpoint"] { lines[key] = root.line(of: key) }
        for (name, _, line) in try root.has("define") ? root.pairs("define") : [] {
            lines["define \(name)"] = line
        }
        try root.finish()
    }

    private static func sites(in root: YAMLMapping) throws(DocumentError) -> [String] {
        let names = try root.strings("sites")
        guard !names.isEmpty else {
            throw root.error(at: "sites", "no sites are listed; name the hospitals that are asked")
        }
        for name in names where !name.isSafeName {
            throw root.error(
                at: "sites", "\"\(name)\" cannot be a site's name; use lower-case letters, digits and hyphens"
            )
        }
        guard Set(names).count == names.count else { throw root.error(at: "sites", "a site is listed twice") }
        return names
    }

    /// Reads `patience: 10 minutes`; an hour unless given, from a second to 60 days.
    private static func patience(in root: YAMLMapping) throws(DocumentError) -> Int {
        guard let text = try root.optionalString("patience") else { return 3600 }
        let words = text.split(separator: " ")
        let units = ["second": 1, "minute": 60, "hour": 3600, "day": 86400]
        guard words.count == 2, let count = Int(words[0]),
            let unit = units[String(words[1].hasSuffix("s") ? words[1].dropLast() : words[1])]
        else {
            throw root.error(
                at: "patience", "\"\(text)\" is not a duration; write for instance \"10 minutes\"")
        }
        let (seconds, isTooLong) = count.multipliedReportingOverflow(by: unit)
        guard !isTooLong, (1...60 * 86400).contains(seconds) else {
            throw root.error(
                at: "patience", "a study's patience must be from 1 second to 60 days, not \(text)")
        }
        return seconds
    }

    private static func analyses(in root: YAMLMapping) throws(DocumentError) -> [Analysis] {
        var analyses: [Analysis] = []
        for item in try root.mappings("analyses") {
            let kinds = ["survival", "incidence", "cox", "concordance", "describe"]
            guard item.keys.count == 1, let kind = item.keys.first, kinds.contains(kind) else {
                throw item.error(
                    at: nil,
                    "each item of analyses: is one of \(kinds.joined(separator: ", ")), not \(item.keys.joined(separator: " and "))"
                )
            }
            let body = try item.mapping(kind)
            switch kind {
            case "cox": try analyses.append(contentsOf: cox(body))
            case "describe": try analyses.append(describe(body))
            case "incidence": try analyses.append(incidence(body))
            case "concordance": try analyses.append(concordance(body))
            default: try analyses.append(survival(body))
            }
        }
        guard !analyses.isEmpty else {
            throw root.error(at: "analyses", "a study needs at least one analysis")
        }
        var seen: Set<String> = []
        for analysis in analyses where !seen.insert(analysis.id).inserted {
            throw root.error(at: "analyses", "two analyses have the id \"\(analysis.id)\"")
        }
        return analyses
    }

    private static func survival(_ body: YAMLMapping) throws(DocumentError) -> Analysis {
        let by = try body.optionalString("by")
        var options = SurvivalOptions()
        let logRank = try test(in: body, &options)
        if logRank, by == nil { throw body.error(at: "test", "a log-rank test compares groups; add by:") }
        let at = try times(in: body)
        try readNumbers(of: body, into: &options)
        try readVariance(of: body, into: &options)
        options.hasCurves = try body.has("curves") ? body.bool("curves") : true
        if !options.hasCurves { try requireTestAlone(in: body, logRank) }
        let limits = try body.choice("limits", among: ConfidenceLimits.self) ?? .log
        return try analysis(
            body, id: body.identifier("id"), axis: .always,
            kind: .survival(by: by, at: at, limits: limits, logRank: logRank, options: options))
    }

    /// Refuses `curves: false` without a test, and beside it what is read off curves.
    private static func requireTestAlone(in body: YAMLMapping, _ logRank: Bool) throws(DocumentError) {
        guard logRank else {
            throw body.error(
                at: "curves", "without curves there is nothing left to report; add test: log-rank")
        }
        for key in [
            "at", "quantiles", "rmst", "follow-up", "limits", "level", "estimate", "weights", "robust",
        ]
        where body.has(key) {
            throw body.error(
                at: key, "\(key): is of curves, and curves: false asks for none; drop one of both")
        }
    }

    /// Reads `at`, in time order.
    private static func times(in body: YAMLMapping) throws(DocumentError) -> [Double] {
        let at = try body.has("at") ? body.numbers("at") : []
        for time in at where !time.isFinite {
            throw body.error(at: "at", "a time at which a curve is asked must be a finite number")
        }
        return at.sorted()
    }

    /// Reads `weights`, `estimate` and `robust`.
    private static func readVariance(
        of body: YAMLMapping, into options: inout SurvivalOptions
    ) throws(DocumentError) {
        options.weights = try body.optionalString("weights")
        options.estimate = try body.choice("estimate", among: CurveEstimate.self) ?? .kaplanMeier
        options.isRobust = try body.has("robust") ? body.bool("robust") : false
        guard options.estimate != .flemingHarrington || options.weights == nil && !options.isRobust else {
            throw body.error(
                at: "estimate",
                "fleming-harrington lets tied deaths follow each other, which weights: and robust: do not allow; use nelson-aalen"
            )
        }
    }

    private static func incidence(_ body: YAMLMapping) throws(DocumentError) -> Analysis {
        let by = try body.optionalString("by")
        let test = try incidenceTest(in: body)
        if test != nil, by == nil { throw body.error(at: "test", "Gray's test compares groups; add by:") }
        let kind = Kind.incidence(
            by: by, at: try times(in: body),
            limits: try body.choice("limits", among: ConfidenceLimits.self) ?? .log,
            weights: try body.optionalString("weights"), test: test)
        return try analysis(body, id: body.identifier("id"), axis: .always, kind: kind)
    }

    /// Reads `test: gray` or `test: {rho: 1}`, and its `strata`.
    private static func incidenceTest(in body: YAMLMapping) throws(DocumentError) -> IncidenceTest? {
        let strata = try body.has("strata") ? body.strings("strata") : []
        if body.isMapping("test") {
            let test = try body.mapping("test")
            let gray = IncidenceTest(strata: strata, rho: try rho(in: test, unweighted: "Gray's test"))
            try test.finish()
            return gray
        }
        guard let test = try body.optionalString("test") else {
            guard strata.isEmpty else {
                throw body.error(at: "strata", "strata: belongs to a test; add test: gray")
            }
            return nil
        }
        guard test == "gray" else {
            throw body.error(at: "test", "\"\(test)\" is not a test of incidences; use \"gray\"")
        }
        return IncidenceTest(strata: strata)
    }

    /// Reads `test: log-rank` or `test: {rho: 1, trend: true}`, and its `strata`; whether there is a test.
    private static func test(
        in body: YAMLMapping, _ options: inout SurvivalOptions
    ) throws(DocumentError) -> Bool {
        options.strata = try body.has("strata") ? body.strings("strata") : []
        if body.isMapping("test") {
            let test = try body.mapping("test")
            options.rho = try rho(in: test, unweighted: "log-rank")
            options.hasTrend = try test.has("trend") ? test.bool("trend") : false
            try test.finish()
            return true
        }
        guard let test = try body.optionalString("test") else {
            guard options.strata.isEmpty else {
                throw body.error(at: "strata", "strata: belongs to a test; add test: log-rank")
            }
            return false
        }
        guard test == "log-rank" else {
            throw body.error(at: "test", "\"\(test)\" is not a test; use \"log-rank\"")
        }
        return true
    }

    /// Reads `rho`, the exponent of a test's weight; 0 unless given.
    private static func rho(
        in test: YAMLMapping, unweighted name: String
    ) throws(DocumentError) -> Double {
        let rho = try test.has("rho") ? test.number("rho") : 0
        guard (0...10).contains(rho) else {
            throw test.error(at: "rho", "the weight's exponent must lie between 0 (\(name)) and 10")
        }
        return rho
    }

    /// Reads `quantiles`, `rmst` and `follow-up`.
    private static func readNumbers(
        of body: YAMLMapping, into options: inout SurvivalOptions
    ) throws(DocumentError) {
        options.quantiles = try body.has("quantiles") ? body.numbers("quantiles").sorted() : []
        for share in options.quantiles where !(share > 0 && share < 1) {
            throw body.error(at: "quantiles", "a share of whom the time is asked lies between 0 and 1")
        }
        options.restrictedMeans = try body.has("rmst") ? body.numbers("rmst").sorted() : []
        for time in options.restrictedMeans where !(time.isFinite && time > 0) {
            throw body.error(at: "rmst", "a time to which the mean is restricted must be later than 0")
        }
        options.hasFollowUp = try body.has("follow-up") ? body.bool("follow-up") : false
    }

    private static func cox(_ body: YAMLMapping) throws(DocumentError) -> [Analysis] {
        let id = try body.identifier("id")
        let baseline = try body.choice("baseline", among: CoxResult.Baseline.self) ?? .site
        let ties = try body.choice("ties", among: Ties.self) ?? .efron
        let weights = try body.optionalString("weights")
        if body.has("terms") == body.has("each") {
            throw body.error(at: nil, "cox takes either terms: (one model) or each: (one model per term)")
        }
        var options = CoxOptions(
            check: try check(in: body), isRobust: try body.has("robust") ? body.bool("robust") : false,
            concordance: try concordance(in: body))
        options.hazard = try body.choice("hazard", among: CoxResult.Hazard.self) ?? .causeSpecific
        try readCurves(of: body, into: &options)
        try readEstimation(of: body, into: &options)
        options.testsHeterogeneity = try heterogeneity(in: body, baseline)
        options.diagnostics = try body.optionalMapping("diagnostics").map(StudyFile.Diagnostics.init)
        let usesTimes = options.check == .km || options.diagnostics?.hasSchoenfeld == true
        let axis: TimeAxisUse = baseline == .common || usesTimes ? .always : .never
        let all = options
        func kind(_ terms: [String]) -> Kind {
            .cox(terms: terms, baseline: baseline, ties: ties, weights: weights, options: all)
        }
        if body.has("terms") {
            let terms = try body.strings("terms")
            return [try analysis(body, id: id, axis: axis, kind: kind(terms))]
        }
        let terms = try body.strings("each")
        guard !terms.isEmpty else { throw body.error(at: "each", "each: lists no term; name the covariates") }
        let first = try analysis(body, id: id, axis: axis, kind: kind(terms))
        return terms.map { term in
            var one = first
            one.id = "\(id)/\(term)"
            one.kind = kind([term])
            return one
        }
    }

    /// Reads `predict`, `at`, `curve-limits` and `baseline-hazard`.
    private static func readCurves(
        of body: YAMLMapping, into options: inout CoxOptions
    ) throws(DocumentError) {
        options.hasBaselineHazard = try body.has("baseline-hazard") ? body.bool("baseline-hazard") : false
        guard body.has("predict") else {
            for key in ["at", "curve-limits"] where body.has(key) {
                throw body.error(at: key, "\(key): belongs to predict:; add profiles of covariates")
            }
            return
        }
        for profile in try body.mappings("predict") {
            options.profiles.append(
                try profile.pairs().map { StudyFile.Definition(name: $0.name, text: $0.text) })
        }
        guard (1...100).contains(options.profiles.count) else {
            throw body.error(at: "predict", "predict: lists from 1 to 100 profiles of covariates")
        }
        options.at = try times(in: body)
        options.curveLimits = try body.choice("curve-limits", among: ConfidenceLimits.self) ?? .log
    }

    /// Reads `heterogeneity: true`.
    private static func heterogeneity(
        in body: YAMLMapping, _ baseline: CoxResult.Baseline
    ) throws(DocumentError) -> Bool {
        guard try body.has("heterogeneity") ? body.bool("heterogeneity") : false else { return false }
        guard baseline == .site else {
            throw body.error(
                at: "heterogeneity",
                "under baseline: common no hospital has an information of its own to compare; use baseline: site"
            )
        }
        return true
    }

    /// Reads `check: proportional-hazards` and its `transform`, which is R's default km unless given.
    private static func check(in body: YAMLMapping) throws(DocumentError) -> TimeTransform? {
        let transform = try body.choice("transform", among: TimeTransform.self)
        guard let check = try body.optionalString("check") else {
            guard transform == nil else {
                throw body.error(at: "transform", "transform: belongs to check: proportional-hazards; add it")
            }
            return nil
        }
        guard check == "proportional-hazards" else {
            throw body.error(at: "check", "\"\(check)\" is not a check; use \"proportional-hazards\"")
        }
        return transform ?? .km
    }

    /// Reads `landmark: 3 months`, or a number in the endpoint's unit.
    private static func landmark(in body: YAMLMapping) throws(DocumentError) -> TimeSpan? {
        guard let text = try body.optionalString("landmark") else { return nil }
        guard let span = TimeSpan(text), span.count > 0 else {
            throw body.error(
                at: "landmark",
                "\"\(text)\" is no landmark; write a time after 0: \"3 months\", or a number in the endpoint's unit"
            )
        }
        return span
    }

    /// Reads `censor-at: 5 years`, or a number in the endpoint's unit.
    static func censorAt(in body: YAMLMapping) throws(DocumentError) -> TimeSpan? {
        guard let text = try body.optionalString("censor-at") else { return nil }
        guard let span = TimeSpan(text), span.count > 0 else {
            throw body.error(
                at: "censor-at",
                "\(quoted(text)) is no end of follow-up; write a time after 0: \"5 years\", or a number in the endpoint's unit"
            )
        }
        return span
    }

    /// Reads `event`, a condition in place of the endpoint's, or `cause`, one of the endpoint's causes.
    private static func event(
        in body: YAMLMapping, of kind: Kind
    ) throws(DocumentError) -> (event: String?, cause: String?) {
        switch kind {
        case .incidence, .describe: return (nil, nil)
        case .survival: return (try body.optionalString("event"), nil)
        case .cox, .concordance:
            let (event, cause) = (try body.optionalString("event"), try body.optionalString("cause"))
            guard event == nil || cause == nil else {
                throw body.error(at: "event", "an analysis has either event: or cause:")
            }
            return (event, cause)
        }
    }

    /// Whether an analysis asks for sums at times.
    enum TimeAxisUse { case always, never }

    /// The keys that all analyses share.
    static func analysis(
        _ body: YAMLMapping, id: String, axis: TimeAxisUse, kind: Kind
    ) throws(DocumentError) -> Analysis {
        let cohort = try body.optionalString("cohort")
        let level = try body.has("level") ? body.number("level") : 0.95
        guard level > 0, level < 1 else {
            throw body.error(at: "level", "the confidence level must lie between 0 and 1, e.g. 0.95")
        }
        let times = try body.choice("times", among: TimeAxisKind.self)
        if axis == .never, times == .grid {
            throw body.error(
                at: "times",
                "under baseline: site no time leaves a hospital and exact times are used; drop times:")
        }
        let (event, cause) = try event(in: body, of: kind)
        var analysis = Analysis(
            id: id, cohort: cohort, event: event, cause: cause,
            times: times ?? (axis == .never ? .exact : .grid), level: level,
            landmark: try landmark(in: body), censorAt: try censorAt(in: body),
            people: try body.choice("people", among: OverlappingRows.self), kind: kind, line: body.line)
        analysis.statesGrid = times == .grid
        try body.finish()
        return analysis
    }
}

extension StudyFile.Endpoint {
    fileprivate init(_ body: YAMLMapping) throws(DocumentError) {
        time = try body.string("time")
        start = try body.optionalString("start")
        causes =
            try body.has("causes")
            ? body.pairs("causes").map { StudyFile.Definition(name: $0.name, text: $0.text) } : []
        event =
            causes.isEmpty || body.has("event")
            ? try body.string("event") : causes.map { "(\($0.text))" }.joined(separator: " or ")
        guard let unit = try body.choice("unit", among: TimeUnit.self) else {
            throw body.error(at: nil, "the endpoint needs a unit: day, week, month or year")
        }
        self.unit = unit
        censorAt = try StudyFile.censorAt(in: body)
        try body.finish()
    }
}

extension StudyFile.Diagnostics {
    fileprivate init(_ body: YAMLMapping) throws(DocumentError) {
        functionalForm = try body.has("functional-form") ? body.strings("functional-form") : []
        hasSchoenfeld = try body.has("schoenfeld") ? body.bool("schoenfeld") : false
        guard !functionalForm.isEmpty || hasSchoenfeld else {
            throw body.error(
                at: nil, "diagnostics: asks for nothing; add functional-form: or schoenfeld: true")
        }
        bins = try body.has("bins") ? body.int("bins") : 10
        guard (2...CovariateCells.countMax).contains(bins) else {
            throw body.error(at: "bins", "the number of bins must be from 2 to \(CovariateCells.countMax)")
        }
        smallestBin = try body.has("smallest-bin") ? body.int("smallest-bin") : 20
        guard (1...1_000_000).contains(smallestBin) else {
            throw body.error(at: "smallest-bin", "the fewest people or events in a bin must be 1 or more")
        }
        try body.finish()
    }
}

extension StudyFile.Privacy {
    fileprivate init(_ body: YAMLMapping?) throws(DocumentError) {
        guard let body else {
            self.init(timeGrid: nil, smallestInterval: 10)
            return
        }
        let grid = try body.has("time-grid") ? body.number("time-grid") : nil
        if let grid, !(grid > 0 && grid.isFinite) {
            throw body.error(at: "time-grid", "the width of the time grid must be greater than 0")
        }
        let smallest = try body.has("smallest-interval") ? body.int("smallest-interval") : 10
        guard (1...1_000_000).contains(smallest) else {
            throw body.error(at: "smallest-interval", "the fewest exits in an interval must be 1 or more")
        }
        let cell = try body.has("smallest-cell") ? body.int("smallest-cell") : 10
        guard (1...1_000_000).contains(cell) else {
            throw body.error(at: "smallest-cell", "the fewest people in a cell must be 1 or more")
        }
        self.init(timeGrid: grid, smallestInterval: smallest, smallestCell: cell)
        try body.finish()
    }
}

extension YAMLMapping {
    /// A string that is safe as a name in paths, logs and reports.
    package func identifier(_ key: String) throws(DocumentError) -> String {
        let text = try string(key)
        guard text.isSafeName else {
            throw error(at: key, "\"\(text)\" cannot be a name; use lower-case letters, digits and hyphens")
        }
        return text
    }

    /// One of an enumeration's words; nil if the key is absent.
    package func choice<Choice: CaseIterable & RawRepresentable>(
        _ key: String, among: Choice.Type
    ) throws(DocumentError) -> Choice? where Choice.RawValue == String {
        guard let text = try optionalString(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw error(at: key, "\"\(text)\" is not one of: \(words)")
    }
}

extension String {
    /// Lower-case letters, digits and inner hyphens, at most 63: what a name in a certificate may be.
    package var isSafeName: Bool {
        (1...63).contains(utf8.count) && !hasPrefix("-")
            && utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}

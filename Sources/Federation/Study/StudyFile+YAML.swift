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
            guard item.keys.count == 1, let key = item.keys.first, let kind = AnalysisKinds.named(key) else {
                let kinds = AnalysisKinds.all.map { $0.key }.joined(separator: ", ")
                throw item.error(
                    at: nil,
                    "each item of analyses: is one of \(kinds), not \(item.keys.joined(separator: " and "))")
            }
            try analyses.append(contentsOf: kind.read(item.mapping(key)))
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

    /// Reads `at`, in time order.
    static func times(in body: YAMLMapping) throws(DocumentError) -> [Double] {
        let at = try body.has("at") ? body.numbers("at") : []
        for time in at where !time.isFinite {
            throw body.error(at: "at", "a time at which a curve is asked must be a finite number")
        }
        return at.sorted()
    }

    /// Reads `rmst`, in time order.
    static func restrictedMeans(in body: YAMLMapping) throws(DocumentError) -> [Double] {
        let times = try body.has("rmst") ? body.numbers("rmst").sorted() : []
        for time in times where !(time.isFinite && time > 0) {
            throw body.error(at: "rmst", "a time to which the mean is restricted must be later than 0")
        }
        return times
    }

    /// Reads `rho`, the exponent of a test's weight; 0 unless given.
    static func rho(
        in test: YAMLMapping, unweighted name: String
    ) throws(DocumentError) -> Double {
        let rho = try test.has("rho") ? test.number("rho") : 0
        guard (0...10).contains(rho) else {
            throw test.error(at: "rho", "the weight's exponent must lie between 0 (\(name)) and 10")
        }
        return rho
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

    /// How an analysis may say what its event is.
    enum EventKeys {
        /// Not at all.
        case none
        /// `event`, a condition in place of the endpoint's.
        case event
        /// The same, or `cause`, one of the endpoint's causes.
        case eventOrCause
    }

    private static func event(
        in body: YAMLMapping, _ keys: EventKeys
    ) throws(DocumentError) -> (event: String?, cause: String?) {
        guard keys != .none else { return (nil, nil) }
        let event = try body.optionalString("event")
        guard keys == .eventOrCause else { return (event, nil) }
        let cause = try body.optionalString("cause")
        guard event == nil || cause == nil else {
            throw body.error(at: "event", "an analysis has either event: or cause:")
        }
        return (event, cause)
    }

    /// Whether an analysis asks for sums at times.
    enum TimeAxisUse { case always, never }

    /// The keys that all analyses share.
    static func analysis(
        _ body: YAMLMapping, id: String, axis: TimeAxisUse, events: EventKeys, kind: any AnalysisRequest
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
        let (event, cause) = try event(in: body, events)
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

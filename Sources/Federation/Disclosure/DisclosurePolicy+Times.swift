import Survival

/// What a study may say of times where a policy lets no exact ones leave, by its text alone.
///
/// Times are measured with the hospital's ruler: the endpoint's time is a variable of the dictionary, which has its unit, and what
/// a study says of it lies on one grid. Otherwise a condition (`died and months > 5.3`), a second grid, a landmark or a limit of
/// pairs would cut the time axis wherever its author likes, and two such studies show who left in between.
extension DisclosurePolicy {
    func admitTimes(of analysis: AnalysisPlan, in plan: StudyPlan) throws(DisclosureError) {
        let times = StatedTimes(of: analysis, in: plan)
        guard !allowsExactTimes else {
            // Who may ask for exact times could have any grid; its width is held against the rule by the study's own unit.
            guard let grid = times.grid, grid * plan.study.endpoint.unit.days < timeGridDaysMin else {
                return
            }
            throw tooFine(analysis.id)
        }
        for (key, expression) in [("time", analysis.endpoint.time), ("start", analysis.endpoint.start)] {
            guard let expression, plan.scope.variable(expression) == nil else { continue }
            throw .ofText(
                "times-exact", in: analysis.id,
                "the endpoint's \(key) must be a variable of the dictionary as it is, and \(quoted(expression.text)) is a formula"
            )
        }
        try refuseTimes(inFormulasOf: analysis, plan)
        try refuseTimeBins(in: analysis, plan)
        guard !times.isEmpty else { return }
        let ruler = try ruler(of: plan, analysis.id)
        if let grid = times.grid, grid * ruler.unit.days < timeGridDaysMin * (1 - 1e-9) {
            throw tooFine(analysis.id)
        }
        for (key, time) in times.all where !ruler.has(time) {
            throw .ofText("time-grid-days-min", in: analysis.id, offGrid(key, time, ruler))
        }
    }

    private func tooFine(_ analysis: String) -> DisclosureError {
        .ofText(
            "time-grid-days-min", in: analysis,
            "the study's time-grid is finer than \(timeGridDaysMin.formattedShort) days")
    }

    // MARK: - The ruler

    /// Steps of a grid of times, in a unit of the dictionary's.
    private struct Ruler {
        /// The dictionary's grid, on which a plan's times lie to the last bit, and how many of its steps are one of the ruler's.
        var grid: Double
        var count: Double
        var unit: TimeUnit

        var step: Double { grid * count }

        /// Whether a time is a multiple of the step, to the last bit.
        func has(_ time: Double) -> Bool {
            let steps = (time / grid).rounded()
            return time == time.multiple(of: grid) && steps.truncatingRemainder(dividingBy: count) == 0
        }

        var description: String { "\(step.formattedShort) \(unit.rawValue)\(step == 1 ? "" : "s")" }
    }

    /// The fewest steps of the dictionary's grid, or without one of its unit, that last as long as the policy wants.
    private func ruler(of plan: StudyPlan, _ analysis: String) throws(DisclosureError) -> Ruler {
        let time = plan.timeVariables.endpoint.first
        guard let unit = time?.unit.flatMap(TimeUnit.init(named:)) else {
            throw .ofText(
                "time-grid-days-min", in: analysis,
                "the dictionary gives \(quoted(time?.name ?? plan.study.endpoint.time)) no unit of time, without which a grid cannot be judged; add unit: to it (\(TimeUnit.names))"
            )
        }
        let grid = time?.grid ?? 1
        let steps = (timeGridDaysMin / (grid * unit.days) - 1e-9).rounded(.up)
        return Ruler(grid: grid, count: max(steps, 1), unit: unit)
    }

    private func offGrid(_ key: String, _ time: Double, _ ruler: Ruler) -> String {
        let nearest = max((time / ruler.step).rounded(), 1) * ruler.step
        return
            "\(key): \(time.formattedShort) is no multiple of \(ruler.description), on which all times of a study lie here (by the dictionary's grid: and this rule); the nearest is \(nearest.formattedShort)"
    }

    // MARK: - Formulas

    /// Refuses times in conditions, terms, weights and markers, whether by themselves or behind definitions.
    private func refuseTimes(
        inFormulasOf analysis: AnalysisPlan, _ plan: StudyPlan
    ) throws(DisclosureError) {
        let times = plan.timeVariables
        for (key, expression) in analysis.formulas where key != "endpoint" {
            let variable = plan.scope.variable(expression)
            if let variable {
                // A mean of times; or, as a covariate, a time that is known when follow-up begins.
                if key == "variables" { continue }
                if key == "terms", times.entry.contains(variable.name), !variable.isMeasuredAfterTimeZero {
                    continue
                }
            }
            let names = plan.scope.variables(of: expression).filter(times.names.contains)
            guard let name = names.first else { continue }
            throw .ofText(
                "times-exact", in: analysis.id,
                "\(key): \(quoted(expression.text)) uses the time \(quoted(name)), of which no condition and no formula may be made where exact times stay at home; end follow-up by censor-at:, choose who is still at risk by landmark:, and ask for estimates by at:"
            )
        }
    }

    /// A table's bins of a time cut it as a grid does.
    private func refuseTimeBins(in analysis: AnalysisPlan, _ plan: StudyPlan) throws(DisclosureError) {
        guard let table = analysis.description else { return }
        for variable in table.variables {
            guard case .number(_, let bins?) = variable.kind,
                let known = plan.scope.variable(variable.expression),
                plan.timeVariables.names.contains(known.name)
            else { continue }
            throw .ofText(
                "times-exact", in: analysis.id,
                "bins: of the time \(quoted(known.name)) \(bins.isExact ? "are its values" : "cut it where the study likes"); ask for a survival curve"
            )
        }
    }
}

/// The times that a study states for an analysis, in the endpoint's unit, by key.
private struct StatedTimes {
    /// The width of the public grid, where the analysis has sums on it.
    var grid: Double?
    var others: [(key: String, time: Double)] = []

    init(of analysis: AnalysisPlan, in plan: StudyPlan) {
        if analysis.usesTimes, analysis.times == .grid { grid = plan.study.privacy.timeGrid ?? 0 }
        func add(_ key: String, _ time: Double?) {
            if let time { others.append((key, time)) }
        }
        add("landmark", analysis.endpoint.landmark)
        add("censor-at", analysis.endpoint.censorAt)
        let pairs = analysis.kind.pairs
        add("ymin", pairs?.timeMin)
        add("ymax", pairs?.timeMax)
    }

    var isEmpty: Bool { grid == nil && others.isEmpty }

    var all: [(key: String, time: Double)] { (grid.map { [("time-grid", $0)] } ?? []) + others }
}

extension StudyPlan {
    /// The dictionary's variables that are times, as far as a study concerns them.
    struct TimeVariables {
        /// That of the endpoint's time, and that of its start, where they are variables.
        var endpoint: [DataDictionary.Variable]
        /// What the endpoint's start is made of.
        var entry: Set<String>
        /// All: those behind the endpoint's time and start, and those that may be another endpoint's time.
        var names: Set<String>
    }

    var timeVariables: TimeVariables {
        let expressions = [study.endpoint.time, study.endpoint.start].map { text in
            text.flatMap { try? Expression(parsing: $0) }
        }
        let entry = Set(expressions[1].map(scope.variables(of:)) ?? [])
        let behind = Set(expressions.compactMap(\.self).flatMap(scope.variables(of:)))
        let others = dictionary.variables.filter(\.isTime)
        return TimeVariables(
            endpoint: expressions.compactMap { $0.flatMap(scope.variable) },
            entry: entry.subtracting(expressions[0].map(scope.variables(of:)) ?? []),
            names: behind.union(others.map(\.name)))
    }
}

extension DataDictionary.Variable {
    /// Whether a number must be taken for a time: with a grid, or known only after follow-up began, unless the dictionary says
    /// `time: false`.
    ///
    /// What is measured at no set time may be the time of another event, whatever its unit is called, or without one; what is
    /// measured at a set time is a time if its unit may be one.
    var isTime: Bool {
        guard case .number = kind else { return false }
        if let statedAsTime { return statedAsTime }
        return grid != nil
            || (isMeasuredAfterTimeZero
                && (daysToMeasurement == nil || unit.map(Self.mayBeUnitOfTime) ?? true))
    }

    private static func mayBeUnitOfTime(_ unit: String) -> Bool {
        let word = unit.lowercased().filter(\.isLetter)
        return ["day", "week", "month", "year", "hour", "minute", "second", "annum", "date"].contains {
            word.hasPrefix($0)
        }
            || [
                "d", "w", "wk", "wks", "m", "mo", "mos", "mth", "mths", "y", "yr", "yrs", "a", "h", "hr",
                "hrs", "min", "mins", "s", "sec", "secs", "ms",
            ]
            .contains(word)
    }
}

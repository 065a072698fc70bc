import Survival

extension TextReport {
    mutating func add(_ survival: SurvivalResult, unit: String) {
        addHeading("\(survival.id): \(name(of: survival))" + (survival.by.map { " by \($0)" } ?? ""))
        addWarnings(survival.warnings)
        addCounts(survival.counts)
        if survival.groups.isEmpty { addTestAlone(of: survival) } else { addCurves(of: survival, unit: unit) }
        if let test = survival.test { add(test) }
    }

    private mutating func addTestAlone(of survival: SurvivalResult) {
        if survival.test?.isWithinSites != true {
            addParagraph(sentence(for: survival.times, gridWidth: survival.gridWidth))
        }
        if let event = survival.event { addParagraph("Event: \(event).") }
    }

    private mutating func addCurves(of survival: SurvivalResult, unit: String) {
        addParagraph(
            sentence(for: survival.times, gridWidth: survival.gridWidth, readings: Self.curveReadings))
        let level = NumberText.level(survival.level)
        if let event = survival.event { addParagraph("Event: \(event).") }
        if let weights = survival.weights { addParagraph("Weighted by \(weights).") }
        if let cluster = survival.cluster {
            addParagraph("Standard errors: robust, rows of the same \(cluster) taken together.")
        }
        addParagraph("Confidence limits: \(level), symmetric \(words(for: survival.limits)).")
        add(medians(survival, unit: unit))
        if survival.groups.contains(where: { !$0.at.isEmpty }) { add(survivalAtTimes(survival, unit: unit)) }
        let groups = survival.groups
        if groups.contains(where: { !$0.quantiles.isEmpty }) { add(quantiles(survival, unit: unit)) }
        if groups.contains(where: { !$0.restrictedMeans.isEmpty }) {
            add(restrictedMeans(survival, unit: unit))
        }
        if groups.contains(where: { $0.followUp != nil }) { add(followUp(survival, unit: unit)) }
    }

    private func name(of survival: SurvivalResult) -> String {
        if survival.groups.isEmpty { return "test of survival" }
        return switch survival.estimate {
        case .kaplanMeier: "Kaplan-Meier survival"
        case .nelsonAalen: "survival from the Nelson-Aalen hazard"
        case .flemingHarrington: "Fleming-Harrington survival"
        }
    }

    func words(for limits: ConfidenceLimits) -> String {
        switch limits {
        case .log: "on the log scale"
        case .logLog: "on the log(-log) scale"
        case .plain: "on the scale of the estimate itself"
        }
    }

    private func label(of group: SurvivalResult.Group) -> String { group.name.isEmpty ? "all" : group.name }

    private func medians(_ survival: SurvivalResult, unit: String) -> TextTable {
        let interval = "\(NumberText.level(survival.level)) CI"
        var table = TextTable(
            headings: [survival.by ?? "", "n", "events", "median (\(unit))", interval] + bounds(survival))
        for group in survival.groups {
            let median = group.median
            table.add(
                label(of: group),
                [
                    String(group.rows), String(group.events), median.estimate.text(NumberText.time),
                    intervalText(median.lower, median.upper, NumberText.time),
                ] + bounds(median.bounds, survival, NumberText.time))
        }
        return table
    }

    /// The heading of a further column on a grid.
    private func bounds(_ survival: SurvivalResult) -> [String] {
        survival.times == .grid ? ["bounds"] : []
    }

    private func bounds(
        _ bounds: Bounds?, _ survival: SurvivalResult, _ format: (Double) -> String
    ) -> [String] {
        guard survival.times == .grid else { return [] }
        return [bounds.map { intervalText($0.lowest, $0.highest, format) } ?? "NA"]
    }

    private func survivalAtTimes(_ survival: SurvivalResult, unit: String) -> TextTable {
        let interval = "\(NumberText.level(survival.level)) CI"
        var table = TextTable(
            headings: [
                survival.by ?? "", "time (\(unit))", "at risk", "survival", interval,
            ] + bounds(survival))
        for group in survival.groups {
            for point in group.at {
                table.add(
                    label(of: group),
                    [
                        NumberText.time(point.time), point.atRisk.text(NumberText.count),
                        point.survival.text(NumberText.percent),
                        intervalText(point.lower, point.upper, NumberText.percent),
                    ] + bounds(point.grid?.survival, survival, NumberText.percent))
            }
        }
        return table
    }

    private func quantiles(_ survival: SurvivalResult, unit: String) -> TextTable {
        let interval = "\(NumberText.level(survival.level)) CI"
        var table = TextTable(
            headings: [survival.by ?? "", "share with event", "by (\(unit))", interval] + bounds(survival))
        for group in survival.groups {
            for quantile in group.quantiles {
                let time = quantile.time
                table.add(
                    label(of: group),
                    [
                        NumberText.percent(quantile.share), time.estimate.text(NumberText.time),
                        intervalText(time.lower, time.upper, NumberText.time),
                    ] + bounds(time.bounds, survival, NumberText.time))
            }
        }
        return table
    }

    private func restrictedMeans(_ survival: SurvivalResult, unit: String) -> TextTable {
        let interval = "\(NumberText.level(survival.level)) CI"
        var table = TextTable(
            headings: [survival.by ?? "", "to (\(unit))", "restricted mean", "se", interval]
                + bounds(survival))
        func duration(_ value: Double) -> String { NumberText.compact(value, places: 2) }
        for group in survival.groups {
            for mean in group.restrictedMeans {
                table.add(
                    label(of: group),
                    [
                        NumberText.time(mean.time), mean.mean.text(duration), mean.se.text(duration),
                        intervalText(mean.lower, mean.upper, duration),
                    ] + bounds(mean.bounds, survival, duration))
            }
        }
        return table
    }

    private func followUp(_ survival: SurvivalResult, unit: String) -> TextTable {
        let interval = "\(NumberText.level(survival.level)) CI"
        var table = TextTable(
            headings: [survival.by ?? "", "median follow-up (\(unit))", interval] + bounds(survival))
        for group in survival.groups {
            guard let median = group.followUp else { continue }
            table.add(
                label(of: group),
                [
                    median.estimate.text(NumberText.time),
                    intervalText(median.lower, median.upper, NumberText.time),
                ] + bounds(median.bounds, survival, NumberText.time))
        }
        return table
    }

    private func name(of test: SurvivalResult.LogRank) -> String {
        let weight = test.rho == 0 ? "log-rank test" : "test with weight S(t)^\(NumberText.time(test.rho))"
        return test.strata.isEmpty
            ? weight : "\(weight), stratified by \(test.strata.joined(separator: ", "))"
    }

    private mutating func add(_ logRank: SurvivalResult.LogRank) {
        let hasRows = logRank.rows != nil
        var table = TextTable(
            headings: [name(of: logRank)] + (hasRows ? ["n"] : []) + ["observed", "expected"])
        for (index, group) in logRank.groups.enumerated() {
            table.add(
                group,
                [logRank.rows.map { String($0[index]) }].compactMap(\.self) + [
                    logRank.observed[index].text {
                        logRank.rho == 0 ? NumberText.count($0) : NumberText.fixed($0, places: 1)
                    },
                    logRank.expected[index].text { NumberText.fixed($0, places: 1) },
                ])
        }
        add(table)
        if logRank.isWithinSites == true {
            addParagraph("Groups are compared within hospitals, at each hospital's exact times.")
        }
        let test = logRank.test
        let statistic = test.statistic.text { NumberText.fixed($0, places: 2) }
        let degrees = counted(Int(test.degreesOfFreedom), "degree")
        addParagraph("Chi-square \(statistic) on \(degrees) of freedom, \(statement(of: test)).")
        guard let trend = logRank.trend else { return }
        let slope = trend.statistic.text { NumberText.fixed($0, places: 2) }
        addParagraph(
            "Trend over the groups in their order: chi-square \(slope) on 1 degree of freedom, \(statement(of: trend))."
        )
    }

    /// `p = 0.025`, or `p <0.001 (1.2e-15)`.
    private func statement(of test: TestResult) -> String {
        guard let p = test.p.value else { return "p " + test.p.text(NumberText.roundedP) }
        let rounded = NumberText.roundedP(p)
        guard rounded.hasPrefix("<") else {
            return rounded.hasPrefix(">") ? "p \(rounded)" : "p = \(rounded)"
        }
        return "p \(rounded) (\(NumberText.fullP(p, logP: test.logP.value)))"
    }
}

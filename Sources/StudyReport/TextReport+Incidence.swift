import Survival

extension TextReport {
    mutating func add(_ incidence: IncidenceResult, unit: String) {
        addHeading("\(incidence.id): cumulative incidence" + (incidence.by.map { " by \($0)" } ?? ""))
        addWarnings(incidence.warnings)
        addCounts(incidence.counts)
        addParagraph(
            sentence(for: incidence.times, gridWidth: incidence.gridWidth, readings: Self.curveReadings))
        if let weights = incidence.weights { addParagraph("Weighted by \(weights).") }
        addParagraph(
            "Aalen-Johansen estimates of competing causes, standard errors by the infinitesimal jackknife.")
        let level = NumberText.level(incidence.level)
        addParagraph("Confidence limits: \(level), symmetric \(words(for: incidence.limits)).")
        add(events(incidence))
        if incidence.groups.contains(where: { !$0.at.isEmpty }) { add(atTimes(incidence, unit: unit)) }
        if let tests = incidence.tests { add(table(of: tests, incidence)) }
    }

    private func table(of tests: [TestResult], _ incidence: IncidenceResult) -> TextTable {
        let weight = incidence.rho.map { ", weight (1 - F(t))^\(NumberText.time($0))" } ?? ""
        let strata = incidence.strata.map { " within \($0.joined(separator: ", "))" } ?? ""
        var table = TextTable(headings: [
            "Gray's test of the groups\(strata)\(weight)", "chi-square", "df", "p",
        ])
        for (cause, test) in zip(incidence.causes, tests) { table.add(cause, cells(test)) }
        return table
    }

    private func label(_ group: IncidenceResult.Group) -> String { group.name.isEmpty ? "all" : group.name }

    private func events(_ incidence: IncidenceResult) -> TextTable {
        var table = TextTable(headings: [incidence.by ?? "", "n"] + incidence.causes)
        for group in incidence.groups {
            table.add(label(group), [String(group.rows)] + group.events.map { String($0) })
        }
        return table
    }

    private func atTimes(_ incidence: IncidenceResult, unit: String) -> TextTable {
        let interval = "\(NumberText.level(incidence.level)) CI"
        var table = TextTable(
            headings: [
                incidence.by ?? "", "cause", "time (\(unit))", "at risk", "incidence", interval,
            ] + (incidence.times == .grid ? ["bounds"] : []))
        for group in incidence.groups {
            for (index, cause) in incidence.causes.enumerated() {
                for point in group.at {
                    table.add(label(group), cells(point, index, cause, isOnGrid: incidence.times == .grid))
                }
            }
        }
        return table
    }

    private func cells(
        _ point: IncidenceResult.Point, _ index: Int, _ cause: String, isOnGrid: Bool
    ) -> [String] {
        let own = point.incidence[index]
        let bounds = own.bounds?.first.map { intervalText($0.lowest, $0.highest, NumberText.percent) }
        return [
            cause, NumberText.time(point.time), point.atRisk.text(NumberText.count),
            own.estimate[0].text(NumberText.percent),
            intervalText(own.lower[0], own.upper[0], NumberText.percent),
        ] + (isOnGrid ? [bounds ?? "NA"] : [])
    }
}

import Survival

extension ComparisonResult: ReportSection {
    func requireCoherence() throws(ReportError) {
        for group in groups {
            let isReference = group.name == reference
            let lengths = [
                (group.survivalDifferences.count, group.survival.count),
                (group.meanDifferences.count, group.restrictedMeans.count),
                (group.meanRatios.count, group.restrictedMeans.count),
            ]
            guard lengths.allSatisfy({ $0.0 == (isReference ? 0 : $0.1) }) else {
                throw .incoherent(
                    id: id, part: "the group \(group.name) has not one comparison for each time")
            }
        }
    }

    // MARK: - Text

    func add(to report: inout TextReport) {
        report.addHeading("\(id): survival by \(by), compared with \(reference)")
        report.addWarnings(warnings)
        report.addCounts(counts)
        report.addParagraph(
            report.sentence(for: times, gridWidth: gridWidth, readings: TextReport.curveReadings))
        if let event { report.addParagraph("Event: \(event).") }
        report.addParagraph(
            "Kaplan-Meier estimates, Greenwood's variances; limits and p by the normal approximation, of ratios on the log scale."
        )
        if groups.contains(where: { !$0.survival.isEmpty }) { report.add(survivalTable(report.unit)) }
        if groups.contains(where: { !$0.restrictedMeans.isEmpty }) { report.add(meanTable(report.unit)) }
    }

    private var interval: String { "\(NumberText.level(level)) CI" }

    private var boundsHeading: [String] { times == .grid ? ["bounds"] : [] }

    private func survivalTable(_ unit: String) -> TextTable {
        var table = TextTable(
            headings: [by, "time (\(unit))", "survival", "difference", interval] + boundsHeading + [
                "p"
            ])
        for group in groups {
            for (index, point) in group.survival.enumerated() {
                let own = [NumberText.time(point.time), point.survival.text(NumberText.percent)]
                let difference =
                    group.survivalDifferences.isEmpty
                    ? nil : group.survivalDifferences[index]
                table.add(group.name, own + cells(difference, NumberText.percent))
            }
        }
        return table
    }

    private func meanTable(_ unit: String) -> TextTable {
        func duration(_ value: Double) -> String { NumberText.compact(value, places: 2) }
        var table = TextTable(
            headings: [by, "to (\(unit))", "restricted mean", "against \(reference)", "estimate", interval]
                + boundsHeading + ["p"])
        for group in groups {
            for (index, mean) in group.restrictedMeans.enumerated() {
                let own = [NumberText.time(mean.time), mean.mean.text(duration)]
                guard !group.meanDifferences.isEmpty else {
                    table.add(group.name, own + ["reference"] + cells(nil, duration))
                    continue
                }
                table.add(
                    group.name, own + ["difference"] + cells(group.meanDifferences[index], duration))
                table.add(
                    group.name,
                    own + ["ratio"]
                        + cells(group.meanRatios[index]) {
                            NumberText.fixed($0, places: 3)
                        })
            }
        }
        return table
    }

    private func cells(_ contrast: Contrast?, _ text: (Double) -> String) -> [String] {
        guard let contrast else { return ["", ""] + boundsHeading.map { _ in "" } + [""] }
        let bounds =
            times == .grid
            ? [contrast.bounds.map { intervalText($0.lowest, $0.highest, text) } ?? "NA"] : []
        return [contrast.estimate.text(text), intervalText(contrast.lower, contrast.upper, text)] + bounds
            + [contrast.p.text { NumberText.fullP($0, logP: contrast.logP.value) }]
    }

    // MARK: - CSV

    func add(to report: inout CSVReport) {
        let place = CSVReport.Place(analysis: id, kind: "compare")
        report.addWarnings(warnings, at: place)
        report.add(counts, at: place)
        report.add(place, "times", .text(times.rawValue))
        report.add(place, "by", .text(by))
        report.add(place, "reference", .text(reference))
        report.add(place, "level", .number(Reported(level)))
        if let event { report.add(place, "event", .text(event)) }
        if let gridWidth { report.add(place, "grid_width", .number(Reported(gridWidth))) }
        for group in groups {
            var place = place
            place.group = group.name
            report.add(place, "group_n", .integer(group.rows))
            report.add(place, "group_events", .integer(group.events))
            for point in group.survival {
                place.time = point.time
                report.add(place, "survival", .number(point.survival))
                report.add(place, "survival_se", .number(point.se))
            }
            for mean in group.restrictedMeans {
                place.time = mean.time
                report.add(place, "rmst", .number(mean.mean))
                report.add(place, "rmst_se", .number(mean.se))
            }
            for (name, contrasts) in group.contrasts {
                for contrast in contrasts { report.add(contrast, as: name, at: place) }
            }
        }
    }

    // MARK: - JSON

    func json(in report: JSONReport) -> [String: JSONValue] {
        var object = report.counts(counts).merging([
            "kind": .string("compare"), "times": .string(times.rawValue), "by": .string(by),
            "reference": .string(reference), "level": .number(level),
            "groups": .array(groups.map { .object(json($0)) }), "warnings": .strings(warnings),
        ]) { _, new in new }
        object["event"] = event.map(JSONValue.string)
        object["grid_width"] = gridWidth.map { .number($0) }
        return object
    }

    private func json(_ group: Group) -> [String: JSONValue] {
        let survival = group.survival.map { point in
            JSONValue.object([
                "time": .number(point.time), "survival": .reported(point.survival), "se": .reported(point.se),
            ])
        }
        let means = group.restrictedMeans.map { mean in
            JSONValue.object([
                "time": .number(mean.time), "mean": .reported(mean.mean), "se": .reported(mean.se),
            ])
        }
        var object: [String: JSONValue] = [
            "name": .string(group.name), "n": .integer(group.rows), "events": .integer(group.events),
            "survival": .array(survival), "rmst": .array(means),
        ]
        for (name, contrasts) in group.contrasts where !contrasts.isEmpty {
            object[name] = .array(contrasts.map { .object(json($0)) })
        }
        return object
    }

    private func json(_ contrast: Contrast) -> [String: JSONValue] {
        var object: [String: JSONValue] = [
            "time": .number(contrast.time), "estimate": .reported(contrast.estimate),
            "se": .reported(contrast.se), "lower": .reported(contrast.lower),
            "upper": .reported(contrast.upper), "z": .reported(contrast.z), "p": .reported(contrast.p),
            "log_p": .reported(contrast.logP),
        ]
        if let bounds = contrast.bounds {
            (object["lowest"], object["highest"]) = (.reported(bounds.lowest), .reported(bounds.highest))
        }
        return object
    }
}

extension ComparisonResult.Group {
    /// By the names of their statistics.
    fileprivate var contrasts: [(name: String, values: [ComparisonResult.Contrast])] {
        [
            ("survival_difference", survivalDifferences), ("rmst_difference", meanDifferences),
            ("rmst_ratio", meanRatios),
        ]
    }
}

extension CSVReport {
    fileprivate mutating func add(_ contrast: ComparisonResult.Contrast, as name: String, at place: Place) {
        var place = place
        place.time = contrast.time
        let numbers = [
            ("", contrast.estimate), ("_se", contrast.se), ("_lower", contrast.lower),
            ("_upper", contrast.upper), ("_z", contrast.z), ("_p", contrast.p), ("_log_p", contrast.logP),
        ]
        for (ending, number) in numbers { add(place, name + ending, .number(number)) }
        if let bounds = contrast.bounds { add(bounds, of: name, at: place) }
    }
}

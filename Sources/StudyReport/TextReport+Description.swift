import Survival

extension TextReport {
    mutating func add(_ table: DescriptionResult) {
        addHeading("\(table.id): the patients" + (table.by.map { ", by \($0)" } ?? ""))
        addWarnings(table.warnings)
        addCounts(table.counts)
        let columns = ["all"] + table.groups
        let comparison = table.by == nil ? [] : ["SMD", "p"]
        var text = TextTable(headings: [table.by.map { "by \($0)" } ?? ""] + columns + comparison)
        text.add("people", table.people.map { String($0) } + comparison.map { _ in "" })
        for variable in table.variables {
            for row in rows(of: variable, hasGroups: table.by != nil) { text.add(row.label, row.cells) }
        }
        add(text)
        for note in notes(on: table) { addParagraph(note) }
    }

    private func rows(
        of variable: DescriptionResult.Variable, hasGroups: Bool
    ) -> [(label: String, cells: [String])] {
        let name = (variable.label ?? variable.name) + (variable.unit.map { " (\($0))" } ?? "")
        func p(_ tests: [DescriptionResult.Test]) -> String {
            let test = variable.comparisons.first { tests.contains($0.test) }
            return test.map { cell($0.p, NumberText.roundedP) } ?? ""
        }
        let difference = variable.difference.map { cell($0) { NumberText.fixed($0, places: 2) } } ?? ""
        var rows: [(label: String, cells: [String])]
        switch variable.summary {
        case .number(let number):
            let means = zip(number.mean, number.sd).map {
                $0.value == nil ? measure($0) : "\(measure($0)) (\(measure($1)))"
            }
            rows = [("\(name): mean (SD)", means + [difference, p([.welch, .anova])])]
            if let quartiles = number.quartiles {
                let cells = quartiles.median.indices.map { column in
                    let values = [quartiles.median, quartiles.lower, quartiles.upper].map {
                        cell($0[column], quartiles.bins == nil ? NumberText.time : rounded)
                    }
                    return quartiles.median[column].value == nil
                        ? values[0] : "\(values[0]) (\(values[1]) to \(values[2]))"
                }
                rows.append(
                    ("\(name): median (quartiles)", cells + ["", p([.wilcoxon, .kruskalWallis])]))
            }
        case .levels(let levels):
            // Of a condition, those for whom it is true say all.
            let isCondition = levels.map(\.name) == ["no", "yes"]
            rows = levels.suffix(isCondition ? 1 : levels.count).map { level in
                let cells = zip(level.counts, level.shares).map { count, share in
                    count.value == nil
                        ? cell(count, NumberText.count)
                        : "\(cell(count, NumberText.count)) (\(cell(share, NumberText.percent)))"
                }
                return ("\(name): \(level.label ?? level.name)", cells + ["", ""])
            }
            if !rows.isEmpty { rows[0].cells.replaceLast(2, with: [difference, p([.chiSquared])]) }
        }
        if variable.missing.contains(where: { $0 > 0 }) {
            rows.append(("\(name): missing", variable.missing.map { String($0) } + ["", ""]))
        }
        return hasGroups ? rows : rows.map { ($0.label, $0.cells.dropLast(2)) }
    }

    /// A mean or a standard deviation.
    private func measure(_ value: Reported) -> String { cell(value, rounded) }

    private func rounded(_ value: Double) -> String {
        value.magnitude >= 10 ? NumberText.fixed(value, places: 1) : NumberText.compact(value, places: 2)
    }

    private func cell(_ value: Reported, _ format: (Double) -> String) -> String {
        if case .suppressed = value { "*" } else { value.text(format) }
    }

    private func notes(on table: DescriptionResult) -> [String] {
        var notes = [
            "Each person is counted once; shares are of those whose value is known."
        ]
        if table.by != nil { notes.append(sentence(onTestsOf: table)) }
        for variable in table.variables {
            guard case .number(let number) = variable.summary, let bins = number.quartiles?.bins else {
                continue
            }
            let ends = bins.map { NumberText.time($0) }.joined(separator: ", ")
            notes.append(
                "Quartiles and ranks of \(variable.name) are from counts in bins that end at \(ends).")
        }
        if table.hasWithheld {
            notes.append(
                "* withheld (rule smallest-cell): fewer than \(counted(table.smallestCell, "person", "people")), or such a number could be worked out from it."
            )
        }
        return notes
    }

    private func sentence(onTestsOf table: DescriptionResult) -> String {
        let tests = Set(table.variables.flatMap { $0.comparisons.map(\.test) })
        let used = DescriptionResult.Test.allCases.filter(tests.contains).map { test in
            switch test {
            case .welch: "Welch's t-test of means"
            case .anova: "analysis of variance of means"
            case .wilcoxon: "Wilcoxon's rank-sum test"
            case .kruskalWallis: "Kruskal and Wallis's rank test"
            case .chiSquared: "Pearson's chi-squared test of shares"
            }
        }
        let pairs = table.groups.count > 2 ? ", the mean over all pairs of groups" : ""
        return "SMD: standardised difference\(pairs). p: \(used.joined(separator: ", "))."
    }
}

extension [String] {
    fileprivate mutating func replaceLast(_ count: Int, with other: [String]) {
        replaceSubrange((self.count - count)..., with: other)
    }
}

extension DescriptionResult {
    fileprivate var hasWithheld: Bool {
        variables.contains { variable in
            let numbers: [Reported] =
                switch variable.summary {
                case .number(let number):
                    number.mean + number.sd + (number.quartiles.map { $0.lower + $0.median + $0.upper } ?? [])
                case .levels(let levels): levels.flatMap(\.counts)
                }
            return numbers.contains { if case .suppressed = $0 { true } else { false } }
        }
    }
}

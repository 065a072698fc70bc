import Survival

extension TextReport {
    mutating func add(_ diagnostics: CoxResult.Diagnostics) {
        for form in diagnostics.functionalForm {
            var table = TextTable(
                headings: ["residuals by \(form.covariate)", "people", "events", "expected", "mean residual"])
            for bin in form.bins {
                let cells = [
                    String(bin.people), String(bin.events),
                    bin.expected.text { NumberText.fixed($0, places: 1) },
                    bin.residual.text { NumberText.fixed($0, places: 3) },
                ]
                table.add(bin.label, cells)
            }
            add(table)
        }
        guard let effects = diagnostics.effectOverTime else { return }
        var table = TextTable(headings: ["coefficients by time", "events"] + effects.terms)
        for bin in effects.bins {
            let cells = bin.effects.map { $0.text { NumberText.compact($0, places: 3) } }
            table.add(bin.label, [String(bin.events)] + cells)
        }
        add(table)
    }
}

extension CoxResult.Diagnostics.Bin {
    /// `[40, 52)`.
    var label: String { "[\(csvText(of: Reported(lower))), \(csvText(of: Reported(upper))))" }
}

extension CoxResult.Diagnostics.TimeBin {
    /// `(90, 180]`.
    var label: String { "(\(csvText(of: Reported(lower))), \(csvText(of: Reported(upper)))]" }
}

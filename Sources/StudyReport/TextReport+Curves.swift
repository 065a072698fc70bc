import Survival

extension TextReport {
    /// A model's event where it is not the endpoint's, and whose hazard it is.
    mutating func addEvent(of cox: CoxResult) {
        guard let event = cox.event else { return }
        switch cox.hazard {
        case .causeSpecific: addParagraph("Event: \(event). Any other end of follow-up is censored.")
        case .subdistribution:
            addParagraph(
                "Event: \(event). Subdistribution hazard (Fine and Gray): who has another cause stays at risk, weighted by the censoring to come."
            )
        }
    }

    /// Survival at the covariates and times asked for; the curves themselves are in the other formats.
    mutating func addCurves(of cox: CoxResult, unit: String) {
        if let baseline = cox.baselineHazard {
            add(baselineHazard(baseline, unit: unit))
        }
        let predictions = (cox.predictions ?? []).filter { !$0.at.isEmpty }
        guard !predictions.isEmpty, let limits = cox.curveLimits else { return }
        add(survival(predictions, of: cox, unit: unit))
        addParagraph("Confidence limits: \(NumberText.level(cox.level)), symmetric \(words(for: limits)).")
    }

    /// The end of each stratum's curve.
    private func baselineHazard(_ curves: [CoxResult.BaselineCurve], unit: String) -> TextTable {
        var table = TextTable(headings: [
            "cumulative baseline hazard, covariates 0", "to (\(unit))", "hazard", "se",
        ])
        func hazard(_ value: Reported?) -> String {
            (value ?? .notAvailable).text { NumberText.compact($0, places: 4) }
        }
        for curve in curves {
            table.add(
                curve.stratum.isEmpty ? "all" : curve.stratum,
                [
                    curve.time.last.map(NumberText.time) ?? "NA", hazard(curve.hazard.last),
                    hazard(curve.se.last),
                ])
        }
        return table
    }

    private func survival(
        _ predictions: [CoxResult.Prediction], of cox: CoxResult, unit: String
    ) -> TextTable {
        let heading = cox.hazard == .subdistribution ? "1 - incidence" : "survival"
        let isOnGrid = predictions.contains { $0.at.contains { $0.grid != nil } }
        var table = TextTable(
            headings: [
                "predicted for", "time (\(unit))", heading, "\(NumberText.level(cox.level)) CI",
            ] + (isOnGrid ? ["at interval's ends"] : []))
        for prediction in predictions {
            let place = [prediction.profile, prediction.stratum].filter { !$0.isEmpty }
            for point in prediction.at {
                let ends = point.grid.map {
                    intervalText($0.survival.lowest, $0.survival.highest, NumberText.percent)
                }
                table.add(
                    place.joined(separator: "; "),
                    [
                        NumberText.time(point.time), point.survival.text(NumberText.percent),
                        intervalText(point.lower, point.upper, NumberText.percent),
                    ] + (isOnGrid ? [ends ?? "NA"] : []))
            }
        }
        return table
    }
}

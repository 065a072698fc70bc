/// What a study's lead should know of the study before it is sent, and may well want as it is.
extension StudyPlan {
    /// A sentence for each analysis that asks curves for values between the points of the study's grid.
    package var notes: [String] {
        analyses.compactMap { analysis in
            let times = analysis.timesOffGrid
            guard let step = analysis.gridWidth, !times.isEmpty else { return nil }
            let unit = study.endpoint.unit.rawValue
            let near = Set(times.flatMap { time in Self.neighbours(of: time, step: step) }).sorted()
            return
                "analysis \"\(analysis.id)\" asks for \(Self.list(times)), which \(times.count == 1 ? "is" : "are") "
                + "not on the grid of \(Self.text(step)) \(unit)\(step == 1 ? "" : "s"): such values are "
                + "interpolated, with bounds; \(Self.list(near)) \(near.count == 1 ? "is" : "are") on it"
        }
    }

    /// The points of the grid on either side of a time, without 0.
    private static func neighbours(of time: Double, step: Double) -> [Double] {
        let below = Int((time / step).rounded(.down))
        return [below, below + 1].filter { $0 > 0 }.map { step.multiplied(by: $0) }
    }

    private static func list(_ times: [Double]) -> String {
        let texts = times.map(text)
        guard let last = texts.last, texts.count > 1 else { return texts.joined() }
        return texts.dropLast().joined(separator: ", ") + " and " + last
    }

    private static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : "\(number)"
    }
}

extension AnalysisPlan {
    /// Times at which curves or areas are asked for between two points of the grid, ascending.
    ///
    /// Where the recorded times are no finer than the grid, nothing lies between its points.
    var timesOffGrid: [Double] {
        guard let step = gridWidth, (timeResolution ?? 0) < step * (1 - 1e-6) else { return [] }
        return Set(pointTimes + kind.areaTimes).sorted().filter {
            abs($0 / step - ($0 / step).rounded()) > 1e-6
        }
    }
}

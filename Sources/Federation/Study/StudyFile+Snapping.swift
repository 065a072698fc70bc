import Survival

/// What a study says of times lies on a grid to the last bit, or not at all.
///
/// A decimal number is seldom a multiple of another in binary, so that a multiple is one within a tolerance. What is used is then
/// the multiple itself: a follow-up that ends at 5.9999999999 beside one that ends at 6 would count those who died at 6.
extension StudyFile {
    /// The study with each time that is a multiple of a step, but for rounding, replaced by that multiple; refuses one that is so
    /// near to 0 that it would be 0.
    func snapped(to step: Double) throws(StudyError) -> StudyFile {
        var study = self
        let axis = SnappingGrid(step: step, unit: endpoint.unit)
        do {
            study.privacy.timeGrid = try axis.snapped(privacy.timeGrid, "time-grid")
        } catch {
            throw .key("privacy", line: nil, reason: error.reason)
        }
        do {
            study.endpoint.censorAt = try axis.snapped(endpoint.censorAt, "censor-at")
        } catch {
            throw .key("endpoint", line: lines["endpoint"], reason: error.reason)
        }
        for index in analyses.indices {
            do {
                try study.analyses[index].snap(to: axis)
            } catch {
                throw .analysis(id: analyses[index].id, line: analyses[index].line, reason: error.reason)
            }
        }
        return study
    }
}

/// Multiples of a step, in the endpoint's unit.
package struct SnappingGrid {
    package struct TooSmall: Error {
        var reason: String
    }

    var step: Double
    var unit: TimeUnit

    func snapped(_ time: Double?, _ key: String) throws(TooSmall) -> Double? {
        guard let time, time != 0, let multiple = time.multiple(of: step) else { return time }
        guard multiple != 0 else {
            throw TooSmall(
                reason:
                    "\(key): \(time) is so near to 0 that it would be 0; leave it out, or write a multiple of \(step.formattedShort)"
            )
        }
        return multiple
    }

    func snapped(_ span: TimeSpan?, _ key: String) throws(TooSmall) -> TimeSpan? {
        guard let length = span?.length(in: unit), let multiple = try snapped(length, key), multiple != length
        else { return span }
        return TimeSpan(count: multiple)
    }

    func snapped(_ times: [Double], _ key: String) throws(TooSmall) -> [Double] {
        var snapped: [Double] = []
        for time in times {
            if let time = try self.snapped(time, key) { snapped.append(time) }
        }
        return snapped
    }

    func snapped(_ options: ConcordanceOptions?) throws(TooSmall) -> ConcordanceOptions? {
        guard var options else { return nil }
        options.timeMin = try snapped(options.timeMin, "ymin")
        options.timeMax = try snapped(options.timeMax, "ymax")
        return options
    }
}

extension StudyFile.Analysis {
    fileprivate mutating func snap(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) {
        landmark = try grid.snapped(landmark, "landmark")
        censorAt = try grid.snapped(censorAt, "censor-at")
        kind = try kind.snapped(to: grid)
    }
}

extension Double {
    /// The multiple of a step that it is but for rounding: the double nearest to the decimal value; nil if it is none.
    func multiple(of step: Double) -> Double? {
        let count = (self / step).rounded()
        guard isMultiple(of: step), abs(count) < 1e15 else { return nil }
        return step.multiplied(by: Int(count))
    }
}

extension StudyPlan {
    /// Of what the times that a study states are multiples: the grid of the endpoint's time in the dictionary, or its unit.
    static func timeStep(of study: StudyFile, _ scope: VariableScope) -> Double {
        // What is no formula at all is told with the analysis that needs it.
        (try? Expression(parsing: study.endpoint.time)).flatMap(scope.variable)?.grid ?? 1
    }
}

import Survival

/// Why a result cannot be written: it contradicts itself.
package enum ReportError: Error, Hashable, CustomStringConvertible {
    case duplicateAnalysis(id: String)
    case incoherent(id: String, part: String)

    package var description: String {
        switch self {
        case .duplicateAnalysis(let id):
            "two analyses of the result are called \(id), so neither can be looked up; "
                + "give each analysis of the study file an id of its own"
        case .incoherent(let id, let part):
            "the result of analysis \(id) is damaged: \(part); fetch the result again or replay the study"
        }
    }
}

/// Checks what every format relies on: unique ids, a square covariance, arrays of one length.
func requireCoherence(of result: StudyResult) throws(ReportError) {
    var ids: Set<String> = []
    for analysis in result.analyses {
        guard ids.insert(analysis.id).inserted else { throw .duplicateAnalysis(id: analysis.id) }
        try analysis.section.requireCoherence()
    }
}

extension CoxResult {
    func requireCoherence() throws(ReportError) {
        guard covariance.count == terms.count * terms.count else {
            throw .incoherent(id: id, part: "its covariance has not one row and one column a term")
        }
        for curve in baselineHazard ?? [] {
            guard curve.hazard.count == curve.time.count, curve.se.count == curve.time.count else {
                throw .incoherent(id: id, part: "the columns of its baseline hazard differ in length")
            }
        }
    }
}

extension DescriptionResult {
    func requireCoherence() throws(ReportError) {
        let columns = groups.count + 1
        for variable in variables {
            var arrays: [[Reported]] = []
            switch variable.summary {
            case .number(let number):
                arrays = [number.mean, number.sd]
                if let quartiles = number.quartiles {
                    arrays += [quartiles.lower, quartiles.median, quartiles.upper]
                }
            case .levels(let levels): arrays = levels.flatMap { [$0.counts, $0.shares] }
            }
            let counts = [people.count, variable.known.count, variable.missing.count]
            guard (counts + arrays.map(\.count)).allSatisfy({ $0 == columns }) else {
                throw .incoherent(
                    id: id, part: "its row \(variable.name) has not one number for each group")
            }
        }
    }
}

extension SurvivalResult {
    func requireCoherence() throws(ReportError) {
        for group in groups {
            let curve = group.curve
            let lengths = [
                curve.atRisk.count, curve.events.count, curve.censored.count, curve.survival.count,
                curve.se.count,
                curve.lower.count, curve.upper.count, curve.hazard.count, curve.hazardSE.count,
            ]
            guard lengths.allSatisfy({ $0 == curve.time.count }) else {
                throw .incoherent(id: id, part: "the columns of a curve differ in length")
            }
        }
        if let test,
            !([test.observed.count, test.expected.count] + [test.rows?.count].compactMap(\.self))
                .allSatisfy({ $0 == test.groups.count })
        {
            throw .incoherent(id: id, part: "its log-rank test has not one count a group")
        }
    }
}

extension IncidenceResult {
    func requireCoherence() throws(ReportError) {
        guard tests.map({ $0.count == causes.count }) ?? true else {
            throw .incoherent(id: id, part: "it has not one test a cause")
        }
        func isFit(_ estimates: IncidenceResult.Estimates, _ count: Int) -> Bool {
            [estimates.estimate, estimates.se, estimates.lower, estimates.upper].allSatisfy {
                $0.count == count
            }
        }
        for group in groups {
            let (curve, causes) = (group.curve, self.causes.count)
            let lengths = [curve.atRisk.count, curve.censored.count] + curve.events.map(\.count)
            let isWhole =
                lengths.allSatisfy { $0 == curve.time.count } && curve.events.count == causes
                && ([curve.eventFree] + curve.incidence).allSatisfy { isFit($0, curve.time.count) }
                && curve.incidence.count == causes && group.events.count == causes
                && group.at.allSatisfy { point in
                    point.incidence.count == causes
                        && ([point.eventFree] + point.incidence).allSatisfy { isFit($0, 1) }
                }
            guard isWhole else {
                throw .incoherent(id: id, part: "the columns of a curve differ in length")
            }
        }
    }
}

package import Cryptography
import Survival

/// What a hospital lets leave, and under which conditions; every rule is checked by the node itself, on its own rows.
///
/// Read from `policy.yaml`. It fails closed: there is no policy without a file, an unknown key is an error, a rule looser
/// than the built-in floor is an error. Its hash stands in every decision, session and result.
package struct DisclosurePolicy: Hashable, Sendable, Codable {
    /// Fewest people of this hospital in an analysis.
    package var peopleMin: Int
    /// Fewest people with an event.
    package var eventsMin: Int
    /// For every level of every covariate: none here, or at least this many, or at least this many elsewhere.
    package var levelPeopleMin: Int
    /// Fewest events of this hospital for each parameter of a model.
    package var eventsPerParameterMin: Double
    /// Largest |xβ| of a row of this hospital, on standardised covariates.
    package var linearPredictorMax: Double
    /// Fewest hospitals in a session.
    package var sitesMin: Int
    /// Most evaluations of a model's likelihood in a session.
    package var evaluationsMax: Int
    /// Whether sums may be formed for one baseline hazard over all hospitals.
    package var allowsCommonBaseline: Bool
    /// Whether sums may be indexed by exact times.
    package var allowsExactTimes: Bool
    /// Narrowest public time grid, in days.
    package var timeGridDaysMin: Double
    /// Fewest exits, over the federation, between two times of a merged grid before covariate sums are indexed by it.
    package var intervalExitsMin: Int
    /// Fewest people, over the federation, in a cell of a table that is released.
    package var tableCellMin: Int
    /// Whether people may be counted by single values of a number.
    package var allowsValueCounts: Bool
    /// Operators whose studies are considered; empty means any operator of the consortium.
    package var operators: [String]
    /// Longest an approval may last.
    package var approvalDaysMax: Int
    /// Largest ratio of two case weights of this hospital in a model.
    package var weightRatioMax: Double
    /// Fewest people by which two analyses may differ here, unless by nobody.
    package var cohortDifferenceMin: Int
    /// Whether fewer may differ if missing values alone make the difference.
    package var allowsMissingDataDifference: Bool
    /// Whether every round waits until a person releases it.
    package var holdsEachRound: Bool
    /// Which studies need no person's approval; nil for none.
    package var unattended: UnattendedApproval?

    /// The hash of the effective policy.
    package var hash: SHA256Digest { SHA256Digest(of: CanonicalJSON.bytes(self)) }

    /// The rules for data that their holder analyses on one machine (`coxswain fit`): nothing leaves it.
    ///
    /// It cannot be written as a policy file: each of its limits is below the floor.
    package static let local = DisclosurePolicy(
        peopleMin: 0, eventsMin: 0, levelPeopleMin: 0, eventsPerParameterMin: 0,
        linearPredictorMax: .greatestFiniteMagnitude,
        sitesMin: 1, evaluationsMax: .max, allowsCommonBaseline: true, allowsExactTimes: true,
        timeGridDaysMin: 0,
        intervalExitsMin: 0, tableCellMin: 0, allowsValueCounts: true, operators: [], approvalDaysMax: 1,
        weightRatioMax: .greatestFiniteMagnitude, cohortDifferenceMin: 0, allowsMissingDataDifference: true,
        holdsEachRound: false, unattended: nil)

    /// Largest share of a numeric covariate's variation that two people may carry; built in, with no key to loosen it.
    static let concentrationMax = 0.9

    /// The lanes of one answer in fixed point; of one that does not fit, that it does not.
    fileprivate static func encode(
        _ lanes: [Double], siteCount: Int
    ) throws(ProtocolError) -> (lanes: [Int128], overflow: FixedPointError?) {
        var encoded: [Int128] = []
        encoded.reserveCapacity(lanes.count)
        for number in lanes {
            do {
                encoded.append(try FixedPoint.encode(number, siteCount: siteCount))
            } catch {
                let none = SiteCohort.lanes(none: .tooLarge, count: lanes.count - 1)
                guard lanes != none else { throw .failed("\(error)") }
                return (try encode(none, siteCount: siteCount).lanes, error)
            }
        }
        return (encoded, nil)
    }
}

/// Answers that passed a hospital's disclosure policy, in fixed point; masking and sending accept nothing else.
package struct ClearedVector: Hashable, Sendable {
    let lanes: [Int128]
    /// Why questions are not answered here, for this hospital's own log.
    package let troubles: [String]

    fileprivate init(lanes: [Int128], troubles: [String]) { (self.lanes, self.troubles) = (lanes, troubles) }
}

extension DisclosurePolicy {
    /// Computes this hospital's answers to a round and clears them, or names the rule that forbids it.
    ///
    /// `evaluations` counts, by analysis, the likelihood evaluations answered so far in the session.
    package func clear(
        _ run: StudyRun, on cohort: SiteCohort, siteCount: Int, evaluations: [String: Int]
    ) throws(ProtocolError) -> ClearedVector {
        guard siteCount >= sitesMin else {
            throw .refused(
                DisclosureError(
                    rule: "sites-min", "fewer than \(sitesMin) hospitals in the session", isOfRows: false))
        }
        var (lanes, troubles) = ([Int128](), [String]())
        for query in run.queries {
            guard let analysis = run.plan.analysis(query.analysis) else {
                throw .failed("the study has no analysis \"\(query.analysis)\"")
            }
            do { try admit(analysis, in: run.plan) } catch { throw .refused(error) }
            let attempt = try answer(query, of: analysis, run, on: cohort, evaluations: evaluations)
            let (encoded, overflow) = try Self.encode(attempt.lanes, siteCount: siteCount)
            lanes += encoded
            if let reason = attempt.reason ?? overflow.map({ "analysis \"\(analysis.id)\": \($0)" }) {
                troubles.append(reason)
            }
        }
        return ClearedVector(lanes: lanes, troubles: troubles)
    }

    /// The answer to one question and why it is none, if it is none; throws if a rule forbids it.
    private func answer(
        _ query: Query, of analysis: AnalysisPlan, _ run: StudyRun, on cohort: SiteCohort,
        evaluations: [String: Int]
    ) throws(ProtocolError) -> (lanes: [Double], reason: String?) {
        if cohort.failure(of: analysis.id) == nil {
            try admit(analysis, on: cohort)
            try check(query, of: analysis, run, on: cohort, evaluations: evaluations)
            if let objection = try linearPredictorObjection(to: query, of: analysis, on: cohort) {
                let count = query.numberCount(in: analysis)
                return (SiteCohort.lanes(none: .beyondLimit, count: count), "\(objection)")
            }
        }
        do { return try cohort.attempt(query) } catch { throw .failed("\(error)") }
    }

    private func check(
        _ query: Query, of analysis: AnalysisPlan, _ run: StudyRun, on cohort: SiteCohort,
        evaluations: [String: Int]
    ) throws(ProtocolError) {
        guard query.ask != .counts else { return }
        try checkLevels(of: analysis, run, on: cohort)
        try checkBins(of: query, on: cohort)
        if case .spread = query.ask { try checkSpread(of: analysis, run, on: cohort) }
        if query.isIndexedByTime, analysis.times == .grid, query.ask != .exits {
            guard (run.smallestInterval(of: analysis.id) ?? 0) >= intervalExitsMin else {
                throw .refused(
                    DisclosureError(
                        rule: "interval-exits-min", in: analysis.id,
                        "fewer than \(intervalExitsMin) exits in an interval of the merged time grid",
                        isOfRows: false))
            }
        }
        guard query.beta != nil else { return }
        guard evaluations[analysis.id, default: 0] < evaluationsMax else {
            throw .refused(
                DisclosureError(
                    rule: "evaluations-max", in: analysis.id,
                    "more than \(evaluationsMax) evaluations of the model", isOfRows: false))
        }
    }

    /// Why a model is not evaluated at these coefficients, at others than which the study goes on; nil if it is.
    private func linearPredictorObjection(
        to query: Query, of analysis: AnalysisPlan, on cohort: SiteCohort
    ) throws(ProtocolError) -> DisclosureError? {
        guard query.beta != nil else { return nil }
        let largest: Double
        do { largest = try cohort.linearPredictorMax(of: query) } catch { throw .failed("\(error)") }
        guard !(largest <= linearPredictorMax) else { return nil }
        return DisclosureError(
            rule: "linear-predictor-max", in: analysis.id,
            "a row's linear predictor exceeds \(linearPredictorMax.formattedShort)\(advice(on: query, of: analysis))"
        )
    }

    /// A bin of residuals is a level of its covariate, and a time bin an interval between times.
    private func checkBins(of query: Query, on cohort: SiteCohort) throws(ProtocolError) {
        guard case .binnedResiduals(_, _, let bins, _) = query.ask else { return }
        let people: [[Int]]
        do { people = try cohort.binPeople(of: query) } catch { throw .failed("\(error)") }
        for (merged, people) in zip(bins.covariates, people) {
            for (mine, all) in zip(people, merged.counts) {
                guard all >= levelPeopleMin,
                    mine == 0 || mine >= levelPeopleMin || all - mine >= levelPeopleMin
                else {
                    throw .refused(
                        DisclosureError(
                            rule: "level-people-min", in: query.analysis,
                            "a bin of diagnostics: has too few people over the hospitals; raise its smallest-bin"
                        ))
                }
            }
        }
        guard bins.times?.counts.allSatisfy({ $0 >= intervalExitsMin }) ?? true else {
            throw .refused(
                DisclosureError(
                    rule: "interval-exits-min", in: query.analysis,
                    "fewer than \(intervalExitsMin) events in a time bin of diagnostics:", isOfRows: false))
        }
    }

    /// Names the covariate whose coefficient does most to it; by the question and the dictionary alone, not by any row.
    private func advice(on query: Query, of analysis: AnalysisPlan) -> String {
        guard case .cox(let cox) = analysis.kind, let beta = query.beta, let coordinates = query.coordinates
        else { return "" }
        let reach = cox.model.reach(of: coordinates)
        let widest = beta.indices.max { abs(beta[$0]) * reach[$0] < abs(beta[$1]) * reach[$1] }
        guard let widest, abs(beta[widest]) * reach[widest] > linearPredictorMax / 4 else {
            return "; check the scale of covariates, offset and weights"
        }
        let remedy =
            cox.penalty == nil && cox.baseline == .site
            ? "; penalty: firth keeps it finite" : "; regroup it, or use baseline: site with penalty: firth"
        return ", above all by \(cox.model.columns[widest].name), whose coefficient may be infinite\(remedy)"
    }

    /// The rows that only the variances of a ridge penalty take in could be told by difference: none of them here, or enough
    /// people, or enough elsewhere.
    private func checkSpread(
        of analysis: AnalysisPlan, _ run: StudyRun, on cohort: SiteCohort
    ) throws(ProtocolError) {
        guard levelPeopleMin > 0 else { return }
        let facts: SiteFacts
        do { facts = try cohort.facts(of: analysis.id) } catch { throw .failed("\(error)") }
        guard let totals = run.spreadTotals(of: analysis.id), totals.count == facts.spreadPeople.count else {
            throw .failed("the counts of analysis \"\(analysis.id)\" are not known yet")
        }
        for (mine, all) in zip(facts.spreadPeople, totals) {
            guard mine == 0 || mine >= levelPeopleMin || all - mine >= levelPeopleMin else {
                throw .refused(
                    DisclosureError(
                        rule: "level-people-min", in: analysis.id,
                        "too few people over the hospitals have a penalised covariate and are left out for a missing value; leave them out by cohort:, or use scale: false"
                    ))
            }
        }
    }

    /// A level may be rare here only if it is absent, or hidden among enough people elsewhere.
    private func checkLevels(
        of analysis: AnalysisPlan, _ run: StudyRun, on cohort: SiteCohort
    ) throws(ProtocolError) {
        guard levelPeopleMin > 0 else { return }
        let facts: SiteFacts
        do { facts = try cohort.facts(of: analysis.id) } catch { throw .failed("\(error)") }
        guard let totals = run.levelTotals(of: analysis.id), totals.count == facts.levels.count else {
            throw .failed("the counts of analysis \"\(analysis.id)\" are not known yet")
        }
        for (level, (mine, all)) in zip(analysis.levels, zip(facts.levels, totals)) {
            guard mine == 0 || mine >= levelPeopleMin || all - mine >= levelPeopleMin else {
                throw .refused(
                    DisclosureError(
                        rule: "level-people-min", in: analysis.id,
                        "\(level.variable) = \(level.level) is too rare over the hospitals; merge levels in the study"
                    ))
            }
        }
    }
}

extension Query {
    /// Whether the answer has a number for each of several times.
    fileprivate var isIndexedByTime: Bool {
        switch ask {
        case .times, .exits, .riskSums, .covariateRiskSums, .gram, .eventTrend, .influence: true
        case .residuals(_, _, _, let common), .binnedResiduals(_, _, _, let common): common != nil
        case .counts, .moments, .likelihood, .likelihoodWithThirdDerivatives, .spread, .eventSums,
            .eventTimes,
            .timeTrend, .concordance, .markerPairs, .tallies, .tableSums, .tableSquares, .histograms,
            .siteRanks,
            .siteHeterogeneity, .cellCounts:
            false
        }
    }

    /// Whether answering it counts as one evaluation of a model.
    package var isEvaluation: Bool {
        switch ask {
        case .likelihood, .likelihoodWithThirdDerivatives, .gram, .timeTrend, .residuals, .concordance,
            .siteRanks, .siteHeterogeneity, .binnedResiduals:
            true
        case .counts, .moments, .spread, .times, .exits, .eventSums, .riskSums, .covariateRiskSums,
            .eventTimes, .eventTrend, .influence, .markerPairs, .tallies, .tableSums, .tableSquares,
            .histograms, .cellCounts:
            false
        }
    }
}

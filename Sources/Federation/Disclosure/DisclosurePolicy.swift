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
    /// Operators whose studies are considered; empty means any operator of the consortium.
    package var operators: [String]
    /// Longest an approval may last.
    package var approvalDaysMax: Int

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
        intervalExitsMin: 0, operators: [], approvalDaysMax: 1)

    /// Largest share of a numeric covariate's variation that two people may carry; built in, with no key to loosen it.
    private static let concentrationMax = 0.9

    /// Numbers cleared to leave; only a policy can make one.
    fileprivate static func encode(_ numbers: [Double], siteCount: Int) throws(ProtocolError) -> ClearedVector
    {
        var lanes: [Int128] = []
        lanes.reserveCapacity(numbers.count)
        for number in numbers {
            do {
                lanes.append(try FixedPoint.encode(number, siteCount: siteCount))
            } catch {
                throw .failed("\(error)")
            }
        }
        return ClearedVector(lanes: lanes)
    }
}

/// Answers that passed a hospital's disclosure policy, in fixed point; masking and sending accept nothing else.
package struct ClearedVector: Hashable, Sendable {
    let lanes: [Int128]

    fileprivate init(lanes: [Int128]) { self.lanes = lanes }
}

extension DisclosurePolicy {
    /// Refuses a study whose text asks for what this policy never allows.
    package func admit(_ plan: StudyPlan, from submitter: SPIFFEID) throws(DisclosureError) {
        guard case .operator(let name) = submitter.role else {
            throw DisclosureError(rule: "operators", "studies are considered of operators only")
        }
        guard operators.isEmpty || operators.contains(name) else {
            throw DisclosureError(rule: "operators", "studies of operator \(name) are not considered here")
        }
        guard plan.study.sites.count >= sitesMin else {
            throw DisclosureError(rule: "sites-min", "the study names fewer than \(sitesMin) hospitals")
        }
        for analysis in plan.analyses { try admit(analysis, of: plan.study) }
    }

    private func admit(_ analysis: AnalysisPlan, of study: StudyFile) throws(DisclosureError) {
        if case .cox(let cox) = analysis.kind, cox.baseline == .common, !allowsCommonBaseline {
            throw DisclosureError(
                rule: "baseline-common", in: analysis.id,
                "one baseline hazard over all hospitals needs sums indexed by time; use baseline: site")
        }
        guard analysis.usesTimes else { return }
        switch analysis.times {
        case .exact where !allowsExactTimes:
            throw DisclosureError(
                rule: "times-exact", in: analysis.id, "sums at exact times are not allowed; use times: grid")
        case .exact: return
        case .grid:
            guard (study.privacy.timeGrid ?? 0) * study.endpoint.unit.days >= timeGridDaysMin else {
                throw DisclosureError(
                    rule: "time-grid-days-min", in: analysis.id,
                    "the study's time-grid is finer than \(timeGridDaysMin.formattedShort) days")
            }
            guard study.privacy.smallestInterval >= intervalExitsMin else {
                throw DisclosureError(
                    rule: "interval-exits-min", in: analysis.id,
                    "the study's smallest-interval is below \(intervalExitsMin)")
            }
        }
    }

    /// Refuses an analysis for which this hospital has too few people or events.
    package func admit(_ analysis: AnalysisPlan, on cohort: SiteCohort) throws(ProtocolError) {
        let facts: SiteFacts
        do { facts = try cohort.facts(of: analysis.id) } catch { throw .failed("\(error)") }
        guard facts.people >= peopleMin else {
            throw .refused(
                DisclosureError(
                    rule: "people-min", in: analysis.id, "fewer than \(peopleMin) people at this hospital"))
        }
        guard facts.events >= eventsMin else {
            throw .refused(
                DisclosureError(
                    rule: "events-min", in: analysis.id, "fewer than \(eventsMin) events at this hospital"))
        }
        guard self == .local || facts.concentration <= Self.concentrationMax else {
            throw .refused(
                DisclosureError(
                    rule: "concentration", in: analysis.id,
                    "two people carry more than nine tenths of a covariate's variation at this hospital; use its logarithm or cut-points"
                ))
        }
        guard Double(facts.events) >= eventsPerParameterMin * Double(facts.parameters) else {
            throw .refused(
                DisclosureError(
                    rule: "events-per-parameter-min", in: analysis.id,
                    "fewer than \(eventsPerParameterMin.formattedShort) events for each parameter at this hospital"
                ))
        }
    }

    /// Computes this hospital's answers to a round and clears them, or names the rule that forbids it.
    ///
    /// `evaluations` counts, by analysis, the likelihood evaluations answered so far in the session.
    package func clear(
        _ run: StudyRun, on cohort: SiteCohort, siteCount: Int, evaluations: [String: Int]
    ) throws(ProtocolError) -> ClearedVector {
        guard siteCount >= sitesMin else {
            throw .refused(
                DisclosureError(rule: "sites-min", "fewer than \(sitesMin) hospitals in the session"))
        }
        var numbers: [Double] = []
        for query in run.queries {
            guard let analysis = run.plan.analysis(query.analysis) else {
                throw .failed("the study has no analysis \"\(query.analysis)\"")
            }
            do { try admit(analysis, of: run.plan.study) } catch { throw .refused(error) }
            try admit(analysis, on: cohort)
            try check(query, of: analysis, run, on: cohort, evaluations: evaluations)
            do { numbers += try cohort.answer(query) } catch { throw .failed("\(error)") }
        }
        return try Self.encode(numbers, siteCount: siteCount)
    }

    private func check(
        _ query: Query, of analysis: AnalysisPlan, _ run: StudyRun, on cohort: SiteCohort,
        evaluations: [String: Int]
    ) throws(ProtocolError) {
        guard query.ask != .counts else { return }
        try checkLevels(of: analysis, run, on: cohort)
        if query.isIndexedByTime, analysis.times == .grid, query.ask != .exits {
            guard (run.smallestInterval(of: analysis.id) ?? 0) >= intervalExitsMin else {
                throw .refused(
                    DisclosureError(
                        rule: "interval-exits-min", in: analysis.id,
                        "fewer than \(intervalExitsMin) exits in an interval of the merged time grid"))
            }
        }
        guard query.beta != nil else { return }
        guard evaluations[analysis.id, default: 0] < evaluationsMax else {
            throw .refused(
                DisclosureError(
                    rule: "evaluations-max", in: analysis.id,
                    "more than \(evaluationsMax) evaluations of the model"))
        }
        let largest: Double
        do { largest = try cohort.linearPredictorMax(of: query) } catch { throw .failed("\(error)") }
        guard largest <= linearPredictorMax else {
            throw .refused(
                DisclosureError(
                    rule: "linear-predictor-max", in: analysis.id,
                    "a row's linear predictor exceeds \(linearPredictorMax.formattedShort); a coefficient may be infinite"
                ))
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
        case .residuals(_, _, let common): common != nil
        case .counts, .moments, .likelihood, .eventSums, .eventTimes, .timeTrend: false
        }
    }

    /// Whether answering it counts as one evaluation of a model.
    package var isEvaluation: Bool {
        switch ask {
        case .likelihood, .gram, .timeTrend, .residuals: true
        case .counts, .moments, .times, .exits, .eventSums, .riskSums, .covariateRiskSums, .eventTimes,
            .eventTrend,
            .influence:
            false
        }
    }
}

/// A rule of a disclosure policy that forbids an answer; it names the rule and its limit, never this hospital's number.
package struct DisclosureError: Error, Hashable, Sendable, CustomStringConvertible {
    package let rule: String
    package let analysis: String?
    package let reason: String

    init(rule: String, in analysis: String? = nil, _ reason: String) {
        (self.rule, self.analysis, self.reason) = (rule, analysis, reason)
    }

    package var description: String {
        let place = analysis.map { ", analysis \"\($0)\"" } ?? ""
        return "policy rule \(rule)\(place): \(reason)"
    }
}

extension Double {
    /// Without a trailing `.0`.
    fileprivate var formattedShort: String {
        self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)"
    }
}

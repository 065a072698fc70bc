package import Survival

/// A hospital's rows, prepared for the questions of one study.
///
/// Deliberately not `Codable`, and its rows are private: only answers to queries come out, and those leave a hospital only
/// through `DisclosurePolicy`.
package struct SiteCohort: Sendable {
    private let plan: StudyPlan
    private let analyses: [String: SiteAnalysis]
    private let failures: [String: String]

    /// An analysis that the rows do not fit is answered with `Trouble.unanswerable`; the others do not suffer from it.
    ///
    /// `instructions` says which copy of the likelihood's arithmetic runs; the answers' last bits depend on it.
    package init(table: PatientTable, plan: StudyPlan, instructions: InstructionSet = .best) {
        self.plan = plan
        var prepared: [String: SiteAnalysis] = [:]
        var failures: [String: String] = [:]
        for analysis in plan.analyses {
            do {
                var own = try SiteAnalysis(analysis, table: table, scope: plan.scope)
                own.instructions = instructions
                prepared[analysis.id] = own
            } catch {
                failures[analysis.id] = "\(StudyError.analysis(id: analysis.id, reason: "\(error)"))"
            }
        }
        (analyses, self.failures) = (prepared, failures)
    }

    /// Why an analysis cannot be answered from these rows, for local eyes; nil if it can be.
    package func failure(of analysis: String) -> String? { failures[analysis] }

    /// The answer to a query, one number a lane, the last one being the trouble's; zeros where there is no answer.
    package func answer(_ query: Query) throws(StudyError) -> [Double] { try attempt(query).lanes }

    /// The answer to a query, and for local eyes why it is none.
    func attempt(_ query: Query) throws(StudyError) -> (lanes: [Double], reason: String?) {
        guard let analysis = plan.analysis(query.analysis) else {
            throw .sums("the study has no analysis \"\(query.analysis)\"")
        }
        let count = query.numberCount(in: analysis)
        func none(_ trouble: Trouble, _ reason: String) -> (lanes: [Double], reason: String?) {
            (Self.lanes(none: trouble, count: count), reason)
        }
        if let failure = failures[query.analysis] { return none(.unanswerable, failure) }
        do {
            let numbers = try query.question.answer(from: prepared(query.analysis).located(by: query))
            precondition(numbers.count == count, "an answer fits its query's layout")
            return (numbers + [0], nil)
        } catch SurvivalDataError.riskOutOfRange {
            let reason =
                "\(StudyError.analysis(id: query.analysis, reason: "\(SurvivalDataError.riskOutOfRange)"))"
            return none(.outOfRange, reason)
        } catch {
            return none(.unanswerable, "\(StudyError.analysis(id: query.analysis, reason: "\(error)"))")
        }
    }

    /// What a hospital sends that has no answer.
    static func lanes(none trouble: Trouble, count: Int) -> [Double] {
        [Double](repeating: 0, count: count) + [trouble.lane]
    }

    /// What the disclosure rules look at; never leaves the hospital.
    package func facts(of analysis: String) throws(StudyError) -> SiteFacts {
        let prepared = try prepared(analysis)
        return SiteFacts(
            people: prepared.cases.peopleCount, events: prepared.eventPeople,
            levels: prepared.rows.levelCounts,
            parameters: prepared.plan.kind.parameterCount, concentration: prepared.rows.concentration,
            weightRatio: prepared.weightRatio, spreadPeople: prepared.rows.spreadPeople,
            overlappingPeople: prepared.cases.overlappingPeople)
    }

    /// The rows of an analysis by their place in the table, and those that only missing values keep out of it; local.
    ///
    /// See `AnsweredCohort`.
    package func rows(of analysis: String) throws(StudyError) -> (rows: [Int], eligible: [Int]?) {
        let cases = try prepared(analysis).cases
        return (cases.rows, cases.eligibleRows)
    }

    /// How far a row's linear predictor, offset and weight included, lies from the mean; see the policy's rule.
    package func linearPredictorMax(of query: Query) throws(StudyError) -> Double {
        guard let beta = query.beta, let coordinates = query.coordinates else { return 0 }
        return try prepared(query.analysis).linearPredictorMax(coordinates, beta)
    }

    /// People of this hospital in each bin of the covariates that residuals are added up over; never leaves the hospital.
    package func binPeople(of query: Query) throws(StudyError) -> [[Int]] {
        guard let question = query.question as? BinnedResidualsQuestion else { return [] }
        return question.people(at: try prepared(query.analysis))
    }

    private func prepared(_ analysis: String) throws(StudyError) -> SiteAnalysis {
        guard let prepared = analyses[analysis] else {
            throw .sums("the study has no analysis \"\(analysis)\"")
        }
        return prepared
    }
}

/// Numbers of this hospital that the disclosure rules compare with their limits; local.
package struct SiteFacts: Hashable, Sendable {
    package var people: Int
    /// People with an event.
    package var events: Int
    /// People in each of `AnalysisPlan.levels`.
    package var levels: [Int]
    /// Parameters of a model, or groups but one of a test that the hospital forms by itself.
    package var parameters: Int
    /// The largest share of a numeric covariate's variation here that two people carry; 0 without numeric covariates.
    package var concentration: Double
    /// The largest case weight here, in units of the smallest; 1 without weights.
    package var weightRatio: Double
    /// People outside the analysis whom the variances of a ridge penalty take in, by column.
    package var spreadPeople: [Int] = []
    /// People who have rows that overlap in time.
    package var overlappingPeople = 0
}

package import Survival

/// A Cox model, compiled.
package struct CoxPlan: PlannedAnalysis {
    package static let name = "cox"

    package var model: ModelSpecification
    package var baseline: CoxResult.Baseline
    package var ties: Ties
    package var weights: Expression?
    /// The function of time along which proportional hazards are tested; nil if they are not.
    package var check: TimeTransform?
    /// Rows that belong together in the robust variance; nil with the model's variance.
    package var cluster: Cluster?
    /// The concordance of the linear predictor; nil if it is not asked for.
    package var concordance: ConcordanceOptions?
    package var hazard: CoxResult.Hazard
    /// Curves to be made of the baseline hazard; nil for none.
    package var prediction: Prediction?
    /// Whether it is tested that the coefficients are the same at all hospitals.
    package var testsHeterogeneity: Bool
    /// Residuals that are added up over bins.
    package var diagnostics: Diagnostics?
    package var penalty: CoxPenaltyPlan?
    package var limits: CoxResult.Limits
    /// The most evaluations as the study states them; nil if it does not.
    package var statedEvaluations: Int?

    package var evaluationsMax: Int { statedEvaluations ?? CoxRequest.Options.evaluationsUsual }

    package struct Cluster: Hashable, Sendable {
        package var name: String
        /// The levels of a category, which all sites share; nil if each person is a cluster, hence at one site.
        package var levels: [String]?
    }

    package struct Prediction: Hashable, Sendable {
        package var profiles: [CovariateProfile]
        package var at: [Double]
        package var limits: ConfidenceLimits
        package var hasBaselineHazard: Bool
        /// The names of the strata; one empty name without strata.
        package var strata: [String] = []
    }

    /// What a Cox model's residuals are added up over; nil if its study does not ask.
    package struct Diagnostics: Sendable {
        package var covariates: [Covariate]
        package var hasSchoenfeld: Bool
        package var bins: Int
        package var smallestBin: Int

        package struct Covariate: Sendable {
            package var expression: Expression
            package var cells: CovariateCells

            /// Some of its cells, by the values at their edges.
            func label(of range: Range<Int>) -> String {
                "\(expression.text) from \(cells.edge(range.lowerBound)) to \(cells.edge(range.upperBound))"
            }
        }

        /// Cells of all covariates.
        package var cellCount: Int { covariates.reduce(0) { $0 + $1.cells.count } }
    }

    package var formulas: [(key: String, expression: Expression)] {
        .named("terms", model.expressions) + .named("weights", [weights])
            + .named("functional-form", diagnostics?.covariates.map(\.expression) ?? [])
    }
    package var needed: [Expression] {
        model.expressions + [weights].compactMap(\.self) + (diagnostics?.covariates.map(\.expression) ?? [])
    }
    package var described: [Expression] { [] }
    package var compared: [Expression] { model.expressions }
    package func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] {
        model.levels
            + (cluster.flatMap { cluster in
                cluster.levels?.map { .init(variable: cluster.name, level: $0) }
            } ?? [])
    }
    package var design: ModelSpecification? { model }
    package var groupCount: Int { model.stratumCount }
    /// Only common baselines need the strata.
    package var groupNames: [String] { baseline == .common ? (0..<groupCount).map(model.stratumLabel) : [""] }
    package var exitGroupCount: Int { baseline == .site ? 1 : groupCount }
    package var exitWeights: ExitWeights { baseline == .common ? .events : .none }
    package var usesTimes: Bool { baseline == .common || check == .km || diagnostics?.hasSchoenfeld == true }
    package var comparesRows: Bool { true }
    package var parameterCount: Int { model.columns.count }
    package var pointTimes: [Double] { prediction?.at ?? [] }
    package var areaTimes: [Double] { [] }
    package var pairs: ConcordanceOptions? { concordance }
    package var countsRows: Bool { true }

    package func questions(in plan: AnalysisPlan) -> [any Question.Type] {
        var questions: [any Question.Type] = [MomentsQuestion.self]
        func add(_ more: any Question.Type..., if isAsked: Bool = true) {
            if isAsked { questions += more }
        }
        add(ExitsQuestion.self, if: usesTimes)
        add(EventTimesQuestion.self, if: baseline == .site && check != nil && check != .km)
        add(CellCountsQuestion.self, if: diagnostics?.covariates.isEmpty == false)
        add(SpreadQuestion.self, if: !plan.spreadColumns.isEmpty)
        switch baseline {
        case .site where penalty == .firth: add(LikelihoodWithThirdDerivativesQuestion.self)
        case .site: add(LikelihoodQuestion.self)
        case .common:
            add(EventSumsQuestion.self, RiskSumsQuestion.self, GramQuestion.self)
            add(CovariateRiskSumsQuestion.self)
        }
        add(SiteRanksQuestion.self, SiteHeterogeneityQuestion.self, if: testsHeterogeneity)
        add(ResidualsQuestion.self, if: cluster != nil)
        add(ConcordanceQuestion.self, if: concordance != nil)
        add(BinnedResidualsQuestion.self, if: diagnostics != nil)
        add(TimeTrendQuestion.self, if: baseline == .site && check != nil)
        add(EventTrendQuestion.self, if: baseline == .common && check != nil)
        return questions
    }

    package func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows {
        let data = try cases.survivalData(model: model, weights: weights, mergesNearTies: false)
        let clusters = cluster?.levels == nil ? nil : try cases.clusterIndex(of: model)
        let clusterCounts = clusters.map {
            PreparedRows.people(cases.person, by: $0, levels: cluster?.levels?.count ?? 0)
        }
        var rows = PreparedRows(
            levelCounts: try cases.levelCounts(model: model) + (clusterCounts ?? []),
            concentration: try Concentration.share(of: data, model, cases))
        rows.data = data
        rows.groups = exitGroupCount > 1 ? data.stratum : nil
        rows.clusters = clusters
        rows.cells = try (diagnostics?.covariates ?? []).map { covariate in
            let index = try cases.numbers(of: covariate.expression).map(covariate.cells.cell)
            let people = PreparedRows.people(cases.person, by: index, levels: covariate.cells.count)
            return CellIndex(cell: index, people: people)
        }
        let spread = try plan.spreadColumns.map { try cases.cohortColumn($0, of: model, in: table) }
        (rows.spread, rows.spreadPeople) = (spread.map(\.values), spread.map(\.peopleOutside))
        return rows
    }

    package func line(in plan: AnalysisPlan) -> String {
        "cox, baseline: \(baseline.rawValue), ties: \(ties.rawValue), "
            + model.parameterNames.joined(separator: ", ")
    }

    package func summary(in plan: AnalysisPlan) -> String {
        let own =
            baseline == .site
            ? "each hospital with its own baseline hazard"
            : "one baseline hazard for all hospitals, \(plan.timesInWords)"
        let check = check.map {
            "; test of proportional hazards along \($0.rawValue)\($0 == .km ? ", \(plan.timesInWords)" : "")"
        }
        let robust = cluster.map { "; robust variance by \(StudyWords.inline($0.name))" }
        let concordance = concordance == nil ? "" : "; concordance of pairs within hospitals"
        let event = plan.ownEvent.map { "; event \(StudyWords.inline($0))" } ?? ""
        let hazard = hazard == .subdistribution ? "; subdistribution hazard (Fine and Gray)" : ""
        let curves = prediction == nil ? "" : "; curves of the baseline hazard, from the same sums"
        return
            "Cox model of \(StudyWords.list(model.parameterNames)); \(own)\(event)\(hazard)\(robust ?? "")\(check ?? "")\(concordance)\(curves)"
    }

    package func choices(in plan: AnalysisPlan) -> [String] {
        var lines = ["ties: \(ties.rawValue)"]
        if !model.strata.isEmpty { lines.append("strata: \(StudyWords.list(model.strata.map(\.text)))") }
        if let offset = model.offset { lines.append("offset: \(StudyWords.inline(offset.text))") }
        if let weights { lines.append("case weights: \(StudyWords.inline(weights.text))") }
        if let cluster { lines.append("rows that belong together: by \(StudyWords.inline(cluster.name))") }
        if let penalty { lines.append("penalty: \(words(for: penalty))") }
        if limits == .profile { lines.append("limits: profile") }
        if let statedEvaluations { lines.append("evaluations of the model: at most \(statedEvaluations)") }
        if let concordance { lines.append(concordance.words) }
        return lines + curvesInWords + ["confidence level \(plan.level)"]
    }

    private var curvesInWords: [String] {
        guard let prediction else { return [] }
        return (prediction.hasBaselineHazard ? ["cumulative baseline hazard"] : [])
            + prediction.profiles.map { "survival predicted for \(StudyWords.inline($0.label))" }
            + (prediction.at.isEmpty ? [] : ["predicted at \(StudyWords.list(prediction.at))"])
            + (prediction.profiles.isEmpty ? [] : ["limits of curves: \(prediction.limits.rawValue)"])
    }

    private func words(for penalty: CoxPenaltyPlan) -> String {
        guard case .ridge(let ridge) = penalty else { return "Firth's" }
        let scale = ridge.isScaled ? " times the covariate's variance" : ""
        let names = StudyWords.list(ridge.columns.map { model.columns[$0].name })
        return "ridge, theta \(ridge.theta)\(scale), on \(names)"
    }
}

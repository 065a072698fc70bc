import Survival

extension CoxRequest {
    package func plan(
        _ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler
    ) throws -> any PlannedAnalysis { try compiler.plan(self, of: analysis) }
}

extension AnalysisCompiler {
    fileprivate func plan(_ request: CoxRequest, of analysis: StudyFile.Analysis) throws -> CoxPlan {
        let (terms, baseline, ties, options) = (
            request.terms, request.baseline, request.ties, request.options
        )
        try refuseHospitals(
            among: terms.filter { $0.hasPrefix("strata(") }.map { String($0.dropFirst(7).dropLast()) },
            "under baseline: site each hospital has its own baseline hazard; leave out strata(site)")
        let model = try ModelSpecification(terms: terms, scope: scope)
        guard !model.columns.isEmpty else {
            throw fault("the model has no covariate; name one in terms:")
        }
        let weight = try caseWeights(request.weights)
        if ties == .exact { try requireDiscrete(baseline, weight, options, model) }
        try requireCensoringCurve(for: options.concordance)
        if options.hazard == .subdistribution {
            try requireSubdistribution(analysis, baseline, weight, options)
        }
        var prediction = try prediction(terms: terms, options)
        if baseline == .site, prediction != nil {
            throw fault(
                "under baseline: site each hospital has its own baseline hazard, and a curve would be one hospital's; predict: and baseline-hazard: need baseline: common"
            )
        }
        prediction?.strata = (0..<model.stratumCount).map(model.stratumLabel)
        let cluster = try cluster(of: model, options)
        let penalty = try options.penalty.map {
            try CoxPenaltyPlan($0, model: model, baseline: baseline, ties: ties)
        }
        try CoxPenaltyPlan.requireOneVariance(options, penalty, isRobust: cluster != nil)
        guard penalty == nil || !options.testsHeterogeneity else {
            throw fault("heterogeneity: compares unpenalised coefficients; leave out penalty:")
        }
        return CoxPlan(
            model: model, baseline: baseline, ties: ties, weights: weight, check: options.check,
            cluster: cluster, concordance: options.concordance, hazard: options.hazard,
            prediction: prediction, testsHeterogeneity: options.testsHeterogeneity,
            diagnostics: try options.diagnostics.map(diagnostics), penalty: penalty,
            limits: options.limits ?? (penalty == .firth ? .profile : .wald),
            statedEvaluations: options.evaluations)
    }

    /// What a subdistribution hazard (Fine and Gray) needs, and what it does not have.
    private func requireSubdistribution(
        _ analysis: StudyFile.Analysis, _ baseline: CoxResult.Baseline, _ weights: Expression?,
        _ options: CoxRequest.Options
    ) throws {
        guard analysis.cause != nil else {
            throw Fault(reason: "hazard: subdistribution needs cause:, one of the endpoint's causes")
        }
        guard baseline == .common else {
            throw Fault(
                reason:
                    "hazard: subdistribution weighs by the censoring of all hospitals; it needs baseline: common"
            )
        }
        guard weights == nil, options.check == nil, study.endpoint.start == nil else {
            throw Fault(
                reason:
                    "hazard: subdistribution goes with none of weights:, check: and a start of the endpoint")
        }
    }

    /// The curves to be predicted; nil if none are asked for.
    private func prediction(
        terms: [String], _ options: CoxRequest.Options
    ) throws -> CoxPlan.Prediction? {
        guard options.hasBaselineHazard || !options.profiles.isEmpty else { return nil }
        let profiles = try options.profiles.map { values in
            try CovariateProfile(values: values.map { ($0.name, $0.text) }, terms: terms, scope: scope)
        }
        return CoxPlan.Prediction(
            profiles: profiles, at: options.at, limits: options.curveLimits,
            hasBaselineHazard: options.hasBaselineHazard)
    }

    /// What the discrete likelihood does not have, here as in R.
    private func requireDiscrete(
        _ baseline: CoxResult.Baseline, _ weights: Expression?, _ options: CoxRequest.Options,
        _ model: ModelSpecification
    ) throws {
        guard baseline == .site else { throw Fault(reason: "ties: exact needs baseline: site") }
        guard weights == nil, !options.isRobust, model.cluster == nil, options.check == nil,
            options.diagnostics == nil
        else {
            throw Fault(
                reason: "ties: exact goes with none of weights:, robust:, cluster(), check: and diagnostics:")
        }
    }

    /// Numbers with a finite range, which need not be in the model.
    private func diagnostics(_ asked: CoxRequest.Diagnostics) throws -> CoxPlan.Diagnostics {
        let covariates = try asked.functionalForm.map { text in
            let expression = try Expression(parsing: text)
            try requireType(.number, of: expression, called: "a covariate of functional-form")
            try scope.requireTerm(expression)
            let bounds = try scope.bounds(of: expression)
            guard
                let cells = CovariateCells(bounds: bounds, resolution: scope.resolution(of: expression))
            else {
                throw Fault(reason: "bins of \"\(text)\" need a finite range in the dictionary")
            }
            return CoxPlan.Diagnostics.Covariate(expression: expression, cells: cells)
        }
        return .init(
            covariates: covariates, hasSchoenfeld: asked.hasSchoenfeld, bins: asked.bins,
            smallestBin: asked.smallestBin)
    }

    /// That of a `cluster()` term, which may be the person; the person for `robust: true` alone.
    private func cluster(
        of model: ModelSpecification, _ options: CoxRequest.Options
    ) throws -> CoxPlan.Cluster? {
        let person = scope.dictionary.person
        guard let term = model.cluster else {
            // The weights of a subdistribution hazard leave no other variance.
            return options.isRobust || options.hazard == .subdistribution ? .init(name: person) : nil
        }
        if term.termName == person { return .init(name: person) }
        switch try scope.type(of: term) {
        case .category(let levels, _): return .init(name: term.termName, levels: levels)
        case .boolean: return .init(name: term.termName, levels: ["no", "yes"])
        case .number: throw Fault(reason: "cluster(\(term.text)) needs a category, or the person")
        }
    }
}

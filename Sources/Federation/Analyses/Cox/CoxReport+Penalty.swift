import Survival

/// What a penalty and profile likelihoods add to a Cox course.
extension CoxReport {
    var origin: [Double] { [Double](repeating: 0, count: parameterCount) }

    /// The likelihood as the penalty needs it, under a baseline hazard for each site.
    func likelihoodAsk(_ coordinates: Coordinates, beta: [Double]) -> any Question {
        cox.penalty == .firth
            ? LikelihoodWithThirdDerivativesQuestion(coordinates, beta: beta)
            : LikelihoodQuestion(coordinates, beta: beta)
    }

    // MARK: Ridge

    private var ridge: CoxPenaltyPlan.Ridge? {
        if case .ridge(let ridge)? = cox.penalty { ridge } else { nil }
    }

    func spreadAsks(_ coordinates: Coordinates) -> [any Question] {
        plan.spreadColumns.isEmpty ? [] : [SpreadQuestion(coordinates)]
    }

    /// The variances with denominator n − 1 over the cohort's rows that have the covariate, as R's `ridge(scale = TRUE)`.
    mutating func takeSpread(_ sum: [Double], _ coordinates: Coordinates) {
        for (place, column) in plan.spreadColumns.enumerated() {
            let (rows, total, squares) = (sum[3 * place], sum[3 * place + 1], sum[3 * place + 2])
            let scale = coordinates.scale[column]
            variances[column] =
                rows > 1 ? max(0, squares - total * total / rows) / (rows - 1) * scale * scale : 0
        }
    }

    /// Working coordinates in which no penalty outweighs the information by far: pivots are compared with the largest one.
    ///
    /// A penalised covariate that is constant here has no coefficient; its scale must not be that of rounding.
    func widened(_ coordinates: Coordinates) -> Coordinates {
        guard let ridge else { return coordinates }
        var result = coordinates
        let events = Double(max(counts.events, 1))
        for column in ridge.columns {
            let half = DictionaryRange(cox.model.columns[column].bounds).half
            let scale = max(coordinates.scale[column], half * 1e-6)
            let weight = ridge.isScaled ? ridge.theta : ridge.theta / (scale * scale)
            result.scale[column] = scale * max(1, (weight / events).squareRoot())
        }
        return result
    }

    /// The penalty on coefficients in working coordinates.
    func penalty(_ coordinates: Coordinates) -> Penalty {
        switch cox.penalty {
        case nil: return .none
        case .firth: return .firth
        case .ridge(let ridge):
            var weights = origin
            for column in ridge.columns {
                let scale = coordinates.scale[column]
                weights[column] =
                    ridge.theta * (ridge.isScaled ? variances[column] ?? 0 : 1) / (scale * scale)
            }
            return .ridge(weights)
        }
    }

    /// The penalty as the result shows it; likelihoods in the study's units.
    func penalised(_ fit: CoxFit, scale: [Double]) -> CoxResult.Penalised? {
        guard let penalised = fit.penalised else { return nil }
        guard let ridge else {
            // |I| is that of coefficients in working coordinates, which are `scale` times those in the study's units.
            let shift = scale.indices.reduce(0) {
                fit.isAliased[$1] ? $0 : $0 + Elementary.logarithm(scale[$1])
            }
            return CoxResult.Penalised(
                kind: .firth, logLikelihoodNull: penalised.logLikelihoodNull + shift,
                logLikelihood: penalised.logLikelihood + shift)
        }
        return CoxResult.Penalised(
            kind: .ridge, logLikelihoodNull: penalised.logLikelihoodNull,
            logLikelihood: penalised.logLikelihood,
            ridge: .init(
                theta: ridge.theta, isScaled: ridge.isScaled,
                isPenalised: origin.indices.map { ridge.columns.contains($0) },
                variances: origin.indices.map { Reported(variances[$0]) },
                degreesOfFreedom: fit.degreesOfFreedom(of: ridge.columns),
                amount: penalised.penalty.amount(at: fit.beta)))
    }

    /// The fit with R's degrees of freedom: the penalised coefficients are one block, each other term is one.
    private func counted(_ fit: CoxFit) -> CoxFit {
        guard let ridge else { return fit }
        let others = cox.model.terms.map { $0.columns.filter { !ridge.columns.contains($0) } }
        var fit = fit
        fit.degreesOfFreedom = (others + [ridge.columns]).reduce(0) { $0 + fit.degreesOfFreedom(of: $1) }
        return fit
    }

    // MARK: Profile likelihoods

    /// The searches that the study asks for, and those that infinite coefficients need.
    func survey(_ fit: CoxFit, _ track: FitTrack, _ coordinates: Coordinates) -> ProfileSurvey {
        ProfileSurvey(
            counted(fit), track: track, parameterNames: cox.model.parameterNames, level: plan.level,
            wishes: .init(limits: cox.limits == .profile, tests: cox.penalty == .firth),
            reach: cox.model.reach(of: coordinates), eventWeight: Double(counts.events),
            // A check of proportional hazards counts as two more.
            evaluationsUsed: fit.iterations + (cox.check == nil ? 0 : 2), evaluationsMax: cox.evaluationsMax)
    }
}

package import Survival

/// `cox:`, a Cox model with all that may come with it.
package struct CoxRequest: AnalysisRequest {
    package static let key = "cox"

    package var terms: [String]
    package var baseline: CoxResult.Baseline
    package var ties: Ties
    package var weights: String?
    package var options = Options()

    /// Residuals of a Cox model, added up over bins.
    package struct Diagnostics: Hashable, Sendable {
        /// Numbers over whose bins martingale residuals are added up.
        package var functionalForm: [String]
        /// Whether Schoenfeld residuals are added up over bins of time.
        package var hasSchoenfeld: Bool
        /// Most bins.
        package var bins: Int
        /// Fewest people, or events, over all hospitals, in a bin.
        package var smallestBin: Int
    }

    /// What a Cox model may have besides its table.
    package struct Options: Hashable, Sendable {
        /// `check: proportional-hazards`, along this function of time.
        package var check: TimeTransform?
        /// Robust variance by person, without a `cluster(x)` among the terms.
        package var isRobust: Bool
        /// `concordance:`, of the linear predictor.
        package var concordance: ConcordanceOptions?
        /// Whether those who had another cause leave the risk set, or stay in it with weights (Fine and Gray).
        package var hazard = CoxResult.Hazard.causeSpecific
        /// Rows of covariates whose curves are wanted.
        package var profiles: [[StudyFile.Definition]] = []
        /// Times at which they are wanted, ascending.
        package var at: [Double] = []
        package var curveLimits = ConfidenceLimits.log
        package var hasBaselineHazard = false
        /// A test that the coefficients are the same at all hospitals.
        package var testsHeterogeneity = false
        package var diagnostics: Diagnostics?
        package var penalty: Penalty?
        /// Where the limits of the coefficients come from.
        package var limits: CoxResult.Limits?
        /// Most evaluations that the analysis may take; nil leaves it at `evaluationsUsual`.
        package var evaluations: Int?

        /// What a hospital's policy allows unless its admin changed it.
        package static let evaluationsUsual = 40

        package init(
            check: TimeTransform? = nil, isRobust: Bool = false, concordance: ConcordanceOptions? = nil
        ) {
            (self.check, self.isRobust, self.concordance) = (check, isRobust, concordance)
        }
    }

    /// A penalty on the likelihood of a Cox model.
    package enum Penalty: Hashable, Sendable {
        /// θ/2 Σ b², or θ/2 Σ b² var(x) if it is scaled, on these terms; nil on all.
        case ridge(theta: Double, isScaled: Bool, terms: [String]?)
        case firth
    }

    package var isOfAnyCause: Bool { false }
    package var countsCauses: Bool { options.hazard == .subdistribution }
    package var formulas: [(text: String, role: NameUses.Role)] {
        terms.map { ($0, .term) } + [weights].compactMap(\.self).map { ($0, .number) }
    }
    /// Strata and clusters are among its terms.
    package var groupings: [String] { [] }

    package func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self {
        var snapped = self
        snapped.options.at = try grid.snapped(options.at, "at")
        snapped.options.concordance = try grid.snapped(options.concordance)
        return snapped
    }

    package static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis] {
        let id = try body.identifier("id")
        let baseline = try body.choice("baseline", among: CoxResult.Baseline.self) ?? .site
        let ties = try body.choice("ties", among: Ties.self) ?? .efron
        let weights = try body.optionalString("weights")
        if body.has("terms") == body.has("each") {
            throw body.error(at: nil, "cox takes either terms: (one model) or each: (one model per term)")
        }
        var options = Options(
            check: try check(in: body), isRobust: try body.has("robust") ? body.bool("robust") : false,
            concordance: try concordance(in: body))
        options.hazard = try body.choice("hazard", among: CoxResult.Hazard.self) ?? .causeSpecific
        try readCurves(of: body, into: &options)
        try readEstimation(of: body, into: &options)
        options.testsHeterogeneity = try heterogeneity(in: body, baseline)
        options.diagnostics = try body.optionalMapping("diagnostics").map(Diagnostics.init)
        let usesTimes = options.check == .km || options.diagnostics?.hasSchoenfeld == true
        let axis: StudyFile.TimeAxisUse = baseline == .common || usesTimes ? .always : .never
        let all = options
        func kind(_ terms: [String]) -> Self {
            Self(terms: terms, baseline: baseline, ties: ties, weights: weights, options: all)
        }
        if body.has("terms") {
            let terms = try body.strings("terms")
            return [
                try StudyFile.analysis(body, id: id, axis: axis, events: .eventOrCause, kind: kind(terms))
            ]
        }
        let terms = try body.strings("each")
        guard !terms.isEmpty else { throw body.error(at: "each", "each: lists no term; name the covariates") }
        let first = try StudyFile.analysis(body, id: id, axis: axis, events: .eventOrCause, kind: kind(terms))
        return terms.map { term in
            var one = first
            one.id = "\(id)/\(term)"
            one.kind = kind([term])
            return one
        }
    }

    /// Reads `predict`, `at`, `curve-limits` and `baseline-hazard`.
    private static func readCurves(
        of body: YAMLMapping, into options: inout Options
    ) throws(DocumentError) {
        options.hasBaselineHazard = try body.has("baseline-hazard") ? body.bool("baseline-hazard") : false
        guard body.has("predict") else {
            for key in ["at", "curve-limits"] where body.has(key) {
                throw body.error(at: key, "\(key): belongs to predict:; add profiles of covariates")
            }
            return
        }
        for profile in try body.mappings("predict") {
            options.profiles.append(
                try profile.pairs().map { StudyFile.Definition(name: $0.name, text: $0.text) })
        }
        guard (1...100).contains(options.profiles.count) else {
            throw body.error(at: "predict", "predict: lists from 1 to 100 profiles of covariates")
        }
        options.at = try StudyFile.times(in: body)
        options.curveLimits = try body.choice("curve-limits", among: ConfidenceLimits.self) ?? .log
    }

    /// Reads `heterogeneity: true`.
    private static func heterogeneity(
        in body: YAMLMapping, _ baseline: CoxResult.Baseline
    ) throws(DocumentError) -> Bool {
        guard try body.has("heterogeneity") ? body.bool("heterogeneity") : false else { return false }
        guard baseline == .site else {
            throw body.error(
                at: "heterogeneity",
                "under baseline: common no hospital has an information of its own to compare; use baseline: site"
            )
        }
        return true
    }

    /// Reads `check: proportional-hazards` and its `transform`, which is R's default km unless given.
    private static func check(in body: YAMLMapping) throws(DocumentError) -> TimeTransform? {
        let transform = try body.choice("transform", among: TimeTransform.self)
        guard let check = try body.optionalString("check") else {
            guard transform == nil else {
                throw body.error(at: "transform", "transform: belongs to check: proportional-hazards; add it")
            }
            return nil
        }
        guard check == "proportional-hazards" else {
            throw body.error(at: "check", "\"\(check)\" is not a check; use \"proportional-hazards\"")
        }
        return transform ?? .km
    }

    /// Reads `concordance: true` or `concordance: {weight: n/G2, ymin: 30, ymax: 365}` of a model; nil if none is asked for.
    private static func concordance(in body: YAMLMapping) throws(DocumentError) -> ConcordanceOptions? {
        guard body.has("concordance") else { return nil }
        guard body.isMapping("concordance") else {
            return try body.bool("concordance") ? ConcordanceOptions() : nil
        }
        let keys = try body.mapping("concordance")
        let options = try ConcordanceRequest.pairs(in: keys)
        try keys.finish()
        return options
    }

    /// Reads `penalty`, `limits` and `evaluations` of a Cox model.
    private static func readEstimation(
        of body: YAMLMapping, into options: inout Options
    ) throws(DocumentError) {
        options.penalty = try penalty(in: body)
        options.limits = try body.choice("limits", among: CoxResult.Limits.self)
        guard body.has("evaluations") else { return }
        let evaluations = try body.int("evaluations")
        guard (10...100_000).contains(evaluations) else {
            throw body.error(
                at: "evaluations", "the most evaluations that an analysis may take must be 10 or more")
        }
        options.evaluations = evaluations
    }

    /// `firth`, or `{ridge: 1, scale: true, terms: [age]}`.
    private static func penalty(in body: YAMLMapping) throws(DocumentError) -> Penalty? {
        guard body.isMapping("penalty") else {
            guard let word = try body.optionalString("penalty") else { return nil }
            guard word == "firth" else {
                throw body.error(
                    at: "penalty", "\"\(word)\" is not a penalty; write firth, or {ridge: 1} for theta 1")
            }
            return .firth
        }
        let mapping = try body.mapping("penalty")
        let theta = try mapping.number("ridge")
        guard theta > 0, theta <= 1e9 else {
            throw mapping.error(at: "ridge", "a ridge's theta must be above 0, at most 1e9")
        }
        let isScaled = try mapping.has("scale") ? mapping.bool("scale") : true
        let terms = try mapping.has("terms") ? mapping.strings("terms") : nil
        if let terms, terms.isEmpty {
            throw mapping.error(at: "terms", "terms: of a ridge lists no term; leave it out to penalise all")
        }
        try mapping.finish()
        return .ridge(theta: theta, isScaled: isScaled, terms: terms)
    }
}

extension CoxRequest.Diagnostics {
    fileprivate init(_ body: YAMLMapping) throws(DocumentError) {
        functionalForm = try body.has("functional-form") ? body.strings("functional-form") : []
        hasSchoenfeld = try body.has("schoenfeld") ? body.bool("schoenfeld") : false
        guard !functionalForm.isEmpty || hasSchoenfeld else {
            throw body.error(
                at: nil, "diagnostics: asks for nothing; add functional-form: or schoenfeld: true")
        }
        bins = try body.has("bins") ? body.int("bins") : 10
        guard (2...CovariateCells.countMax).contains(bins) else {
            throw body.error(at: "bins", "the number of bins must be from 2 to \(CovariateCells.countMax)")
        }
        smallestBin = try body.has("smallest-bin") ? body.int("smallest-bin") : 20
        guard (1...1_000_000).contains(smallestBin) else {
            throw body.error(at: "smallest-bin", "the fewest people or events in a bin must be 1 or more")
        }
        try body.finish()
    }
}

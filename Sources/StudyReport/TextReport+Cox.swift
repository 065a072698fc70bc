import Survival

extension TextReport {
    mutating func add(_ cox: CoxResult, unit: String) {
        addHeading("\(cox.id): Cox proportional hazards model")
        addWarnings(cox.warnings)
        addCounts(cox.counts)
        addEvent(of: cox)
        addParagraph("Baseline hazard: \(words(for: cox.baseline)).")
        addParagraph("Tied event times: \(words(for: cox.ties)).")
        let readings = "Within an interval, the baseline hazard is taken as constant."
        addParagraph(
            sentence(
                for: cox.times, gridWidth: cox.gridWidth, readings: cox.predictions.map { _ in readings }))
        if let cluster = cox.cluster {
            addParagraph("Variance: robust, rows of the same \(cluster) taken together.")
        }
        addEstimation(of: cox)
        add(hazardRatios(cox.terms, of: cox))
        add(coefficients(cox.terms, of: cox))
        if let differences = cox.differences {
            addParagraph("Differences that stay finite between coefficients that run to infinity together:")
            add(hazardRatios(differences, of: cox))
            add(coefficients(differences, of: cox))
        }
        add(tests(cox))
        if let tests = cox.termTests { add(tests) }
        let logLikelihoods = [cox.logLikelihoodNull, cox.logLikelihood].map {
            NumberText.fixed($0, places: 3)
        }
        addParagraph(
            "Log-likelihood \(logLikelihoods[0]) without and \(logLikelihoods[1]) with the covariates; "
                + "\(counted(cox.iterations, "iteration")).")
        if let concordance = cox.concordance {
            addParagraph("Concordance \(words(for: concordance, spread: "se \(places(concordance.se))"))")
        }
        if let heterogeneity = cox.heterogeneity { add(heterogeneity) }
        if let diagnostics = cox.diagnostics { add(diagnostics) }
        if let check = cox.proportionalHazards { add(check) }
        addCurves(of: cox, unit: unit)
    }

    private mutating func add(_ heterogeneity: CoxResult.Heterogeneity) {
        let heading = "same effect at all \(heterogeneity.sites) sites"
        var table = TextTable(headings: [heading, "chi-square", "df", "p"])
        for coefficient in heterogeneity.coefficients { table.add(coefficient.name, cells(coefficient.test)) }
        table.add("all together", cells(heterogeneity.global))
        add(table)
    }

    private mutating func add(_ tests: [CoxResult.WaldTest]) {
        var table = TextTable(headings: ["Wald test of a term", "chi-square", "df", "p"])
        for test in tests {
            table.add(test.isNonlinear ? "nonlinear part of \(test.term)" : test.term, cells(test.test))
        }
        add(table)
    }

    private mutating func add(_ check: CoxResult.ProportionalHazards) {
        let heading = "proportional hazards along \(words(for: check.transform))"
        var table = TextTable(headings: [heading, "chi-square", "df", "p"])
        for term in check.terms { table.add(term.name, cells(term.test)) }
        table.add("all together", cells(check.global))
        add(table)
    }

    /// The penalty, and where limits and p come from if not from standard errors.
    private mutating func addEstimation(of cox: CoxResult) {
        if let penalty = cox.penalty {
            addParagraph("Penalty: \(words(for: penalty, terms: cox.terms.map(\.name))).")
        }
        guard cox.limits == .profile else { return }
        let likelihood = cox.penalty == nil ? "profile likelihood" : "penalised profile likelihood"
        addParagraph(
            cox.penalty == nil
                ? "Confidence limits of the \(likelihood); p of the Wald test."
                : "Confidence limits and p of the \(likelihood); z is the Wald statistic.")
    }

    private func words(for penalty: CoxResult.Penalised, terms: [String]) -> String {
        guard let ridge = penalty.ridge else { return "Firth's (Jeffreys' prior)" }
        let theta = NumberText.time(ridge.theta)
        let scaled = ridge.isScaled ? ", each scaled by the covariate's variance" : ""
        let names = ridge.penalised(terms)
        let which = names.count == terms.count ? "all coefficients" : names.joined(separator: ", ")
        return "ridge, theta \(theta) on \(which)\(scaled)"
    }

    private func words(for transform: TimeTransform) -> String {
        switch transform {
        case .km: "1 - S(t)"
        case .identity: "time"
        case .log: "log time"
        }
    }

    func cells(_ test: TestResult) -> [String] {
        [
            test.statistic.text { NumberText.fixed($0, places: 2) },
            NumberText.degrees(test.degreesOfFreedom),
            test.p.text { NumberText.fullP($0, logP: test.logP.value) },
        ]
    }

    private func words(for baseline: CoxResult.Baseline) -> String {
        switch baseline {
        case .site: "one for each site (stratified by site)"
        case .common: "one common to all sites"
        }
    }

    private func words(for ties: Ties) -> String {
        switch ties {
        case .efron: "Efron's approximation"
        case .breslow: "Breslow's approximation"
        case .exact: "exact (discrete) partial likelihood"
        }
    }

    /// The table of a paper.
    private func hazardRatios(_ terms: [CoxResult.Term], of cox: CoxResult) -> TextTable {
        var table = TextTable(headings: ["", "hazard ratio", "\(NumberText.level(cox.level)) CI", "p"])
        func ratio(_ value: Double) -> String { NumberText.compact(value, places: 3) }
        for term in terms {
            let interval = intervalText(term.lower, term.upper, ratio)
            table.add(term.name, [term.hr.text(ratio), interval, term.p.text(NumberText.roundedP)])
        }
        return table
    }

    /// The table of a statistics program.
    private func coefficients(_ terms: [CoxResult.Term], of cox: CoxResult) -> TextTable {
        let robust = cox.cluster == nil ? [] : ["robust se"]
        var table = TextTable(headings: ["", "coef", "se(coef)"] + robust + ["z", "p"])
        for term in terms {
            table.add(
                term.name,
                [
                    term.coef.text { NumberText.compact($0, places: 5) },
                    term.se.text { NumberText.compact($0, places: 5) },
                ]
                    + robust.map { _ in
                        (term.robustSE ?? .notAvailable).text { NumberText.compact($0, places: 5) }
                    } + [
                        term.z.text { NumberText.fixed($0, places: 3) },
                        term.p.text { NumberText.fullP($0, logP: term.logP.value) },
                    ])
        }
        return table
    }

    private func tests(_ cox: CoxResult) -> TextTable {
        var table = TextTable(headings: ["test of the whole model", "chi-square", "df", "p"])
        let tests = [
            (
                cox.penalty?.kind == .firth ? "penalised likelihood ratio" : "likelihood ratio",
                cox.likelihoodRatio
            ),
            ("Wald", cox.wald), ("score (log-rank)", cox.score),
        ]
        for (name, test) in tests where !(cox.penalty != nil && test.statistic == .notAvailable) {
            table.add(name, cells(test))
        }
        return table
    }
}

import StudyReport
import Survival
import Testing

@Suite struct TextReportTests {
    private func text(_ analyses: [AnalysisResult], warnings: [String] = []) throws -> String {
        try StudyReport(.leukaemia(analyses, warnings: warnings)).rendered(as: .text)
    }

    private func lines(_ analyses: [AnalysisResult], warnings: [String] = []) throws -> [String] {
        try text(analyses, warnings: warnings).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    @Test func `the whole report reads as a statistician expects`() throws {
        let expected = """
            Maintenance chemotherapy in acute myelogenous leukaemia
            =======================================================
            study       leukaemia, hash 0123456789ab
            dictionary  aml@1
            endpoint    event relapsed, time weeks in the unit week
            sites       2: north (policy fedcba987654), south
            rounds      6

            relapse: Cox proportional hazards model
            ---------------------------------------
            23 rows of 23 people, 18 events.
            2 rows were left out for a missing value (by variable: relapsed 1, weeks 2).
            Baseline hazard: one common to all sites.
            Tied event times: Efron's approximation.
            Times: exact, as recorded.

                                hazard ratio           95% CI       p
            arm=Nonmaintained          2.498   0.916 to 6.813   0.074

                                   coef   se(coef)       z        p
            arm=Nonmaintained   0.91553    0.51193   1.788   0.0737

            test of the whole model   chi-square   df        p
            likelihood ratio                3.38    1   0.0658
            Wald                            3.20    1   0.0737
            score (log-rank)                3.42    1   0.0645
            Log-likelihood -42.725 without and -41.033 with the covariates; 3 iterations.

            remission: Kaplan-Meier survival by arm
            ---------------------------------------
            23 rows of 23 people, 18 events.
            2 rows were left out for a missing value (by variable: relapsed 1, weeks 2).
            Times: exact, as recorded.
            Confidence limits: 95%, symmetric on the log scale.

            arm              n   events   median (week)     95% CI
            Maintained      11        7              31   18 to NA
            Nonmaintained   12       11              23    8 to NA

            arm             time (week)   at risk   survival            95% CI
            Maintained               12        10      90.9%   75.4% to 100.0%
            Maintained               24         6      61.4%    37.7% to 99.9%
            Nonmaintained            12         8      58.3%    36.2% to 94.1%
            Nonmaintained            24         5      48.6%    26.8% to 88.3%

            log-rank test   observed   expected
            Maintained             7       10.7
            Nonmaintained         11        7.3
            Chi-square 3.40 on 1 degree of freedom, p = 0.065.

            """
        #expect(try StudyReport(.leukaemia).rendered(as: .text) == expected)
    }

    @Test func `warnings come before the numbers they concern`() throws {
        var cox = CoxResult.leukaemia
        cox.warnings = ["the coefficient of arm=Nonmaintained may be infinite"]
        let lines = try lines([.cox(cox)], warnings: ["site south left the study"])
        #expect(lines.firstIndex(of: "Warning: site south left the study.") == 7)
        let heading = try #require(lines.firstIndex(of: "relapse: Cox proportional hazards model"))
        #expect(lines[heading + 2] == "Warning: the coefficient of arm=Nonmaintained may be infinite.")
    }

    @Test func `the test of proportional hazards follows the model`() throws {
        var cox = CoxResult.leukaemia
        cox.proportionalHazards = .leukaemia
        let lines = try lines([.cox(cox)])
        #expect(
            lines.suffix(4) == [
                "proportional hazards along 1 - S(t)   chi-square   df       p",
                "arm=Nonmaintained                           0.01    1   0.929",
                "all together                                0.01    1   0.929",
                "",
            ])
    }

    @Test func `a robust standard error stands beside the model's`() throws {
        var cox = CoxResult.leukaemia
        cox.cluster = "hospital"
        cox.terms[0].robustSE = .value(0.4)
        let lines = try lines([.cox(cox)])
        #expect(lines.contains("Variance: robust, rows of the same hospital taken together."))
        #expect(lines.contains("                       coef   se(coef)   robust se       z        p"))
        #expect(lines.contains("arm=Nonmaintained   0.91553    0.51193     0.40000   1.788   0.0737"))
    }

    @Test func `quantiles, restricted means, follow-up and a trend are tables of their own`() throws {
        let lines = try lines([.survival(.summarized)])
        let expected = """
            arm              n   events   median (week)     95% CI
            Maintained      11        7              31   18 to NA

            arm          share with event   by (week)     95% CI
            Maintained              25.0%          18   13 to NA

            arm          to (week)   restricted mean     se           95% CI
            Maintained          24             20.13   1.90   16.41 to 23.85

            arm          median follow-up (week)     95% CI
            Maintained                        45   28 to NA

            test with weight S(t)^1, stratified by site   observed   expected
            """
        #expect(
            lines.contains("arm          share with event   by (week)     95% CI"),
            "\(lines.joined(separator: "\n"))")
        for line in expected.split(separator: "\n").dropFirst(2) {
            #expect(lines.contains(String(line)), "\(line)")
        }
        #expect(
            lines.contains(
                "Trend over the groups in their order: chi-square 3.20 on 1 degree of freedom, p = 0.074."))
    }

    @Test func `an analysis that failed says why, and the others stay`() throws {
        let failed = AnalysisResult.failed(
            id: "adjusted", kind: "cox", reason: "too few events per parameter")
        let lines = try lines([failed, .cox(.leukaemia)])
        #expect(lines.contains("adjusted: no result"))
        #expect(
            lines.contains("This analysis (cox) could not be answered: too few events per parameter."))
        #expect(lines.contains("relapse: Cox proportional hazards model"))
    }

    @Test func `the settings of a model are said in words`() throws {
        var cox = CoxResult.leukaemia
        (cox.baseline, cox.ties, cox.times, cox.level) = (.site, .breslow, .grid, 0.975)
        cox.counts = CohortCounts(rows: 1, people: 1, events: 1, dropped: 0, droppedByVariable: ["arm": 0])
        let text = try text([.cox(cox)])
        #expect(text.contains("\n1 row of 1 person, 1 event.\n"))
        #expect(text.contains("\nNo row was left out for a missing value.\n"))
        #expect(text.contains("\nBaseline hazard: one for each site (stratified by site).\n"))
        #expect(text.contains("\nTied event times: Breslow's approximation.\n"))
        #expect(text.contains("\nTimes: merged into the intervals of the study's grid.\n"))
        #expect(text.contains("   97.5% CI   "))
    }

    /// Rounding by hand; below the doubles: log10(p) = -1000 / log(10) = -434.2945, and 10^0.7055 = 5.08.
    @Test(arguments: [
        (p: 0.0027025399019940661, logP: -5.9135632, rounded: "0.003", full: "0.0027"),
        (p: 1.2345e-15, logP: -34.33, rounded: "<0.001", full: "1.23e-15"),
        (p: 0.99962, logP: -0.00038, rounded: ">0.999", full: "1"),
        (p: 0.0009996, logP: -6.9082, rounded: "<0.001", full: "0.001"),
        (p: 1, logP: 0, rounded: "1.000", full: "1"),
        (p: 0, logP: -1000, rounded: "<0.001", full: "5.08e-435"),
        (p: .leastNonzeroMagnitude, logP: -744.4400719213812, rounded: "<0.001", full: "4.94e-324"),
    ])
    func `p is rounded as in a paper, and in full beside the coefficient`(
        p: Double, logP: Double, rounded: String, full: String
    ) throws {
        var cox = CoxResult.leukaemia
        (cox.terms[0].p, cox.terms[0].logP) = (.value(p), .value(logP))
        let rows = try lines([.cox(cox)]).filter { $0.hasPrefix("arm=Nonmaintained") }
        #expect(rows.map { String($0.split(separator: " ").last ?? "") } == [rounded, full])
    }

    @Test func `an aliased coefficient is NA and a separated one is infinite`() throws {
        var cox = CoxResult.leukaemia
        let infinite = CoxResult.Term(
            name: "separated", coef: .value(.infinity), se: .value(.infinity), z: .notAvailable,
            p: .notAvailable, logP: .notAvailable, hr: .value(.infinity), lower: .value(0),
            upper: .value(.infinity))
        cox.terms = [.withheld("aliased", as: .notAvailable), infinite]
        cox.covariance = Array(repeating: .notAvailable, count: 4)
        let lines = try lines([.cox(cox)]).filter { $0.hasPrefix("aliased") || $0.hasPrefix("separated") }
        #expect(
            lines == [
                "aliased               NA             NA   NA",
                "separated            Inf   0.000 to Inf   NA",
                "aliased       NA         NA   NA   NA",
                "separated    Inf        Inf   NA   NA",
            ])
    }

    @Test func `small and large ratios keep their digits`() throws {
        var cox = CoxResult.leukaemia
        cox.terms[0].hr = .value(0.000123456)
        (cox.terms[0].lower, cox.terms[0].upper) = (.value(0.0999), .value(123_456_789))
        cox.terms[0].coef = .value(-0.0000001)
        cox.terms[0].z = .value(-0.0001)
        let rows = try lines([.cox(cox)]).filter { $0.hasPrefix("arm=Nonmaintained") }
        #expect(rows[0] == "arm=Nonmaintained       1.23e-04   0.100 to 1.23e+08   0.074")
        #expect(rows[1] == "arm=Nonmaintained   -1.00e-07    0.51193   0.000   0.0737")
    }

    @Test func `columns stay aligned with names in any script`() throws {
        var survival = SurvivalResult.leukaemia
        survival.test = nil
        survival.groups[0].name = "肝細胞癌"
        survival.groups[1].name = "Gro\u{308}ße ≥ 3 cm"
        let lines = try lines([.survival(survival)])
        let table = try #require(lines.firstIndex { $0.hasPrefix("arm ") })
        #expect(
            Array(lines[table...table + 2]) == [
                "arm             n   events   median (week)     95% CI",
                "肝細胞癌       11        7              31   18 to NA",
                "Gro\u{308}ße ≥ 3 cm   12       11              23    8 to NA",
            ])
    }

    @Test func `a long name is broken over lines, never cut`() throws {
        var cox = CoxResult.leukaemia
        let name = String(repeating: "treatment_before_transplantation ", count: 4) + "yes"
        cox.terms[0].name = name
        let text = try text([.cox(cox)])
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
        #expect(
            text.contains(
                """
                treatment_before_transplantation
                treatment_before_transplantation yes          2.498   0.916 to 6.813   0.074

                """))
    }

    @Test func `a name cannot steer the terminal`() throws {
        var cox = CoxResult.leukaemia
        cox.terms[0].name = "\u{1B}[2Jage\u{202E}\r\nsex"
        let text = try text([.cox(cox)])
        #expect(text.contains("\u{FFFD}[2Jage\u{FFFD} sex   "))
        #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
    }

    @Test func `a suppressed row says its rule once`() throws {
        var survival = SurvivalResult.leukaemia
        let withheld = Reported.suppressed(rule: "smallest-interval")
        survival.groups[0].at[0] = SurvivalResult.Point(
            time: 12, atRisk: withheld, survival: withheld, se: withheld, lower: withheld, upper: withheld,
            hazard: withheld, hazardSE: withheld)
        let lines = try lines([.survival(survival)])
        let table = try #require(lines.firstIndex { $0.contains("at risk") })
        #expect(
            Array(lines[table...table + 2]) == [
                "arm             time (week)   at risk   survival           95% CI",
                "Maintained               12   suppressed (smallest-interval)",
                "Maintained               24         6      61.4%   37.7% to 99.9%",
            ])
    }
}

extension CoxResult.Term {
    /// A term of which every number is missing or withheld.
    static func withheld(_ name: String, as number: Reported) -> CoxResult.Term {
        CoxResult.Term(
            name: name, coef: number, se: number, z: number, p: number, logP: number, hr: number,
            lower: number,
            upper: number)
    }
}

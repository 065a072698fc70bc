import StudyReport
import Survival
import Testing

/// Penalties and profile-likelihood limits in the three formats; the numbers stand for themselves.
struct PenaltyReportTests {
    private static var two: CoxResult {
        var cox = CoxResult.leukaemia
        cox.terms.append(
            .init(
                name: "age", coef: .value(0.25), se: .value(0.125), z: .value(2), p: .value(0.0457),
                logP: .value(-3.09), hr: .value(1.284), lower: .value(1.005), upper: .value(1.64)))
        cox.covariance = [0.262, 0.01, 0.01, 0.015625].map { .value($0) }
        return cox
    }

    private static var ridge: CoxResult {
        var cox = two
        cox.penalty = .init(
            kind: .ridge, logLikelihoodNull: -42.5, logLikelihood: -41.25,
            ridge: .init(
                theta: 2.5, isScaled: true, isPenalised: [false, true],
                variances: [.notAvailable, .value(81.5)], degreesOfFreedom: 0.75, amount: 0.125))
        cox.score = TestResult(
            statistic: .notAvailable, degreesOfFreedom: 1.75, p: .notAvailable, logP: .notAvailable)
        (cox.likelihoodRatio.degreesOfFreedom, cox.wald.degreesOfFreedom) = (1.75, 1.75)
        return cox
    }

    private static func profile(_ cox: CoxResult) -> CoxResult {
        var cox = cox
        cox.limits = .profile
        for index in cox.terms.indices {
            let term = cox.terms[index]
            cox.terms[index].wald = .init(lower: term.lower, upper: term.upper, p: term.p, logP: term.logP)
        }
        (cox.terms[1].lower, cox.terms[1].upper) = (.value(1.017), .value(1.725))
        return cox
    }

    private static var firth: CoxResult {
        var cox = profile(two)
        cox.penalty = .init(kind: .firth, logLikelihoodNull: -41.5, logLikelihood: -40.25)
        (cox.terms[0].likelihoodRatio, cox.terms[1].likelihoodRatio) = (.value(3.25), .value(4.5))
        (cox.terms[1].p, cox.terms[1].logP) = (.value(0.0339), .value(-3.385))
        cox.score = TestResult(
            statistic: .notAvailable, degreesOfFreedom: 2, p: .notAvailable, logP: .notAvailable)
        return cox
    }

    /// The report from the end of the model's counts on.
    private func section(_ cox: CoxResult) throws -> String {
        let text = try StudyReport(.leukaemia([.cox(cox)])).rendered(as: .text)
        return String(text.split(separator: "Times: exact, as recorded.\n")[1])
    }

    /// Lines of the CSV that the model does not have without its penalty, without the key columns that are the same for all.
    private func added(_ cox: CoxResult) throws -> [String] {
        let plain = Set(try rendered(Self.two, as: .csv).split(separator: "\r\n"))
        return try rendered(cox, as: .csv).split(separator: "\r\n").filter { !plain.contains($0) }
            .map { String($0.dropFirst("relapse,cox,,".count)) }
    }

    private func rendered(_ cox: CoxResult, as format: ReportFormat) throws -> String {
        try StudyReport(.leukaemia([.cox(cox)])).rendered(as: format)
    }

    private func json(_ cox: CoxResult) throws -> String {
        try rendered(cox, as: .json).filter { !$0.isWhitespace }
    }

    // MARK: Text

    @Test
    func `a ridge says its size and whom it penalises, has broken degrees of freedom and no score test`()
        throws
    {
        let expected = """
            Penalty: ridge, theta 2.5 on age, each scaled by the covariate's variance.

                                hazard ratio           95% CI       p
            arm=Nonmaintained          2.498   0.916 to 6.813   0.074
            age                        1.284   1.005 to 1.640   0.046

                                   coef   se(coef)       z        p
            arm=Nonmaintained   0.91553    0.51193   1.788   0.0737
            age                 0.25000    0.12500   2.000   0.0457

            test of the whole model   chi-square     df        p
            likelihood ratio                3.38   1.75   0.0658
            Wald                            3.20   1.75   0.0737
            Log-likelihood -42.725 without and -41.033 with the covariates; 3 iterations.

            """
        #expect(try section(Self.ridge) == expected)
        var all = Self.ridge
        all.penalty?.ridge?.isPenalised = [true, true]
        all.penalty?.ridge?.isScaled = false
        #expect(try section(all).hasPrefix("Penalty: ridge, theta 2.5 on all coefficients.\n"))
    }

    @Test func `Firth's penalty says that limits and p are the penalised likelihood's`() throws {
        let expected = """
            Penalty: Firth's (Jeffreys' prior).
            Confidence limits and p of the penalised profile likelihood; z is the Wald statistic.

                                hazard ratio           95% CI       p
            arm=Nonmaintained          2.498   0.916 to 6.813   0.074
            age                        1.284   1.017 to 1.725   0.034

                                   coef   se(coef)       z        p
            arm=Nonmaintained   0.91553    0.51193   1.788   0.0737
            age                 0.25000    0.12500   2.000   0.0339

            test of the whole model      chi-square   df        p
            penalised likelihood ratio         3.38    1   0.0658
            Wald                               3.20    1   0.0737
            Log-likelihood -42.725 without and -41.033 with the covariates; 3 iterations.

            """
        #expect(try section(Self.firth) == expected)
    }

    @Test func `limits of the profile likelihood are named, and p is Wald's`() throws {
        let text = try section(Self.profile(Self.two))
        #expect(text.hasPrefix("Confidence limits of the profile likelihood; p of the Wald test.\n\n"))
        #expect(text.contains("age                        1.284   1.017 to 1.725   0.046\n"))
        #expect(text.contains("score (log-rank)                3.42    1   0.0645\n"))
    }

    // MARK: Programs

    @Test func `a ridge's numbers have a line each`() throws {
        #expect(
            try added(Self.ridge) == [
                ",,lr_test_df,1.75", ",,wald_test_df,1.75", ",,score_test,", ",,score_test_df,1.75",
                ",,score_test_p,", ",,score_test_log_p,", ",,penalty,ridge", ",,penalty_loglik_null,-42.5",
                ",,penalty_loglik,-41.25", ",,penalty_theta,2.5", ",,penalty_scale,variance",
                ",,penalty_amount,0.125", ",,penalty_df,0.75", "age,,penalty_variance,81.5",
            ])
        let json = try json(Self.ridge)
        for part in [
            #""penalty":{"amount":0.125,"df":0.75,"kind":"ridge","loglik":-41.25,"loglik_null":-42.5"#,
            #""scale":"variance","terms":["age"],"theta":2.5,"variances":[null,81.5]"#,
        ] { #expect(json.contains(part), "\(part)") }
    }

    @Test func `profile limits stand beside Wald's, and Firth's likelihood ratios with them`() throws {
        #expect(
            try added(Self.firth) == [
                "arm=Nonmaintained,,lr,3.25", "arm=Nonmaintained,,wald_lower,0.9159072574364083",
                "arm=Nonmaintained,,wald_upper,6.813495766063302",
                "arm=Nonmaintained,,wald_p,0.07371486063904575",
                "arm=Nonmaintained,,wald_log_p,-2.6075508632194024", "age,,p,0.0339", "age,,log_p,-3.385",
                "age,,lower,1.017", "age,,upper,1.725", "age,,lr,4.5", "age,,wald_lower,1.005",
                "age,,wald_upper,1.64", "age,,wald_p,0.0457", "age,,wald_log_p,-3.09", ",,score_test,",
                ",,score_test_df,2", ",,score_test_p,", ",,score_test_log_p,", ",,limits,profile",
                ",,penalty,firth", ",,penalty_loglik_null,-41.5", ",,penalty_loglik,-40.25",
            ])
        let json = try json(Self.firth)
        for part in [
            #""penalty":{"kind":"firth","loglik":-40.25,"loglik_null":-41.5}"#, #""limits":"profile""#,
            #""lr":[3.25,4.5]"#, #""wald_upper":[6.813495766063302,1.64]"#,
            #""upper":[6.813495766063302,1.725]"#,
        ] { #expect(json.contains(part), "\(part)") }
        #expect(try !rendered(Self.two, as: .json).contains("penalty"))
    }
}

import StudyReport
import Survival
import Testing

/// What a study asks for besides a model's table; the numbers stand for themselves.
struct TermsReportTests {
    private func rendered(_ cox: CoxResult, as format: ReportFormat) throws -> String {
        try StudyReport(.leukaemia([.cox(cox)])).rendered(as: format)
    }

    /// Lines of the CSV that the plain model does not have, without the key columns that are the same for all.
    private func added(_ cox: CoxResult) throws -> [String] {
        let plain = Set(try rendered(.leukaemia, as: .csv).split(separator: "\r\n"))
        return try rendered(cox, as: .csv).split(separator: "\r\n").filter { !plain.contains($0) }.map {
            String($0.dropFirst("relapse,cox,".count))
        }
    }

    @Test func `tests of terms stand in every format`() throws {
        var cox = CoxResult.leukaemia
        let test = TestResult(
            statistic: .value(6.5), degreesOfFreedom: 3, p: .value(0.09), logP: .value(-2.4))
        cox.termTests = [
            .init(term: "rcs(age, 1, 2, 3, 4)", isNonlinear: false, test: test),
            .init(term: "rcs(age, 1, 2, 3, 4)", isNonlinear: true, test: TestResult(2, p: 0.16, logP: -1.8)),
        ]
        #expect(
            try added(cox) == [
                #","rcs(age, 1, 2, 3, 4)",,term_test,6.5"#, #","rcs(age, 1, 2, 3, 4)",,term_test_df,3"#,
                #","rcs(age, 1, 2, 3, 4)",,term_test_p,0.09"#,
                #","rcs(age, 1, 2, 3, 4)",,term_test_log_p,-2.4"#,
                #","rcs(age, 1, 2, 3, 4)",,nonlinear_test,2"#,
                #","rcs(age, 1, 2, 3, 4)",,nonlinear_test_df,1"#,
                #","rcs(age, 1, 2, 3, 4)",,nonlinear_test_p,0.16"#,
                #","rcs(age, 1, 2, 3, 4)",,nonlinear_test_log_p,-1.8"#,
            ])
        let json = try rendered(cox, as: .json).filter { !$0.isWhitespace }
        #expect(json.contains(#""part":["all","nonlinear"]"#) && json.contains(#""df":[3,1]"#))
        let text = try rendered(cox, as: .text)
        #expect(
            text.contains("Wald test of a term") && text.contains("nonlinear part of rcs(age, 1, 2, 3, 4)"))
        #expect(try !rendered(.leukaemia, as: .json).contains("term_tests"))
    }

    @Test func `tests between sites stand in every format`() throws {
        var cox = CoxResult.leukaemia
        let test = TestResult(2.5, p: 0.11, logP: -2.2)
        cox.heterogeneity = .init(
            sites: 4, global: test, coefficients: [.init(name: "arm=Nonmaintained", test: test)])
        #expect(
            try added(cox) == [
                ",,,heterogeneity_sites,4", ",arm=Nonmaintained,,heterogeneity,2.5",
                ",arm=Nonmaintained,,heterogeneity_df,1", ",arm=Nonmaintained,,heterogeneity_p,0.11",
                ",arm=Nonmaintained,,heterogeneity_log_p,-2.2", ",,,heterogeneity_global,2.5",
                ",,,heterogeneity_global_df,1", ",,,heterogeneity_global_p,0.11",
                ",,,heterogeneity_global_log_p,-2.2",
            ])
        let json = try rendered(cox, as: .json).filter { !$0.isWhitespace }
        #expect(json.contains(#""heterogeneity":{"df":[1],"global":{"df":1"#) && json.contains(#""sites":4"#))
        #expect(try rendered(cox, as: .text).contains("same effect at all 4 sites"))
    }

    @Test func `binned residuals stand in every format`() throws {
        var cox = CoxResult.leukaemia
        let bin = CoxResult.Diagnostics.Bin(
            lower: 40, upper: 52, rows: 12, people: 11, events: 9, expected: .value(7.5),
            residual: .value(0.125))
        let time = CoxResult.Diagnostics.TimeBin(lower: 0, upper: 12, events: 8, effects: [.value(0.7)])
        cox.diagnostics = .init(
            functionalForm: [.init(covariate: "age", bins: [bin])],
            effectOverTime: .init(times: .grid, terms: ["arm=Nonmaintained"], bins: [time]))
        #expect(
            try added(cox) == [
                #""[40, 52)",age,,bin_lower,40"#, #""[40, 52)",age,,bin_upper,52"#,
                #""[40, 52)",age,,bin_n,12"#, #""[40, 52)",age,,bin_people,11"#,
                #""[40, 52)",age,,bin_events,9"#, #""[40, 52)",age,,bin_expected,7.5"#,
                #""[40, 52)",age,,bin_residual,0.125"#, #""(0, 12]",,,schoenfeld_lower,0"#,
                #""(0, 12]",,,schoenfeld_upper,12"#, #""(0, 12]",,,schoenfeld_events,8"#,
                #""(0, 12]",arm=Nonmaintained,,schoenfeld_effect,0.7"#,
            ])
        let json = try rendered(cox, as: .json).filter { !$0.isWhitespace }
        #expect(
            json.contains(#""functional_form":{"age":{"events":[9]"#) && json.contains(#""effects":[[0.7]]"#))
        let text = try rendered(cox, as: .text)
        #expect(text.contains("residuals by age") && text.contains("coefficients by time"))
    }

    @Test func `a landmark stands in every format, with the people who are not in`() throws {
        var cox = CoxResult.leukaemia
        cox.counts.landmark = .init(time: 12, excluded: 4)
        #expect(try added(cox) == [",,,landmark,12", ",,,landmark_excluded,4"])
        let json = try rendered(cox, as: .json).filter { !$0.isWhitespace }
        #expect(json.contains(#""landmark":{"excluded":4,"time":12}"#))
        let text = try rendered(cox, as: .text).split(separator: "\n").joined(separator: " ")
        #expect(
            text.contains(
                "Landmark at 12 weeks: times count from it, covariates are as of it; 4 people not at risk then are not in."
            ))
    }
}

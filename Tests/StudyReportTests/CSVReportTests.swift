import StudyReport
import Survival
import Testing

@Suite struct CSVReportTests {
    private func lines(_ analyses: [AnalysisResult]) throws -> [String] {
        let text = try StudyReport(.leukaemia(analyses)).rendered(as: .csv)
        #expect(text.hasSuffix("\r\n"))
        return text.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test func `a model is one value a line`() throws {
        #expect(
            try lines([.cox(.leukaemia)]) == [
                "analysis,kind,group,term,time,statistic,value",
                "relapse,cox,,,,n,23",
                "relapse,cox,,,,people,23",
                "relapse,cox,,,,events,18",
                "relapse,cox,,,,dropped,2",
                "relapse,cox,,arm,,dropped,0",
                "relapse,cox,,relapsed,,dropped,1",
                "relapse,cox,,weeks,,dropped,2",
                "relapse,cox,,,,baseline,common",
                "relapse,cox,,,,ties,efron",
                "relapse,cox,,,,times,exact",
                "relapse,cox,,,,level,0.95",
                "relapse,cox,,arm=Nonmaintained,,coef,0.9155325750147176",
                "relapse,cox,,arm=Nonmaintained,,se,0.5119342751720054",
                "relapse,cox,,arm=Nonmaintained,,z,1.78837913266719",
                "relapse,cox,,arm=Nonmaintained,,p,0.07371486063904575",
                "relapse,cox,,arm=Nonmaintained,,log_p,-2.6075508632194024",
                "relapse,cox,,arm=Nonmaintained,,hr,2.498105326172141",
                "relapse,cox,,arm=Nonmaintained,,lower,0.9159072574364083",
                "relapse,cox,,arm=Nonmaintained,,upper,6.813495766063302",
                "relapse,cox,,arm=Nonmaintained,,covariance:arm=Nonmaintained,0.2620767020958865",
                "relapse,cox,,,,loglik_null,-42.72483926276022",
                "relapse,cox,,,,loglik,-41.03261559645838",
                "relapse,cox,,,,lr_test,3.384447332603685",
                "relapse,cox,,,,lr_test_df,1",
                "relapse,cox,,,,lr_test_p,0.06581424016234029",
                "relapse,cox,,,,lr_test_log_p,-2.7209190482243577",
                "relapse,cox,,,,wald_test,3.198299922159451",
                "relapse,cox,,,,wald_test_df,1",
                "relapse,cox,,,,wald_test_p,0.07371486063904574",
                "relapse,cox,,,,wald_test_log_p,-2.6075508632194033",
                "relapse,cox,,,,score_test,3.416734395517303",
                "relapse,cox,,,,score_test_df,1",
                "relapse,cox,,,,score_test_p,0.06453856175894368",
                "relapse,cox,,,,score_test_log_p,-2.740492377097736",
                "relapse,cox,,,,iterations,3",
            ])
    }

    /// One rule for a paper's table and the report: the p-values in words, every other number as before.
    @Test(arguments: [
        (0.000756, "<0.001"), (0.001, "0.001"), (0.02462, "0.025"), (0.9999, ">0.999"), (1, "1.000"),
    ])
    func `p-values can be had as the text report has them`(p: Double, text: String) throws {
        var cox = CoxResult.leukaemia
        cox.terms[0].p = Reported(p)
        let result = StudyResult.leukaemia([.cox(cox)])
        let exact = try StudyReport(result).rendered(as: .csv).split(separator: "\r\n")
        let rounded = try StudyReport(result).rendered(as: .csv, roundsP: true).split(separator: "\r\n")
        #expect(rounded.contains("relapse,cox,,arm=Nonmaintained,,p,\(text)"))
        #expect(rounded.contains("relapse,cox,,,,lr_test_p,0.066"))
        #expect(try StudyReport(result).rendered(as: .text).contains(text))
        for (one, other) in zip(exact, rounded) where one != other {
            let statistic = String(one.split(separator: ",", omittingEmptySubsequences: false)[5])
            #expect(["p", "lr_test_p", "wald_test_p", "score_test_p"].contains(statistic))
        }
    }

    @Test func `the test of proportional hazards is by term, and for all terms together`() throws {
        var cox = CoxResult.leukaemia
        cox.proportionalHazards = .leukaemia
        #expect(
            try lines([.cox(cox)]).suffix(9) == [
                "relapse,cox,,,,zph_transform,km",
                "relapse,cox,,arm=Nonmaintained,,zph,0.00787507772332374",
                "relapse,cox,,arm=Nonmaintained,,zph_df,1",
                "relapse,cox,,arm=Nonmaintained,,zph_p,0.9292872433645925",
                "relapse,cox,,arm=Nonmaintained,,zph_log_p,-0.07333739165758707",
                "relapse,cox,,,,zph_global,0.00787507772332374",
                "relapse,cox,,,,zph_global_df,1",
                "relapse,cox,,,,zph_global_p,0.9292872433645925",
                "relapse,cox,,,,zph_global_log_p,-0.07333739165758707",
            ])
    }

    @Test func `a robust variance adds its numbers, and the model's stay`() throws {
        var cox = CoxResult.leukaemia
        cox.cluster = "hospital"
        cox.terms[0].robustSE = .value(0.4)
        cox.naiveCovariance = cox.covariance
        cox.covariance = [.value(0.16)]
        let plain = try lines([.cox(.leukaemia)])
        let added = try lines([.cox(cox)]).filter { !plain.contains($0) }
        #expect(
            added == [
                "relapse,cox,,,,cluster,hospital",
                "relapse,cox,,arm=Nonmaintained,,robust_se,0.4",
                "relapse,cox,,arm=Nonmaintained,,covariance:arm=Nonmaintained,0.16",
                "relapse,cox,,arm=Nonmaintained,,naive_covariance:arm=Nonmaintained,0.2620767020958865",
            ])
    }

    @Test func `quantiles, restricted means, follow-up and a trend are one value a line`() throws {
        var plain = SurvivalResult.leukaemia
        plain.groups = [plain.groups[0]]
        let known = try lines([.survival(plain)])
        let added = try lines([.survival(.summarized)]).filter { !known.contains($0) }
        #expect(
            added == [
                "remission,survival,Maintained,,,quantile:0.25,18",
                "remission,survival,Maintained,,,quantile_lower:0.25,13",
                "remission,survival,Maintained,,,quantile_upper:0.25,",
                "remission,survival,Maintained,,,follow_up,45",
                "remission,survival,Maintained,,,follow_up_lower,28",
                "remission,survival,Maintained,,,follow_up_upper,",
                "remission,survival,Maintained,,24,rmst,20.13",
                "remission,survival,Maintained,,24,rmst_se,1.9",
                "remission,survival,Maintained,,24,rmst_lower,16.41",
                "remission,survival,Maintained,,24,rmst_upper,23.85",
                "remission,survival,,,,rho,1",
                "remission,survival,,,,strata,site",
                "remission,survival,,,,trend,3.2",
                "remission,survival,,,,trend_df,1",
                "remission,survival,,,,trend_p,0.0736",
                "remission,survival,,,,trend_log_p,-2.609",
            ])
    }

    @Test func `a curve is one value a line, with its group and time`() throws {
        let lines = try lines([.survival(.leukaemia)])
        for line in [
            "remission,survival,Maintained,,,median,31",
            "remission,survival,Maintained,,,median_upper,",
            "remission,survival,Maintained,,13,n_censor,1",
            "remission,survival,Nonmaintained,,45,survival,0",
            "remission,survival,Nonmaintained,,45,lower,",
            "remission,survival,Nonmaintained,,24,at_survival,0.48611111111111116",
            "remission,survival,Nonmaintained,,,expected,7.310664007699276",
            "remission,survival,,,,log_rank_p,0.06533932204050513",
        ] {
            #expect(lines.contains(line))
        }
    }

    @Test func `every line has seven cells`() throws {
        let failed = AnalysisResult.failed(id: "x", kind: "cox", reason: "few, \"very\" few\nevents")
        let text = try StudyReport(.leukaemia([failed, .cox(.leukaemia), .survival(.leukaemia)]))
            .rendered(as: .csv)
        let records = cells(of: text)
        #expect(records.allSatisfy { $0.count == 7 })
        #expect(records.contains(["x", "failed", "", "", "", "reason", "few, \"very\" few\nevents"]))
    }

    /// The starts that OWASP's page on CSV injection lists.
    @Test(arguments: ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\u{FF1D}1"])
    func `text cannot become a formula`(text: String) throws {
        let failed = AnalysisResult.failed(id: text, kind: "cox", reason: text)
        let records = cells(of: try StudyReport(.leukaemia([failed])).rendered(as: .csv))
        #expect(records.dropFirst().allSatisfy { $0[0] == "'" + text })
        #expect(records.last?[6] == "'" + text)
    }

    @Test func `numbers are left alone, also negative and infinite ones`() throws {
        var cox = CoxResult.leukaemia
        (cox.terms[0].coef, cox.terms[0].z) = (.value(-1.5), .value(-.infinity))
        cox.terms[0].hr = .suppressed(rule: "level-count")
        let lines = try lines([.cox(cox)])
        #expect(lines.contains("relapse,cox,,arm=Nonmaintained,,coef,-1.5"))
        #expect(lines.contains("relapse,cox,,arm=Nonmaintained,,z,-Inf"))
        #expect(lines.contains("relapse,cox,,arm=Nonmaintained,,hr,suppressed:level-count"))
    }

    /// A reader of RFC 4180, written apart from the writer.
    private func cells(of text: String) -> [[String]] {
        var (records, record, cell, isQuoted) = ([[String]](), [String](), String.UnicodeScalarView(), false)
        var scalars = text.unicodeScalars.makeIterator()
        var next = scalars.next()
        while let scalar = next {
            next = scalars.next()
            switch scalar {
            case "\"" where isQuoted && next == "\"":
                cell.append("\"")
                next = scalars.next()
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                record.append(String(cell))
                cell = String.UnicodeScalarView()
            case "\r" where !isQuoted && next == "\n":
                records.append(record + [String(cell)])
                (record, cell) = ([], String.UnicodeScalarView())
                next = scalars.next()
            default: cell.append(scalar)
            }
        }
        return records
    }
}

import Foundation
import StudyReport
import Survival
import Testing

@Suite struct ReportPropertyTests {
    /// Every number that a rule can withhold is withheld by a rule of its own name.
    private var withheld: StudyResult {
        let number = Reported.suppressed(rule: "level-count")
        let test = TestResult(statistic: number, degreesOfFreedom: 1, p: number, logP: number)
        let counts = CohortCounts(
            rows: 23, people: 23, events: 18, dropped: 2, droppedByVariable: ["weeks": 2])
        var cox = CoxResult.leukaemia
        cox.counts = counts
        cox.terms = [.withheld("arm", as: number)]
        cox.covariance = [number]
        (cox.likelihoodRatio, cox.wald, cox.score) = (test, test, test)
        var survival = SurvivalResult.leukaemia
        let point = SurvivalResult.Point(
            time: 12, atRisk: number, survival: number, se: number, lower: number, upper: number,
            hazard: number, hazardSE: number)
        let curve = SurvivalResult.Curve(
            time: [9], atRisk: [11], events: [1], censored: [2], survival: [number], se: [number],
            lower: [number], upper: [number], hazard: [number], hazardSE: [number])
        let median = SurvivalResult.Quantile(estimate: number, lower: number, upper: number)
        survival.counts = counts
        survival.groups = [
            SurvivalResult.Group(name: "one", rows: 11, events: 7, median: median, curve: curve, at: [point])
        ]
        survival.test = SurvivalResult.LogRank(
            groups: ["one"], observed: [number], expected: [number], test: test)
        var result = StudyResult.leukaemia([.cox(cox), .survival(survival)])
        result.sites.removeLast()  // the one without a policy
        return result
    }

    @Test func `a suppressed number is never a zero, an NA or an empty cell`() throws {
        let report = StudyReport(withheld)
        let csv = try report.rendered(as: .csv).split(separator: "\r\n")
        for name in [
            "coef", "hr", "p", "covariance:arm", "wald_test_p", "median", "survival", "at_n_risk", "observed",
        ] {
            let values = csv.filter { $0.split(separator: ",").dropLast().last ?? "" == name }
            #expect(values.count == 1 && values[0].hasSuffix(",suppressed:level-count"), "\(name)")
        }
        let json = try report.rendered(as: .json)
        #expect(!json.contains(": null") && !json.contains("[null") && !json.contains(": 0,"))
        // 8 of the term, 1 covariance, 4 tests of 3, 3 medians, 6 of the curve, 7 at a time, 2 counts.
        #expect(json.components(separatedBy: "{\"suppressed\": \"level-count\"}").count - 1 == 39)

        let text = try report.rendered(as: .text)
        for line in [
            "arm   suppressed (level-count)", "one   11        7   suppressed (level-count)",
            "one            12   suppressed (level-count)",
            "one             suppressed (level-count)",
            "Chi-square suppressed (level-count) on 1 degree of freedom, p suppressed (level-count).",
        ] {
            #expect(text.contains("\n\(line)\n"), "\(line)")
        }
        #expect(!text.contains("NA") && !text.contains("0.0") && !text.contains("<0.001"))
    }

    @Test func `no line of the text is wider than a hundred columns`() throws {
        var generator = SplitMix64(state: 99)
        let pieces = [
            "age", "log(alpha_fetoprotein)", "治療", " ", "=", "ß", "\u{1F600}", "response_to_treatment",
        ]
        for _ in 0..<60 {
            func name() -> String {
                (0..<Int.random(in: 1...30, using: &generator))
                    .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            }
            let reported: [Reported] = [
                .value(.random(in: -1...1, using: &generator)), .value(1e300), .notAvailable,
                .suppressed(rule: name()),
            ]
            var cox = CoxResult.leukaemia
            cox.id = name()
            cox.warnings = [name()]
            cox.terms = [.withheld(name(), as: reported.randomElement(using: &generator) ?? .notAvailable)]
            cox.terms[0].upper = reported.randomElement(using: &generator) ?? .notAvailable
            var survival = SurvivalResult.leukaemia
            survival.by = name()
            survival.groups[0].name = name()
            survival.groups[0].median.lower = reported.randomElement(using: &generator) ?? .notAvailable
            var result = StudyResult.leukaemia([.cox(cox), .survival(survival)], warnings: [name()])
            (result.title, result.endpoint.unit) = (name(), name())
            let text = try StudyReport(result).rendered(as: .text)
            #expect(text.split(separator: "\n").allSatisfy { displayWidth($0) <= 100 })
        }
    }

    /// Of the characters that the test above uses.
    private func displayWidth(_ line: Substring) -> Int {
        line.reduce(0) { $0 + ("治療\u{1F600}".contains($1) ? 2 : 1) }
    }

    @Test(arguments: ReportFormat.allCases)
    func `the same result gives the same bytes`(format: ReportFormat) throws {
        let encoded = try JSONEncoder().encode(StudyResult.leukaemia)
        let decoded = try JSONDecoder().decode(StudyResult.self, from: encoded)
        #expect(try StudyReport(decoded).rendered(as: format) == StudyReport(.leukaemia).rendered(as: format))
    }

    @Test(arguments: ReportFormat.allCases)
    func `two analyses of one name are refused`(format: ReportFormat) {
        let result = StudyResult.leukaemia([.cox(.leukaemia), .cox(.leukaemia)])
        #expect(throws: ReportError.duplicateAnalysis(id: "relapse")) {
            try StudyReport(result).rendered(as: format)
        }
    }

    @Test func `a damaged result is refused by the name of its analysis`() {
        var cox = CoxResult.leukaemia
        cox.covariance = []
        var survival = SurvivalResult.leukaemia
        survival.groups[0].curve.lower = []
        var test = SurvivalResult.leukaemia
        test.test?.observed = []
        for (analysis, id) in [
            (AnalysisResult.cox(cox), "relapse"), (.survival(survival), "remission"),
            (.survival(test), "remission"),
        ] {
            let error = #expect(throws: ReportError.self) {
                try StudyReport(.leukaemia([analysis])).rendered(as: .text)
            }
            #expect(error?.description.hasPrefix("the result of analysis \(id) is damaged") == true)
        }
    }
}

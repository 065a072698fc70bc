import Foundation
import StudyReport
import Survival
import Testing

/// A log-rank test without curves in each format.
@Suite struct TestAloneReportTests {
    private static func result(isWithinSites: Bool?) -> StudyResult {
        var survival = SurvivalResult.leukaemia
        survival.groups = []
        survival.test?.rows = [11, 12]
        survival.test?.strata = isWithinSites == true ? ["site", "frail"] : ["frail"]
        survival.test?.isWithinSites = isWithinSites
        return .leukaemia([.survival(survival)])
    }

    @Test func `the text says who was compared with whom, and nothing of curves`() throws {
        let text = try StudyReport(Self.result(isWithinSites: true)).rendered(as: .text)
        let expected = """
            remission: test of survival by arm
            ----------------------------------
            23 rows of 23 people, 18 events.
            2 rows were left out for a missing value (by variable: relapsed 1, weeks 2).

            log-rank test, stratified by site, frail    n   observed   expected
            Maintained                                 11          7       10.7
            Nonmaintained                              12         11        7.3
            Groups are compared within hospitals, at each hospital's exact times.
            Chi-square 3.40 on 1 degree of freedom, p = 0.065.

            """
        #expect(text.hasSuffix(expected), "\(text)")
        let pooled = try StudyReport(Self.result(isWithinSites: nil)).rendered(as: .text)
        #expect(pooled.contains("Times: exact, as recorded.") && !pooled.contains("within hospitals"))
    }

    @Test func `JSON and CSV have the rows of each group with the test`() throws {
        for (isWithinSites, count) in [(true, 1), (nil, 0)] as [(Bool?, Int)] {
            let report = StudyReport(Self.result(isWithinSites: isWithinSites))
            let json = try report.rendered(as: .json)
            #expect(json.contains("\"groups\": [],") && json.contains("\"n\": [11, 12]"))
            #expect(json.components(separatedBy: "\"within\": \"sites\"").count - 1 == count)
            let lines = try report.rendered(as: .csv).components(separatedBy: "\r\n")
            #expect(lines.contains("remission,survival,Maintained,,,group_n,11"))
            #expect(lines.contains("remission,survival,Nonmaintained,,,group_n,12"))
            #expect(lines.count { $0 == "remission,survival,,,,within,sites" } == count)
        }
    }

    @Test func `a test whose columns differ in length is not reported`() {
        for rows in [[], [11], [11, 12, 0]] as [[Int]] {
            var survival = SurvivalResult.leukaemia
            survival.groups = []
            survival.test?.rows = rows
            #expect(throws: ReportError.self) {
                _ = try StudyReport(.leukaemia([.survival(survival)])).rendered(as: .json)
            }
        }
    }
}

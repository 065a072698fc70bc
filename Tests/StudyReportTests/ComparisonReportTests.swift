import Survival
import Testing

@testable import StudyReport

/// A comparison of groups in the three formats; the numbers stand for themselves.
struct ComparisonReportTests {
    private static func group(_ name: String, _ survival: Double, _ mean: Double) -> ComparisonResult.Group {
        ComparisonResult.Group(
            name: name, rows: 20, events: 7,
            survival: [
                .init(
                    time: 12, atRisk: .value(9), survival: .value(survival), se: .value(0.1),
                    lower: .value(survival - 0.2), upper: .value(survival + 0.2), hazard: .value(0.5),
                    hazardSE: .value(0.1))
            ],
            restrictedMeans: [
                .init(
                    time: 24, mean: .value(mean), se: .value(1), lower: .value(mean - 2),
                    upper: .value(mean + 2))
            ])
    }

    private static var result: StudyResult {
        let (old, new) = (group("old", 0.5, 10), group("new", 0.75, 15))
        let comparison = ComparisonResult(
            id: "arms",
            counts: CohortCounts(rows: 40, people: 40, events: 14, dropped: 0, droppedByVariable: [:]),
            times: .exact, by: "arm",
            reference: "old", level: 0.95,
            groups: [old, new.compared(with: old, level: 0.95)], warnings: [])
        return StudyResult(
            study: "trial", title: "", studyHash: "", dictionary: "trial@1",
            endpoint: .init(time: "months", event: "died", unit: "month"), sites: [], rounds: 2,
            analyses: [.compare(comparison)], warnings: [])
    }

    @Test func `differences and ratios stand in all formats`() throws {
        let text = try StudyReport(Self.result).rendered(as: .text)
        #expect(text.contains("arms: survival by arm, compared with old"))
        #expect(text.contains("25.0%   -2.7% to 52.7%"))
        #expect(text.contains("difference       5.00"))
        #expect(text.contains("ratio      1.500   1.185 to 1.898"))
        let csv = try StudyReport(Self.result).rendered(as: .csv)
        #expect(csv.contains("arms,compare,new,,24,rmst_difference,5\r\n"))
        #expect(csv.contains("arms,compare,new,,24,rmst_ratio,1.5\r\n"))
        #expect(!csv.contains("arms,compare,old,,24,rmst_difference"))
        let json = try StudyReport(Self.result).rendered(as: .json).filter { !$0.isWhitespace }
        #expect(json.contains(#""kind":"compare""#) && json.contains(#""reference":"old""#))
        #expect(json.contains(#""rmst_ratio":[{"estimate":1.5"#))
    }

    @Test func `a comparison that lacks a time is not written`() throws {
        var result = Self.result
        guard case .compare(var comparison) = result.analyses[0] else { return }
        comparison.groups[1].meanRatios = []
        result.analyses = [.compare(comparison)]
        #expect(throws: ReportError.self) { try StudyReport(result).rendered(as: .text) }
    }
}

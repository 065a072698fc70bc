import Foundation
import StudyReport
import Survival
import Testing

/// Results on a grid say so in every format: the grid's width, where a time lies, and bounds of what is read off there.
struct GridReportTests {
    private static func bounds(_ lowest: Double, _ highest: Double?) -> Bounds {
        Bounds(lowest: .value(lowest), highest: Reported(highest))
    }

    private static var survival: SurvivalResult {
        let median = SurvivalResult.Quantile(
            estimate: .value(95.5), lower: .value(60), upper: .notAvailable, bounds: bounds(90, nil))
        var result = SurvivalResult(
            id: "os", counts: .leukaemia, times: .grid, by: nil, limits: .log, level: 0.95,
            groups: [
                .init(
                    name: "", rows: 23, events: 18, median: median,
                    curve: .init(
                        time: [90], atRisk: [23], events: [11], censored: [2], survival: [.value(0.5)],
                        se: [.value(0.1)], lower: [.value(0.25)], upper: [.value(0.75)],
                        hazard: [.value(0.7)],
                        hazardSE: [.value(0.2)],
                        grid: .init(start: [0], survival: [bounds(0.48, 0.52)], hazard: [bounds(0.65, 0.75)])),
                    at: [
                        .init(
                            time: 45, atRisk: .value(17), survival: .value(0.7), se: .value(0.1),
                            lower: .value(0.5), upper: .value(0.9), hazard: .value(0.35),
                            hazardSE: .value(0.1),
                            grid: .init(
                                from: 0, to: 90, atRisk: bounds(10, 23), survival: bounds(0.48, 1),
                                hazard: bounds(0, 0.75))),
                        .init(
                            time: 200, atRisk: .notAvailable, survival: .notAvailable, se: .notAvailable,
                            lower: .notAvailable, upper: .notAvailable, hazard: .notAvailable,
                            hazardSE: .notAvailable),
                    ], quantiles: [.init(share: 0.25, time: median)],
                    restrictedMeans: [
                        .init(
                            time: 90, mean: .value(64), se: .value(4), lower: .value(56), upper: .value(72),
                            bounds: bounds(43.25, 90))
                    ], followUp: median)
            ], test: nil, warnings: [])
        result.gridWidth = 90
        return result
    }

    private static var incidence: IncidenceResult {
        func estimates(_ value: Double) -> IncidenceResult.Estimates {
            .init(
                estimate: [.value(value)], se: [.value(0.05)], lower: [.value(value / 2)],
                upper: [.notAvailable], bounds: [bounds(value - 0.0625, value + 0.0625)])
        }
        var result = IncidenceResult(
            id: "relapse", counts: .leukaemia, times: .grid, by: nil, causes: ["relapse"], limits: .log,
            level: 0.95,
            groups: [
                .init(
                    name: "", rows: 23, events: [4],
                    curve: .init(
                        time: [90], atRisk: [23], censored: [1], events: [[4]], eventFree: estimates(0.75),
                        incidence: [estimates(0.25)], gridStart: [0]),
                    at: [
                        .init(
                            time: 45, atRisk: .value(20), eventFree: estimates(0.875),
                            incidence: [estimates(0.125)],
                            grid: .init(from: 0, to: 90, atRisk: bounds(18, 23)))
                    ])
            ], warnings: [])
        result.gridWidth = 90
        return result
    }

    private static var predicted: CoxResult {
        var cox = CoxResult.leukaemia
        (cox.baseline, cox.times, cox.gridWidth, cox.curveLimits) = (.common, .grid, 90, .log)
        let point = CoxResult.CurvePoint(
            time: 45, survival: .value(0.75), lower: .value(0.5), upper: .value(0.875), hazard: .value(0.28),
            hazardSE: .value(0.125),
            grid: .init(from: 0, to: 90, survival: bounds(0.5, 1), hazard: bounds(0, 0.7)))
        var end = point
        (end.time, end.grid) = (90, nil)
        cox.baselineHazard = [
            .init(stratum: "", time: [90], hazard: [.value(0.3)], se: [.value(0.1)], gridStart: [0])
        ]
        cox.predictions = [
            .init(profile: "age=60", stratum: "", curve: [end], at: [point], gridStart: [0])
        ]
        return cox
    }

    @Test func `text has the bounds as a last column`() throws {
        let text = try lines(.survival(Self.survival), as: .text)
        #expect(text.contains { $0.contains("the study's grid of 90") })
        #expect(
            text.contains { $0.hasPrefix("all") && $0.contains("70.0%") && $0.hasSuffix("48.0% to 100.0%") })
        #expect(text.contains { $0.hasPrefix("all") && $0.contains("200") && $0.hasSuffix(" NA") })
        #expect(text.contains { $0.hasPrefix("all") && $0.hasSuffix("43.25 to 90.00") })
        #expect(text.count { $0.hasSuffix("bounds") } == 5)
        let incidence = try lines(.incidence(Self.incidence), as: .text)
        #expect(incidence.contains { $0.contains("12.5%") && $0.hasSuffix("6.2% to 18.8%") })
        let cox = try lines(.cox(Self.predicted), as: .text)
        #expect(cox.contains { $0.hasPrefix("age=60") && $0.hasSuffix("50.0% to 100.0%") })
        #expect((text + incidence + cox).allSatisfy { $0.count <= 100 })
    }

    @Test func `JSON has them beside each number`() throws {
        func has(_ analysis: AnalysisResult, _ members: [String]) throws {
            let json = try lines(analysis, as: .json).joined(separator: "\n")
            for member in members { #expect(json.contains(member), "\(member)") }
        }
        try has(
            .survival(Self.survival),
            [
                "\"grid_width\": 90", "\"starts\": [0]", "\"median_lowest\": 90", "\"median_highest\": null",
                "\"survival_lowest\": [0.48]", "\"survival_lowest\": 0.48", "\"n_risk_highest\": 23",
                "\"from\": 0", "\"to\": 90", "\"lowest\": 43.25",
            ])
        try has(
            .incidence(Self.incidence),
            ["\"grid_width\": 90", "\"starts\": [0]", "\"lowest\": 0.0625", "\"n_risk_lowest\": 18"])
        try has(
            .cox(Self.predicted),
            ["\"grid_width\": 90", "\"starts\": [0]", "\"survival_lowest\": [0.5]", "\"from\": [0]"])
    }

    @Test func `CSV has a line for each`() throws {
        let survival = try lines(.survival(Self.survival), as: .csv)
        for line in [
            "os,survival,,,,grid_width,90", "os,survival,,,,median_lowest,90",
            "os,survival,,,,median_highest,",
            "os,survival,,,90,interval_start,0", "os,survival,,,90,survival_lowest,0.48",
            "os,survival,,,45,at_to,90", "os,survival,,,45,at_survival_highest,1",
            "os,survival,,,90,rmst_lowest,43.25", "os,survival,,,,quantile_lowest:0.25,90",
            "os,survival,,,,follow_up_lowest,90",
        ] { #expect(survival.contains(line), "\(line)") }
        let incidence = try lines(.incidence(Self.incidence), as: .csv)
        for line in [
            "relapse,incidence,,relapse,45,at_incidence_highest,0.1875",
            "relapse,incidence,,,90,interval_start,0",
            "relapse,incidence,,,45,at_n_risk_lowest,18",
        ] { #expect(incidence.contains(line), "\(line)") }
        let cox = try lines(.cox(Self.predicted), as: .csv)
        #expect(cox.contains("relapse,cox,,age=60,45,at_predicted_survival_lowest,0.5"))
        #expect(cox.contains("relapse,cox,,,90,interval_start,0"))
    }

    @Test func `a result on a grid reads back as it is, NA and all`() throws {
        for analysis in [
            AnalysisResult.survival(Self.survival), .incidence(Self.incidence), .cox(Self.predicted),
        ] {
            let data = try JSONEncoder().encode(analysis)
            #expect(try JSONDecoder().decode(AnalysisResult.self, from: data) == analysis)
        }
    }

    @Test func `exact times have none of it`() throws {
        var exact = Self.survival
        (exact.times, exact.gridWidth) = (.exact, nil)
        exact.groups = []
        let formats = try ReportFormat.allCases.map { try lines(.survival(exact), as: $0).joined() }
        #expect(!formats.contains { $0.contains("grid") || $0.contains("lowest") || $0.contains("bounds") })
    }
}

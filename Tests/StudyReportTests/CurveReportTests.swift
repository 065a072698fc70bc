import StudyReport
import Survival
import Testing

/// Competing risks and predicted curves in the three formats; the numbers stand for themselves.
struct CurveReportTests {
    private static func estimates(_ value: Double) -> IncidenceResult.Estimates {
        .init(
            estimate: [.value(value)], se: [.value(0.05)], lower: [.value(value / 2)],
            upper: [.value(2 * value)])
    }

    private static let incidence = IncidenceResult(
        id: "relapse", counts: .leukaemia, times: .exact, by: nil, causes: ["relapse", "death"],
        limits: .log, level: 0.95,
        groups: [
            .init(
                name: "", rows: 23, events: [4, 2],
                curve: .init(
                    time: [9], atRisk: [23], censored: [1], events: [[1], [0]], eventFree: estimates(0.9),
                    incidence: [estimates(0.1), estimates(0.25)]),
                at: [
                    .init(
                        time: 12, atRisk: .value(20), eventFree: estimates(0.75),
                        incidence: [
                            estimates(0.125),
                            .init(
                                estimate: [.value(0)], se: [.value(0)], lower: [.notAvailable],
                                upper: [.notAvailable]),
                        ])
                ])
        ], warnings: [])

    private static var predicted: CoxResult {
        var cox = CoxResult.leukaemia
        (cox.event, cox.hazard, cox.curveLimits) = ("relapse", .subdistribution, .log)
        cox.baselineHazard = [
            .init(
                stratum: "", time: [5, 8], hazard: [.value(0.1), .value(0.3)],
                se: [.value(0.05), .value(0.1)])
        ]
        let point = CoxResult.CurvePoint(
            time: 8, survival: .value(0.75), lower: .value(0.5), upper: .value(0.875), hazard: .value(0.28),
            hazardSE: .value(0.125))
        cox.predictions = [.init(profile: "age=60, sex=f", stratum: "", curve: [point], at: [point])]
        return cox
    }

    private func lines(_ analysis: AnalysisResult, as format: ReportFormat) throws -> [String] {
        try StudyReport(.leukaemia([analysis])).rendered(as: format)
            .split(whereSeparator: \.isNewline).map(String.init)
    }

    @Test func `incidence is a table of causes and times`() throws {
        let text = try lines(.incidence(Self.incidence), as: .text)
        #expect(text.contains("relapse: cumulative incidence"))
        #expect(text.contains { $0.hasPrefix("all") && $0.contains("12.5%") && $0.contains("6.2% to 25.0%") })
        #expect(text.contains { $0.hasPrefix("all") && $0.contains("death") && $0.hasSuffix(" NA") })
    }

    @Test func `incidence has a line for each number, the cause in the term`() throws {
        let csv = try lines(.incidence(Self.incidence), as: .csv)
        for line in [
            "relapse,incidence,,,,group_n,23", "relapse,incidence,,death,,group_events,2",
            "relapse,incidence,,relapse,9,incidence,0.1", "relapse,incidence,,,9,event_free,0.9",
            "relapse,incidence,,death,12,at_incidence_lower,", "relapse,incidence,,,12,at_n_risk,20",
        ] { #expect(csv.contains(line), "\(line)") }
        let json = try lines(.incidence(Self.incidence), as: .json).joined(separator: "\n")
        #expect(json.contains("\"kind\": \"incidence\""))
        #expect(json.contains("\"causes\": [\"relapse\", \"death\"]"))
        #expect(json.contains("\"n_event\": [1]") && json.contains("\"event_free\": {"))
    }

    @Test func `predicted curves stand only where they were asked for`() throws {
        let plain = try ReportFormat.allCases.map { try lines(.cox(.leukaemia), as: $0).joined() }
        #expect(!plain.contains { $0.contains("predict") || $0.contains("baseline_hazard") })
        let text = try lines(.cox(Self.predicted), as: .text)
        #expect(text.contains { $0.hasPrefix("age=60, sex=f") && $0.hasSuffix("75.0%   50.0% to 87.5%") })
        #expect(text.contains { $0.hasPrefix("Event: relapse. Subdistribution hazard (Fine and Gray)") })
        let csv = try lines(.cox(Self.predicted), as: .csv)
        for line in [
            "relapse,cox,,,8,baseline_hazard,0.3",
            "relapse,cox,,\"age=60, sex=f\",8,at_predicted_survival,0.75",
            "relapse,cox,,,,hazard,subdistribution",
        ] { #expect(csv.contains(line), "\(line)") }
        let json = try lines(.cox(Self.predicted), as: .json).joined()
        #expect(json.contains("\"profile\": \"age=60, sex=f\"") && json.contains("\"curve_limits\": \"log\""))
    }

    @Test func `a result with columns of different length is not written`() throws {
        var incidence = Self.incidence
        incidence.groups[0].curve.incidence[0].se = []
        #expect(throws: ReportError.self) { try lines(.incidence(incidence), as: .json) }
        var cox = Self.predicted
        cox.baselineHazard?[0].se = []
        #expect(throws: ReportError.self) { try lines(.cox(cox), as: .csv) }
    }
}

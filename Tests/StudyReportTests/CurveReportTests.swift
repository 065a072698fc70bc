import StudyReport
import Survival
import Testing

/// Competing risks, predicted curves and concordances in the three formats; the numbers stand for themselves.
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

    @Test func `Gray's tests have a row a cause`() throws {
        var incidence = Self.incidence
        incidence.tests = [
            TestResult(11.5, p: 0.0032, logP: -5.75),
            TestResult(statistic: .notAvailable, degreesOfFreedom: 1, p: .notAvailable, logP: .notAvailable),
        ]
        (incidence.strata, incidence.rho) = (["hospital"], 0.5)
        let text = try lines(.incidence(incidence), as: .text)
        #expect(
            text.suffix(3) == [
                "Gray's test of the groups within hospital, weight (1 - F(t))^0.5   chi-square   df        p",
                "relapse                                                                 11.50    1   0.0032",
                "death                                                                      NA    1       NA",
            ])
        let csv = try lines(.incidence(incidence), as: .csv)
        for line in [
            "relapse,incidence,,,,strata,hospital", "relapse,incidence,,,,rho,0.5",
            "relapse,incidence,,relapse,,gray,11.5",
            "relapse,incidence,,relapse,,gray_df,1", "relapse,incidence,,relapse,,gray_p,0.0032",
            "relapse,incidence,,relapse,,gray_log_p,-5.75", "relapse,incidence,,death,,gray,",
        ] { #expect(csv.contains(line), "\(line)") }
        let json = try lines(.incidence(incidence), as: .json).joined().filter { !$0.isWhitespace }
        #expect(
            json.contains(
                #""test":{"causes":["relapse","death"],"df":[1,1],"log_p":[-5.75,null],"name":"gray","p":[0.0032,null],"rho":0.5,"statistic":[11.5,null],"strata":["hospital"]}"#
            ))
        (incidence.strata, incidence.rho) = (nil, nil)
        #expect(
            try lines(.incidence(incidence), as: .text).suffix(3).first
                == "Gray's test of the groups   chi-square   df        p")
        #expect(try !lines(.incidence(incidence), as: .csv).contains { $0.contains(",rho,") })
        incidence.tests?.removeLast()
        #expect(throws: ReportError.self) { try lines(.incidence(incidence), as: .json) }
    }

    @Test func `a concordance says of what, of which pairs and how sure it is`() throws {
        var concordance = ConcordanceResult(
            id: "marker", counts: .leukaemia, marker: "log(blasts)", strata: ["arm"], level: 0.95,
            estimate: ConcordanceEstimate(
                counts: [60, 30, 10, 2, 1], squares: [400, 0, 0], options: .init(weight: .uno, timeMax: 52)),
            warnings: [])
        (concordance.cluster, concordance.event) = ("patient", "relapsed")
        let text = try lines(.concordance(concordance), as: .text)
        let expected = """
            marker: concordance of log(blasts)
            ----------------------------------
            23 rows of 23 people, 18 events.
            2 rows were left out for a missing value (by variable: relapsed 1, weeks 2).
            Event: relapsed.
            Pairs are formed within arm.
            Standard error: robust, rows of the same patient taken together.
            Concordance 0.650 (se 0.100, 95% CI 0.454 to 0.846) of 100 pairs within sites, time weight n/G2, to
            52; pairs of two sites are not formed.
            A higher value lets expect an earlier event.
            """
        #expect(text.suffix(10).joined(separator: "\n") == expected)
        let csv = try lines(.concordance(concordance), as: .csv)
        for line in [
            "marker,concordance,,,,of,log(blasts)", "marker,concordance,,,,strata,arm",
            "marker,concordance,,,,concordance,0.65", "marker,concordance,,,,concordance_se,0.1",
            "marker,concordance,,,,concordance_weight,n/G2", "marker,concordance,,,,concordance_tied_x,10",
            "marker,concordance,,,,concordance_ymax,52", "marker,concordance,,,,cluster,patient",
        ] { #expect(csv.contains(line), "\(line)") }
        #expect(csv.contains { $0.hasPrefix("marker,concordance,,,,concordance_lower,0.45400") })
        let json = try lines(.concordance(concordance), as: .json).joined().filter { !$0.isWhitespace }
        for part in [
            #""kind":"concordance""#, #""c":0.65"#, #""of":"log(blasts)""#, #""strata":["arm"]"#,
            #""pairs":"within-site""#, #""weight":"n/G2""#, #""ymax":52"#, #""se":0.1"#,
        ] { #expect(json.contains(part), "\(part)") }
    }
}

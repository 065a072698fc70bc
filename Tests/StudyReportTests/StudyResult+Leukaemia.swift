import StudyReport
import Survival

/// Maintenance chemotherapy in acute myelogenous leukaemia, 23 patients.
///
/// Birthplace of the numbers: R 4.2.2, survival 3.5-3, data `aml` (`x`: Maintained, Nonmaintained):
/// `coxph(Surv(time, status) ~ x, control = coxph.control(eps = 1e-12, toler.chol = 1e-13))`,
/// `survfit(Surv(time, status) ~ x)`, `summary(…, times = c(12, 24))`, `survdiff(Surv(time, status) ~ x)`;
/// logarithms of p by `pnorm` and `pchisq` with `log.p = TRUE`.
extension StudyResult {
    static func leukaemia(_ analyses: [AnalysisResult], warnings: [String] = []) -> StudyResult {
        StudyResult(
            study: "leukaemia", title: "Maintenance chemotherapy in acute myelogenous leukaemia",
            studyHash: String(repeating: "0123456789abcdef", count: 4), dictionary: "aml@1",
            endpoint: Endpoint(time: "weeks", event: "relapsed", unit: "week"),
            sites: [
                Site(name: "north", policyHash: String(repeating: "fedcba9876543210", count: 4)),
                Site(name: "south", policyHash: nil),
            ],
            rounds: 6, analyses: analyses, warnings: warnings)
    }

    static var leukaemia: StudyResult {
        leukaemia([.cox(.leukaemia), .survival(.leukaemia)])
    }
}

extension CohortCounts {
    static let leukaemia = CohortCounts(
        rows: 23, people: 23, events: 18, dropped: 2,
        droppedByVariable: ["arm": 0, "relapsed": 1, "weeks": 2])
}

extension TestResult {
    init(_ statistic: Double, p: Double, logP: Double) {
        self.init(
            statistic: .value(statistic), degreesOfFreedom: 1, p: .value(p), logP: .value(logP))
    }
}

extension CoxResult {
    static let leukaemia = CoxResult(
        id: "relapse", counts: .leukaemia, baseline: .common, ties: .efron, times: .exact, level: 0.95,
        terms: [
            Term(
                name: "arm=Nonmaintained", coef: .value(0.91553257501471763), se: .value(0.5119342751720054),
                z: .value(1.7883791326671901), p: .value(0.073714860639045754),
                logP: .value(-2.6075508632194024), hr: .value(2.4981053261721411),
                lower: .value(0.91590725743640833), upper: .value(6.8134957660633022))
        ],
        covariance: [.value(0.26207670209588652)],
        logLikelihoodNull: -42.72483926276022, logLikelihood: -41.032615596458378,
        likelihoodRatio: TestResult(3.3844473326036848, p: 0.06581424016234029, logP: -2.7209190482243577),
        wald: TestResult(3.198299922159451, p: 0.07371486063904574, logP: -2.6075508632194033),
        score: TestResult(3.4167343955173028, p: 0.06453856175894368, logP: -2.7404923770977359),
        iterations: 3, warnings: [])
}

extension CoxResult.ProportionalHazards {
    /// `cox.zph(fit)`.
    static let leukaemia = CoxResult.ProportionalHazards(
        transform: .km, times: .exact,
        terms: [.init(name: "arm=Nonmaintained", test: test)], global: test)

    private static let test = TestResult(
        0.0078750777233237406, p: 0.92928724336459245, logP: -0.07333739165758707)
}

extension SurvivalResult {
    /// With everything that a study may ask for besides; the numbers stand for themselves.
    static var summarized: SurvivalResult {
        var survival = leukaemia
        survival.groups = [survival.groups[0]]
        survival.groups[0].quantiles = [
            .init(share: 0.25, time: .init(estimate: .value(18), lower: .value(13), upper: .notAvailable))
        ]
        survival.groups[0].restrictedMeans = [
            .init(time: 24, mean: .value(20.13), se: .value(1.9), lower: .value(16.41), upper: .value(23.85))
        ]
        survival.groups[0].followUp = .init(estimate: .value(45), lower: .value(28), upper: .notAvailable)
        survival.test?.rho = 1
        survival.test?.strata = ["site"]
        survival.test?.trend = TestResult(3.2, p: 0.0736, logP: -2.609)
        return survival
    }

    static let leukaemia = SurvivalResult(
        id: "remission", counts: .leukaemia, times: .exact, by: "arm", limits: .log, level: 0.95,
        groups: [.maintained, .nonmaintained],
        test: LogRank(
            groups: ["Maintained", "Nonmaintained"], observed: [.value(7), .value(11)],
            expected: [.value(10.689335992300725), .value(7.3106640076992759)],
            test: TestResult(3.3963886989776011, p: 0.065339322040505132, logP: -2.728161248735324)),
        warnings: [])
}

extension SurvivalResult.Group {
    /// The curve is cut after two of its ten times; nothing in a report depends on the others.
    fileprivate static let maintained = SurvivalResult.Group(
        name: "Maintained", rows: 11, events: 7,
        median: SurvivalResult.Quantile(estimate: .value(31), lower: .value(18), upper: .notAvailable),
        curve: SurvivalResult.Curve(
            time: [9, 13], atRisk: [11, 10], events: [1, 1], censored: [0, 1],
            survival: [.value(0.90909090909090906), .value(0.81818181818181812)],
            se: [.value(0.08667841720414475), .value(0.11629129983033294)],
            lower: [.value(0.75413384508152548), .value(0.61924898739936352)], upper: [.value(1), .value(1)],
            hazard: [.value(0.090909090909090912), .value(0.19090909090909092)],
            hazardSE: [.value(0.090909090909090912), .value(0.13514607952107732)]),
        at: [
            SurvivalResult.Point(
                time: 12, atRisk: .value(10), survival: .value(0.90909090909090906),
                se: .value(0.08667841720414475), lower: .value(0.75413384508152548), upper: .value(1),
                hazard: .value(0.090909090909090912), hazardSE: .value(0.090909090909090912)),
            SurvivalResult.Point(
                time: 24, atRisk: .value(6), survival: .value(0.61363636363636354),
                se: .value(0.152632331027312), lower: .value(0.37686705950167976),
                upper: .value(0.99915760022847266), hazard: .value(0.45876623376623377),
                hazardSE: .value(0.23301851015578887)),
        ])

    /// The curve's last two times of ten: survival ends at 0, where R gives no limits.
    fileprivate static let nonmaintained = SurvivalResult.Group(
        name: "Nonmaintained", rows: 12, events: 11,
        median: SurvivalResult.Quantile(estimate: .value(23), lower: .value(8), upper: .notAvailable),
        curve: SurvivalResult.Curve(
            time: [43, 45], atRisk: [2, 1], events: [1, 1], censored: [0, 0],
            survival: [.value(0.097222222222222238), .value(0)],
            se: [.value(0.091866364967520514), .notAvailable],
            lower: [.value(0.015256527170865199), .notAvailable],
            upper: [.value(0.61954862911905562), .notAvailable],
            hazard: [.value(1.9416666666666667), .value(2.9416666666666664)],
            hazardSE: [.value(0.73546092879076708), .value(1.2413310508392907)]),
        at: [
            SurvivalResult.Point(
                time: 12, atRisk: .value(8), survival: .value(0.58333333333333337),
                se: .value(0.14231876063832777), lower: .value(0.36161370521038472),
                upper: .value(0.9409980121738093), hazard: .value(0.49166666666666670),
                hazardSE: .value(0.22251716538031147)),
            SurvivalResult.Point(
                time: 24, atRisk: .value(5), survival: .value(0.48611111111111116),
                se: .value(0.14813006255348293), lower: .value(0.26751824885826658),
                upper: .value(0.88331922533955765), hazard: .value(0.65833333333333333),
                hazardSE: .value(0.27801378862687126)),
        ])
}

/// The report of a study of one analysis, line by line, without the empty lines.
func lines(_ analysis: AnalysisResult, as format: ReportFormat) throws -> [String] {
    try StudyReport(.leukaemia([analysis])).rendered(as: format)
        .split(whereSeparator: \.isNewline).map(String.init)
}

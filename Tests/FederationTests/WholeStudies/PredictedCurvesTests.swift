import Federation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Predicted curves, and the restricted mean of a robust one, in whole studies, against R 4.2.2, survival 3.5-3 on the stacked rows:
/// `SurvivalTests/Reference`.
struct PredictedCurvesTests {
    private static let lung = DataDictionary(
        name: "lung", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "time", kind: .number(lower: 0, upper: 1100, resolution: 1)),
            .init(name: "status", kind: .number(lower: 1, upper: 2, resolution: 1)),
            .init(name: "age", kind: .number(lower: 18, upper: 100, resolution: 1)),
            .init(name: "sex", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(name: "ph.ecog", kind: .number(lower: 0, upper: 5, resolution: 1)),
            .init(name: "inst", kind: .number(lower: 0, upper: 100, resolution: 1)),
        ])
    private static let kidney = DataDictionary(
        name: "kidney", version: 1, person: "id",
        variables: [
            .init(name: "id", kind: .identifier),
            .init(name: "time", kind: .number(lower: 0, upper: 600, resolution: 1)),
            .init(name: "status", kind: .boolean),
            .init(name: "sex", kind: .category(levels: ["1", "2"], reference: "1")),
        ])

    private static func result(
        _ dictionary: DataDictionary, event: String, sites: Int, _ analyses: [String], lines: String = ""
    ) throws -> StudyResult {
        let study = """
            study: curves
            dictionary: \(dictionary.identifier)
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {time: time, event: \(event), unit: day}
            \(lines)
            analyses:
            \(analyses.map { "  - \($0)\n" }.joined())
            """
        let tables = try CSVTable(reference: "\(dictionary.name).csv")
            .dealt(dictionary, sites: sites)
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(sites), tables).map { (site: $0, table: $1) }, time: Consortium.now)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }
    }

    @Test(arguments: [1, 3])
    func `survival predicted for stated covariates is R's`(sites: Int) throws {
        let result = try Self.result(
            Self.lung, event: "status == 2", sites: sites,
            [
                "cox: {id: m, cohort: inst > 0, terms: [age, sex, ph.ecog], baseline: common, times: exact, predict: [{age: 63, sex: 1, ph.ecog: 1}], at: [5, 122, 188, 237, 303, 413, 574, 1022, 1023], baseline-hazard: true}"
            ])
        let expected = try ReferenceCase.named("lung-age-sex-ecog-pooled-efron").expected
        let want = expected["predicted_survival"].elements[0]["curves"]["all"]
        let cox = try result.cox("m")
        let prediction = try #require(cox.predictions?.first)
        #expect(prediction.profile == "age=63, sex=1, ph.ecog=1" && prediction.stratum.isEmpty)
        let points = prediction.at.dropLast()
        let columns: [(String, KeyPath<CoxResult.CurvePoint, Reported>)] = [
            ("surv", \.survival), ("lower_log", \.lower), ("upper_log", \.upper), ("cumhaz", \.hazard),
            ("se_cumhaz", \.hazardSE),
        ]
        for (name, path) in columns {
            expectClose(
                points.map { $0[keyPath: path].value ?? .nan }, want[name].doubles, relative: 1e-9, name)
        }
        // Nobody is followed so long.
        #expect(prediction.at.last?.survival == .notAvailable)
        let baseline = try #require(cox.baselineHazard?.first)
        let reference = expected["baseline"]["all"]
        for (time, hazard) in zip(reference["time"].doubles, reference["cumhaz_at_zero"].doubles) {
            let row = try #require(baseline.time.lastIndex { $0 <= time })
            expectClose(baseline.hazard[row].value ?? .nan, hazard, relative: 1e-9, "baseline at \(time)")
        }
    }

    @Test func `a profile may name a definition, and strata; without them there is a curve for each`() throws
    {
        let lines = "define:\n  old: age > 65\n  weak: ph.ecog >= 2"
        func predictions(_ terms: String, _ profile: String) throws -> [CoxResult.Prediction] {
            let keys = "baseline: common, times: exact, at: [100, 300]"
            return try #require(
                Self.result(
                    Self.lung, event: "status == 2", sites: 2,
                    ["cox: {id: m, terms: [\(terms)], \(keys), predict: [{\(profile)}]}"], lines: lines
                ).cox("m").predictions)
        }
        let defined = try predictions("old, weak", "old: yes, weak: false")
        let made = try predictions("old, weak", "age: 70, ph.ecog: 1")
        #expect(defined[0].at == made[0].at && defined[0].profile == "old=yes, weak=false")
        let all = try predictions("age, strata(sex)", "age: 60")
        #expect(all.map(\.stratum) == ["sex=1", "sex=2"])
        let one = try predictions("age, strata(sex)", "age: 60, sex: 2")
        #expect(one.map(\.stratum) == ["sex=2"] && one[0].at == all[1].at && one[0].curve == all[1].curve)
    }

    @Test(arguments: [
        (", predict: [{age: 60}]", "it has no value for ph.ecog"),
        (", predict: [{age: 60, ph.ecog: 1, sex: 2}]", "sex is not in the model"),
        (", predict: [{agee: 60, ph.ecog: 1}]", "there is no \"agee\"; is \"age\" meant?"),
        (", predict: [{age: 600, ph.ecog: 1}]", "age is not a number from 18.0 to 100.0"),
        (", predict: []", "predict: lists from 1 to 100 profiles"),
        (", at: [5]", "at: belongs to predict:"),
    ])
    func `a profile that the model cannot use is refused in the study file`(_ keys: String, _ reason: String)
    {
        let error = sentence {
            _ = try Self.result(
                Self.lung, event: "status == 2", sites: 1,
                ["cox: {id: m, terms: [age, ph.ecog], baseline: common, times: exact\(keys)}"])
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    @Test func `with a baseline hazard at each site there is no curve of all`() {
        for key in ["baseline-hazard: true", "predict: [{age: 60}]"] {
            let error = sentence {
                _ = try Self.result(
                    Self.lung, event: "status == 2", sites: 1, ["cox: {id: m, terms: [age], \(key)}"])
            }
            #expect(error?.contains("a curve would be one hospital's") == true, "\(error ?? "none")")
        }
    }

    /// R 4.2.2, survival 3.5-3: `f <- survfit(Surv(time, status) ~ 1, kidney, cluster = id)`;
    /// `u <- rowsum(as.matrix(residuals(f, times = 200, type = "auc")), kidney$id); sqrt(sum(u^2))`.
    @Test func `the restricted mean of a robust curve has the robust error`() throws {
        let result = try Self.result(
            Self.kidney, event: "status", sites: 2,
            ["survival: {id: s, robust: true, people: all-rows, times: exact, rmst: [200]}"])
        let mean = try result.survival("s").groups[0].restrictedMeans[0]
        expectClose(mean.mean.value ?? .nan, 98.22835006820161, relative: 1e-12, "mean")
        expectClose(mean.se.value ?? .nan, 10.6301511051995, relative: 1e-9, "se")
    }
}

import Federation
import ReferenceStudies
import Survival
import Testing

/// Patients dealt to any number of hospitals: the result is that of all of them in one place.
struct DealingTests {
    private static func deal(_ patients: [Patient], to count: Int, seed: UInt64) -> [[Patient]] {
        var random = SeededGenerator(seed)
        let sites = patients.map { _ in Int.random(in: 0..<count, using: &random) }
        return (0..<count).map { site in zip(patients, sites).filter { $0.1 == site }.map(\.0) }
    }

    private static func grouped(_ patients: [Patient]) -> [[Patient]] {
        (0..<5).map { hospital in patients.filter { $0.hospital == hospital } }
    }

    private func expectSame(
        _ got: CoxResult, _ want: CoxResult, within relative: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(got.counts == want.counts, sourceLocation: sourceLocation)
        #expect(got.terms.map(\.name) == want.terms.map(\.name), sourceLocation: sourceLocation)
        #expect(got.warnings == want.warnings, sourceLocation: sourceLocation)
        expectClose(
            got.numbers, want.numbers, relative: relative, absolute: relative * 1e-3, "\(got.id)",
            sourceLocation: sourceLocation)
    }

    /// Models whose baseline hazard is one for all, with everything that a row can carry.
    private static let common = """
        analyses:
          - cox: {id: plain, terms: [age, marker, stage], KEYS}
          - cox: {id: breslow, terms: [age, marker, stage], ties: breslow, KEYS}
          - cox: {id: weights, terms: [age, frail], weights: share, KEYS}
          - cox: {id: offset, terms: [marker, frail, offset(log(exposure))], KEYS}
          - cox: {id: strata, terms: [age, marker, strata(stage), strata(frail)], KEYS}
          - cox: {id: all, terms: [age * frail, strata(stage), offset(log(exposure))], weights: share, ties: breslow, KEYS}
        """

    private static let ids = ["plain", "breslow", "weights", "offset", "strata", "all"]

    private static func study(_ sites: Int, start: String? = nil, _ keys: String) -> String {
        Ward.study(sites: sites, start: start, common.replacing("KEYS", with: keys))
    }

    @Test(arguments: [1, 2, 3, 5], [nil, "entered"])
    func `one baseline hazard for all gives the model of all patients in one place`(
        _ count: Int, _ start: String?
    ) throws {
        let patients = Patient.random(180, seed: 20)
        let pooled = try result(of: Self.study(1, start: start, "baseline: site"), [patients])
        let dealt = try result(
            of: Self.study(count, start: start, "baseline: common, times: exact"),
            Self.deal(patients, to: count, seed: UInt64(count)))
        for id in Self.ids { expectSame(try dealt.cox(id), try pooled.cox(id), within: 1e-9) }
    }

    @Test(arguments: ["baseline: common, times: exact", "baseline: common"])
    func `how patients are dealt to hospitals does not matter`(_ keys: String) throws {
        let patients = Patient.random(180, seed: 21)
        let grid = keys.contains("exact") ? "" : "\nprivacy: {time-grid: 2, smallest-interval: 8}"
        let pooled = try result(of: Self.study(1, keys) + grid, [patients])
        for count in [2, 3, 5] {
            let dealt = try result(
                of: Self.study(count, keys) + grid, Self.deal(patients, to: count, seed: UInt64(count)))
            #expect(dealt.rounds == pooled.rounds)
            for id in Self.ids { expectSame(try dealt.cox(id), try pooled.cox(id), within: 1e-11) }
        }
    }

    @Test(arguments: [nil, "entered"])
    func `a baseline hazard of each hospital's own is a stratum for each hospital`(_ start: String?) throws {
        let patients = Patient.random(240, seed: 22)
        let lines = """
            analyses:
              - cox: {id: plain, terms: [age, marker, stageSTRATA]}
              - cox: {id: breslow, terms: [age, marker, stageSTRATA], ties: breslow}
              - cox: {id: weights, terms: [age, frailSTRATA], weights: share}
              - cox: {id: offset, terms: [marker, frail, offset(log(exposure))STRATA]}
              - cox: {id: strata, terms: [age, marker, strata(stage)STRATA]}
            """
        let federated = Ward.study(sites: 5, start: start, lines.replacing("STRATA", with: ""))
        let pooled = Ward.study(sites: 1, start: start, lines.replacing("STRATA", with: ", strata(hospital)"))
        let (got, want) = (
            try result(of: federated, Self.grouped(patients)), try result(of: pooled, [patients])
        )
        for id in ["plain", "breslow", "weights", "offset", "strata"] {
            var expected = try want.cox(id)
            expected.counts.droppedByVariable["hospital"] = nil
            expectSame(try got.cox(id), expected, within: 1e-11)
        }
    }

    @Test func `hospitals may stand in any order`() throws {
        let patients = Self.grouped(Patient.random(200, seed: 23))
        let study = Ward.study(
            sites: 5,
            """
            analyses:
              - cox: {id: site, terms: [age, stage]}
              - cox: {id: common, terms: [age, stage], baseline: common}
              - survival: {id: curves, by: stage, test: log-rank}
            privacy: {time-grid: 1}
            """)
        let first = try result(of: study, patients)
        for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
            let other = try result(of: study, patients, order: order)
            #expect(other.analyses == first.analyses)
            #expect(other.sites.map(\.name) == order.map { first.sites[$0].name })
        }
    }

    @Test(arguments: ["times: exact", "times: grid"])
    func `survival curves and log-rank tests are those of all patients, to the last bit`(_ times: String)
        throws
    {
        let patients = Patient.random(200, seed: 24)
        let lines = """
            analyses:
              - survival: {id: all, at: [0, 5, 12, 59], \(times)}
              - survival: {id: by-stage, by: stage, test: log-rank, limits: log-log, level: 0.9, \(times)}
              - survival: {id: by-frail, by: frail, test: log-rank, limits: plain, cohort: stage != "III", \(times)}
            privacy: {time-grid: 3, smallest-interval: 6}
            """
        let starts = times == "times: exact" ? [nil, "entered"] : [nil]
        for start in starts {
            let pooled = try result(of: Ward.study(sites: 1, start: start, lines), [patients])
            for count in [2, 5] {
                let dealt = try result(
                    of: Ward.study(sites: count, start: start, lines), Self.deal(patients, to: count, seed: 1)
                )
                #expect(dealt.analyses == pooled.analyses)
            }
        }
    }

    /// Between two event times nobody leaves: an entry there puts a row in the same risk sets as one at the time before.
    @Test func `an entry between two positions of the axis counts from the next one on`() throws {
        let whole = Patient.random(90, seed: 31)
        let between = whole.map { patient in
            var patient = patient
            patient.entered += 0.5
            return patient
        }
        var dictionary = Ward.dictionary
        for index in dictionary.variables.indices where dictionary.variables[index].name == "entered" {
            dictionary.variables[index].kind = .number(lower: 0, upper: 60, resolution: nil)
        }
        let study = Ward.study(
            start: "entered",
            """
            analyses:
              - cox: {id: common, terms: [age, marker], baseline: common, times: exact}
              - survival: {id: curves, by: frail, test: log-rank, times: exact}
            """)
        let (got, want) = try (
            result(of: study, Self.deal(between, to: 3, seed: 1), dictionary: dictionary),
            result(of: study, Self.deal(whole, to: 3, seed: 1), dictionary: dictionary)
        )
        #expect(got.analyses == want.analyses)
    }

    // MARK: Unlike hospitals

    @Test func `a hospital without a level, without an event, or without anyone is harmless`() throws {
        let patients = Patient.random(200, seed: 25)
        var hospitals = [
            patients.filter { $0.hospital < 2 && $0.stage != 1 }, patients.filter { $0.hospital == 2 }, [],
            patients.filter { $0.hospital > 2 },
        ]
        for row in hospitals[1].indices { hospitals[1][row].died = 0 }
        let all = hospitals.enumerated().flatMap { site, patients in
            patients.map { patient in
                var patient = patient
                patient.hospital = site
                return patient
            }
        }
        let lines = """
            analyses:
              - cox: {id: site, terms: [age, stage, frailSTRATA]}
              - cox: {id: common, terms: [age, stage, frail], baseline: common, times: exact}
              - cox: {id: grid, terms: [age, stage, strata(frail)], baseline: common}
              - survival: {id: curves, by: stage, test: log-rank, times: exact}
            privacy: {time-grid: 2}
            """
        let got = try result(of: Ward.study(sites: 4, lines.replacing("STRATA", with: "")), hospitals)
        let want = try result(
            of: Ward.study(sites: 1, lines.replacing("STRATA", with: ", strata(hospital)")), [all])
        for id in ["site", "common", "grid"] {
            var expected = try want.cox(id)
            expected.counts.droppedByVariable["hospital"] = nil
            expectSame(try got.cox(id), expected, within: 1e-11)
        }
        #expect(try got.survival("curves") == want.survival("curves"))
    }

    @Test func `a level that nobody has anywhere is NA`() throws {
        let patients = Patient.random(120, seed: 26).filter { $0.stage != 2 }
        let study = Ward.study(
            """
            analyses:
              - cox: {id: site, terms: [age, stage]}
              - cox: {id: common, terms: [age, stage], baseline: common, times: exact}
            """)
        let got = try result(of: study, Self.deal(patients, to: 3, seed: 1))
        for id in ["site", "common"] {
            let cox = try got.cox(id)
            #expect(cox.coefficients.map(\.isNaN) == [false, false, true])
            #expect(cox.warnings.count == 1 && cox.warnings[0].hasPrefix("stage=III is constant"))
        }
    }

    @Test func `rows with missing values are dropped for each analysis by itself, and counted by variable`()
        throws
    {
        let patients = Patient.random(90, seed: 27).map { patient in
            var patient = patient
            if patient.person % 10 == 0 { patient.marker = .nan }
            if patient.person % 15 == 0 { patient.stage = -1 }
            return patient
        }
        let study = Ward.study(
            """
            analyses:
              - cox: {id: both, terms: [marker, stage]}
              - cox: {id: one, terms: [marker]}
              - cox: {id: other, terms: [age], baseline: common, times: exact}
              - survival: {id: curves, by: stage, times: exact}
            """)
        let got = try result(of: study, Self.deal(patients, to: 3, seed: 2))
        // 9 rows lack the marker (0, 10, ... 80), 6 the stage (0, 15, ... 75), 3 of them both (0, 30, 60).
        let both = try got.cox("both").counts
        #expect(both.rows == 78 && both.dropped == 12)
        #expect(both.droppedByVariable == ["died": 0, "marker": 9, "months": 0, "stage": 6])
        #expect(try got.cox("one").counts.rows == 81)
        #expect(try got.cox("other").counts.rows == 90)
        #expect(try got.survival("curves").counts.dropped == 6)
    }

    @Test func `people are counted once however many rows they have`() throws {
        let rows = Patient.random(60, seed: 28).flatMap { patient in
            var (early, late) = (patient, patient)
            late.months = patient.months + 1
            (early.died, early.months, late.entered) = (
                0, max(1, patient.months - 1), max(1, patient.months - 1)
            )
            early.entered = 0
            return [early, late]
        }
        let study = Ward.study(start: "entered", "analyses: [{cox: {id: m, terms: [age, marker]}}]")
        let hospitals = (0..<3).map { site in rows.filter { $0.person % 3 == site } }
        let counts = try result(of: study, hospitals).cox("m").counts
        #expect(counts.rows == 120 && counts.people == 60)
    }

    /// A dictionary may allow far wider ranges than the patients have; the estimates are the same.
    @Test func `a wide range in the dictionary costs no digits`() throws {
        let patients = Patient.random(150, seed: 29)
        let study = Ward.study(sites: 1, "analyses: [{cox: {id: m, terms: [marker, share, age]}}]")
        var wide = Ward.dictionary
        for index in wide.variables.indices {
            switch wide.variables[index].name {
            case "marker": wide.variables[index].kind = .number(lower: -1e9, upper: 1e12, resolution: nil)
            case "share": wide.variables[index].kind = .number(lower: 0, upper: 1e9, resolution: nil)
            case "age": wide.variables[index].kind = .number(lower: 1, upper: .infinity, resolution: nil)
            default: break
            }
        }
        let narrow = try result(of: study, [patients]).cox("m")
        let other = try result(of: study, [patients], dictionary: wide).cox("m")
        expectSame(other, narrow, within: 1e-9)
    }
}

import Foundation
import StudyReport
import Survival
import Testing

@Suite struct JSONReportTests {
    private func json(_ analyses: [AnalysisResult]) throws -> String {
        try StudyReport(.leukaemia(analyses)).rendered(as: .json)
    }

    /// The `times` of a curve made of these numbers, as they stand in the document.
    private func written(_ numbers: [Double]) throws -> [String] {
        var survival = SurvivalResult.leukaemia
        let count = numbers.count
        let missing = Array(repeating: Reported.notAvailable, count: count)
        survival.groups = [survival.groups[0]]
        survival.groups[0].curve = SurvivalResult.Curve(
            time: numbers, atRisk: Array(repeating: 1, count: count),
            events: Array(repeating: 1, count: count),
            censored: Array(repeating: 1, count: count), survival: missing, se: missing, lower: missing,
            upper: missing, hazard: missing, hazardSE: missing)
        let lines = try json([.survival(survival)]).split(separator: "\n")
        let line = try #require(lines.first { $0.contains("\"times\": [") })
        let list = line.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
        return list.split(separator: ", ").map(String.init)
    }

    @Test func `a model with a robust variance and a check has their keys`() throws {
        var cox = CoxResult.leukaemia
        #expect(
            try ["cluster", "robust_se", "zph"].allSatisfy { try !json([.cox(cox)]).contains("\"\($0)\"") })
        cox.cluster = "hospital"
        cox.terms[0].robustSE = .value(0.4)
        cox.naiveCovariance = cox.covariance
        cox.proportionalHazards = .leukaemia
        let text = try json([.cox(cox)])
        #expect(text.contains("\"cluster\": \"hospital\""))
        #expect(text.contains("\"robust_se\": [0.4]"))
        #expect(text.contains("\"naive_covariance\": [\n        [0.2620767020958865]\n      ]"))
        #expect(
            text.contains("\"transform\": \"km\"") && text.contains("\"statistic\": [0.00787507772332374]"))
    }

    @Test func `a survival analysis has the keys that were asked for`() throws {
        let keys = ["quantiles", "rmst", "follow_up", "rho", "strata", "trend"]
        let plain = try json([.survival(.leukaemia)])
        let whole = try json([.survival(.summarized)])
        for key in keys { #expect(!plain.contains("\"\(key)\"") && whole.contains("\"\(key)\""), "\(key)") }
        #expect(plain.contains("\"name\": \"log-rank\"") && whole.contains("\"name\": \"g-rho\""))
        #expect(whole.contains("\"share\": 0.25") && whole.contains("\"mean\": 20.13"))
    }

    @Test func `a failed and a partly suppressed analysis, whole`() throws {
        var cox = CoxResult.leukaemia
        cox.terms = [
            .withheld("a\"b", as: .suppressed(rule: "level-count")), .withheld("é", as: .notAvailable),
        ]
        cox.covariance = Array(repeating: .notAvailable, count: 4)
        cox.wald.statistic = .value(-.infinity)
        let failed = AnalysisResult.failed(id: "adjusted", kind: "survival", reason: "no events\n")
        let expected = #"""
            {
              "analyses": {
                "adjusted": {
                  "analysis": "survival",
                  "kind": "failed",
                  "reason": "no events\n"
                },
                "relapse": {
                  "baseline": "common",
                  "coef": [{"suppressed": "level-count"}, null],
                  "covariance": [
                    [null, null],
                    [null, null]
                  ],
                  "dropped": 2,
                  "dropped_by_variable": {
                    "arm": 0,
                    "relapsed": 1,
                    "weeks": 2
                  },
                  "events": 18,
                  "hr": [{"suppressed": "level-count"}, null],
                  "iterations": 3,
                  "kind": "cox",
                  "level": 0.95,
                  "log_p": [{"suppressed": "level-count"}, null],
                  "loglik": -41.03261559645838,
                  "loglik_null": -42.72483926276022,
                  "lower": [{"suppressed": "level-count"}, null],
                  "lr_test": {
                    "df": 1,
                    "log_p": -2.7209190482243577,
                    "p": 0.06581424016234029,
                    "statistic": 3.384447332603685
                  },
                  "n": 23,
                  "p": [{"suppressed": "level-count"}, null],
                  "people": 23,
                  "score_test": {
                    "df": 1,
                    "log_p": -2.740492377097736,
                    "p": 0.06453856175894368,
                    "statistic": 3.416734395517303
                  },
                  "se": [{"suppressed": "level-count"}, null],
                  "terms": ["a\"b", "é"],
                  "ties": "efron",
                  "times": "exact",
                  "upper": [{"suppressed": "level-count"}, null],
                  "wald_test": {
                    "df": 1,
                    "log_p": -2.6075508632194033,
                    "p": 0.07371486063904574,
                    "statistic": "-Inf"
                  },
                  "warnings": [],
                  "z": [{"suppressed": "level-count"}, null]
                }
              },
              "dictionary": "aml@1",
              "endpoint": {
                "event": "relapsed",
                "time": "weeks",
                "unit": "week"
              },
              "hash": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
              "policies": {
                "north": "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
                "south": null
              },
              "rounds": 6,
              "sites": ["north", "south"],
              "study": "leukaemia",
              "title": "Maintenance chemotherapy in acute myelogenous leukaemia",
              "warnings": []
            }

            """#
        #expect(try json([failed, .cox(cox)]) == expected)
    }

    /// What a reader of the document declares; JSONDecoder reads numbers exactly, JSONSerialization does not.
    private struct Document: Decodable {
        struct Analyses: Decodable {
            var relapse: Model
            var remission: Curves
        }
        struct Model: Decodable { var hr: [Double], covariance: [[Double]], lr_test: Test }
        struct Test: Decodable { var statistic: Double, df: Int }
        struct Curves: Decodable { var groups: [Group], test: Test }
        struct Group: Decodable {
            var name: String, median: Double, median_upper: Double?, times: [Double], at: [Point]
        }
        struct Point: Decodable { var time: Double, survival: Double, n_risk: Double }
        var analyses: Analyses
    }

    @Test func `every analysis is looked up by its id and every number by its name`() throws {
        let text = try StudyReport(.leukaemia).rendered(as: .json)
        let analyses = try JSONDecoder().decode(Document.self, from: Data(text.utf8)).analyses
        #expect(analyses.relapse.hr == [2.4981053261721411])
        #expect(analyses.relapse.covariance == [[0.26207670209588652]])
        #expect(analyses.relapse.lr_test.df == 1)
        #expect(analyses.remission.test.statistic == 3.3963886989776011)
        let groups = analyses.remission.groups
        #expect(groups.map(\.name) == ["Maintained", "Nonmaintained"])
        #expect(groups.map(\.median) == [31, 23] && groups.allSatisfy { $0.median_upper == nil })
        #expect(groups[1].times == [43, 45])
        #expect(groups[1].at.map(\.survival) == [0.58333333333333337, 0.48611111111111116])
        #expect(groups[1].at.map(\.n_risk) == [8, 5])
    }

    /// RFC 8785, appendix B.
    @Test(
        arguments: [
            (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"), (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"), (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"), (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func `numbers have the canonical form`(bits: UInt64, text: String) throws {
        #expect(try written([Double(bitPattern: bits)]) == [text])
    }

    @Test func `numbers that JSON lacks are named, and there is one zero`() throws {
        #expect(
            try written([0, -0.0, .infinity, -.infinity, .nan]) == [
                "0", "0", "\"Inf\"", "\"-Inf\"", "null",
            ])
    }

    @Test func `a result says which versions made it, if it knows`() throws {
        var result = StudyResult.leukaemia
        #expect(try !StudyReport(result).rendered(as: .json).contains("\"versions\""))
        result.versions = Versions(protocol: 7, engine: 9)
        let json = try StudyReport(result).rendered(as: .json)
        #expect(json.contains("  \"versions\": {\n    \"engine\": 9,\n    \"protocol\": 7\n  },\n"))
        #expect(try StudyReport(result).rendered(as: .text).contains("\nversions    protocol 7, engine 9\n"))
    }

    @Test func `every double reads back bit for bit`() throws {
        var generator = SplitMix64(state: 20_240_229)
        let numbers = (0..<20_000).map { _ in Double(bitPattern: generator.next()) }.filter(\.isFinite)
        let texts = try written(numbers)
        #expect(texts.compactMap { Double($0)?.bitPattern } == numbers.map(\.bitPattern))
        let decoded = try JSONDecoder().decode(
            [Double].self, from: Data("[\(texts.joined(separator: ","))]".utf8))
        #expect(decoded.map(\.bitPattern) == numbers.map(\.bitPattern))
    }

    @Test func `text of any kind reads back`() throws {
        var generator = SplitMix64(state: 7)
        let scalars = (0..<4_000).compactMap { _ in Unicode.Scalar(UInt32(generator.next() % 0x1_1000)) }
        let name =
            String(String.UnicodeScalarView(scalars)) + "\u{0}\u{1}\u{8}\t\n\u{C}\r\u{1F}\u{7F}\"\\/\u{2028}"
        let text = try json([.failed(id: "x", kind: "cox", reason: name)])
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let analyses = try #require(document?["analyses"] as? [String: [String: String]])
        let readBack = try #require(analyses["x"]?["reason"])
        #expect(Array(readBack.unicodeScalars) == Array(name.unicodeScalars))
    }

    /// The order of RFC 8785 section 3.2.3, which is not that of code points.
    @Test func `keys are sorted by UTF-16 code units`() throws {
        let ids = ["\u{20AC}", "\r", "\u{FB33}", "1", "\u{1F600}", "\u{80}", "\u{F6}"]
        let text = try json(ids.map { .failed(id: $0, kind: "cox", reason: "none") })
        let keys = text.split(separator: "\n").filter { $0.hasPrefix("    \"") && $0.hasSuffix("{") }
        #expect(
            keys.map { $0.dropFirst(5).dropLast(4) } == [
                "\\r", "1", "\u{80}", "\u{F6}", "\u{20AC}", "\u{1F600}", "\u{FB33}",
            ])
    }
}

/// A small generator with a fixed seed (Steele, Lea, Flood 2014), so that a failure repeats.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

import Foundation
import Testing

extension EndToEnd {
    /// Models without a maximum, through the built program: R's numbers, and what a change of coordinates must leave alone.
    @Suite
    struct Separation {
        /// File, the columns of its rows, terms, and the coefficients that run to infinity.
        private static let cases: [String: Model] = [
            "reference": Model("reference-level", "g, x", infinite: ["g=B", "g=C", "g=D", "g=E"]),
            "stage": Model("stage", "stage, x", time: "t", event: "d", infinite: ["stage=II", "stage=III"]),
            "cells": Model("cells", "'a*b', x", time: "t", event: "d", infinite: ["a:b"]),
            "late": Model(
                "late-entry", "g, x", endpoint: "start: entry, ", options: ", weights: weight",
                infinite: ["g=B", "g=C", "g=D"]),
            "small": Model("small", "x1, x2", time: "t", event: "d", infinite: ["x1", "x2"]),
            "ordered": Model("ordered", "x1, x2", time: "t", event: "d", infinite: ["x1", "x2"]),
        ]

        private struct Model {
            var file: String
            var terms: String
            var time: String
            var event: String
            var endpoint: String
            var options: String
            var infinite: [String]
            var define = "{}"

            init(
                _ file: String, _ terms: String, time: String = "time", event: String = "died",
                endpoint: String = "", options: String = "", infinite: [String]
            ) {
                (self.file, self.terms, self.time, self.event) = (file, terms, time, event)
                (self.endpoint, self.options, self.infinite) = (endpoint, options, infinite)
            }

            func study(_ baseline: String) -> String {
                let times = baseline == "common" ? ", times: exact" : ""
                return """
                    study: separation
                    dictionary: none@1
                    sites: [a, b]
                    define: \(define)
                    endpoint: {\(endpoint)time: \(time), event: \(event), unit: day}
                    analyses:
                      - cox: {id: m, terms: [\(terms)], baseline: \(baseline)\(times), evaluations: 120\(options)}

                    """
            }
        }

        private func fit(_ model: Model, baseline: String, rows: String? = nil) async throws -> JSON {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try folder.write(model.study(baseline), to: "study.yaml")
            let path = Repository.data("separation/\(model.file).csv")
            try folder.write(try rows ?? String(contentsOfFile: path, encoding: .utf8), to: "rows.csv")
            let outcome = try await run(
                Repository.coxswain,
                ["fit", "study.yaml", "--data", "rows.csv", "--sites", "site", "--format", "json"], in: folder
            )
            return try JSON(text: outcome.succeeded())["analyses"]["m"]
        }

        private static func close(_ found: Double?, _ expected: Double, _ tolerance: Double = 1e-8) -> Bool {
            guard let found else { return false }
            return abs(found - expected) <= tolerance * max(1, abs(expected))
        }

        @Test(arguments: [
            "reference-site", "reference-common", "stage-site", "stage-common", "cells-site", "cells-common",
            "late-site", "late-common", "small-common", "ordered-site",
        ])
        func `likelihood ratios, limits, differences and the finite coefficients are R's`(id: String)
            async throws
        {
            let parts = id.split(separator: "-").map(String.init)
            let model = try #require(Self.cases[parts[0]])
            let expected = try JSON(file: Repository.data("separation/separation.json"))[id]
            let found = try await fit(model, baseline: parts[1])
            let names = found["terms"].elements.compactMap(\.string)
            let logLikelihood = try #require(expected["loglik"].number)
            #expect(Self.close(found["loglik"].number, logLikelihood, 1e-7))
            for (index, name) in names.enumerated() where model.infinite.contains(name) {
                let limit = try #require(expected["limits"][name].number)
                let isUp = limit > 1 || expected["limits"].members.count > 1 && limit > 0.9
                #expect(found["coef"][index].string == (isUp ? "Inf" : "-Inf"), "\(name)")
                #expect(Self.close(found[isUp ? "lower" : "upper"][index].number, limit, 1e-5), "\(name)")
                let ratio = try #require(expected["lr"][name].number)
                #expect(Self.close(found["lr"][index].number, ratio, 1e-7), "\(name)")
                #expect(found["se"][index] == .null && found["z"][index] == .null)
                let whole = try #require(found["lr_test"]["statistic"].number)
                #expect(ratio <= whole + 1e-9, "no coefficient explains more than the model")
            }
            for (index, name) in names.enumerated() where !model.infinite.contains(name) {
                let coefficient = try #require(expected["finite"]["coef"][name].number)
                let error = try #require(expected["finite"]["se"][name].number)
                let difference = try #require(found["coef"][index].number) - coefficient
                #expect(abs(difference) < 1e-5 * error, "\(name)")
                #expect(Self.close(found["se"][index].number, error, 1e-5), "\(name)")
            }
            let differences = found["differences"]["terms"].elements.compactMap(\.string)
            for (name, coefficient) in expected["differences"]["coef"].members {
                let index = try #require(differences.firstIndex { $0.hasPrefix("\(name) against ") })
                let error = try #require(expected["differences"]["se"][name].number)
                let value = try #require(coefficient.number)
                #expect(abs(try #require(found["differences"]["coef"][index].number) - value) < 1e-5 * error)
                #expect(Self.close(found["differences"]["se"][index].number, error, 1e-5))
            }
            #expect(found["wald_test"]["statistic"] == .null)
            let warnings = found["warnings"].elements.compactMap(\.string).filter {
                $0.contains("separation")
            }
            #expect(warnings.count == 1 && model.infinite.allSatisfy { warnings[0].contains($0) })
        }

        /// With level B as reference, A has no event: it alone runs to minus infinity, and the others are the differences.
        @Test(arguments: ["site", "common"])
        func `another reference level moves no number that it should not`(baseline: String) async throws {
            let model = try #require(Self.cases["reference"])
            let path = Repository.data("separation/reference-level.csv")
            let rows = try String(contentsOfFile: path, encoding: .utf8)
            let first = try await fit(model, baseline: baseline)
            let second = try await fit(
                model, baseline: baseline, rows: rows.replacing(",A,", with: ",Z,"))
            #expect(second["terms"].elements.compactMap(\.string) == ["g=C", "g=D", "g=E", "g=Z", "x"])
            #expect(second["coef"][3].string == "-Inf")
            for index in 0..<3 {
                let difference = try #require(first["differences"]["coef"][index].number)
                #expect(Self.close(second["coef"][index].number, difference, 1e-6))
                let error = try #require(first["differences"]["se"][index].number)
                #expect(Self.close(second["se"][index].number, error, 1e-5))
            }
            let x = try #require(first["coef"][4].number)
            #expect(Self.close(second["coef"][4].number, x, 1e-6))
            let logLikelihood = try #require(first["loglik"].number)
            #expect(Self.close(second["loglik"].number, logLikelihood, 1e-8))
            #expect(second["differences"] == .null)
        }

        @Test(arguments: ["reference", "cells", "ordered", "late"], ["site", "common"])
        func `the order of the covariates changes nothing`(id: String, baseline: String) async throws {
            var model = try #require(Self.cases[id])
            if id == "ordered", baseline == "common" { return }
            let first = try await fit(model, baseline: baseline)
            model.terms = model.terms.split(separator: ", ").reversed().joined(separator: ", ")
            let second = try await fit(model, baseline: baseline)
            let names = second["terms"].elements.compactMap(\.string)
            for (index, name) in first["terms"].elements.compactMap(\.string).enumerated() {
                let other = try #require(names.firstIndex(of: name))
                for key in ["coef", "lr", "lower", "upper", "se"] {
                    let (one, two) = (first[key][index], second[key][other])
                    if let value = one.number {
                        #expect(Self.close(two.number, value, 1e-4), "\(key) \(name)")
                    } else {
                        #expect(one == two, "\(key) \(name)")
                    }
                }
            }
        }

        /// File, study, log-likelihood, and a finite coefficient with its standard error.
        private static let hard: [Hard] = [
            // coxph(Surv(len, ev) ~ g + h + x, few, weights = w, control = coxph.control(eps = 1e-13, iter.max = 40))
            Hard(
                "few", "time: len", "g, h, x", ", weights: w", -4.77822083902, "x", -1.928254273, 1.968766308),
            // coxph(Surv(t, ev) ~ g * h + x, crossed, ties = "breslow", control = …)
            Hard(
                "crossed", "time: t", "g, h, 'g:h', x", ", ties: breslow", -11.7938442797, "x", -0.922972284,
                nil),
            // coxph(Surv(t, ev) ~ g * h + x, interaction, control = …)
            Hard(
                "interaction", "time: t", "g, h, 'g:h', x", "", -73.8206876028, "x", -0.09179286696,
                0.269563545),
            // coxph(Surv(t, ev) ~ out, outlier, control = …): one value of 1e6 among those of a unit.
            Hard("outlier", "time: t", "out", "", -502.487068611, "out", -0.02801865316, 0.09339558736),
        ]

        struct Hard: CustomTestStringConvertible, Sendable {
            var file, endpoint, terms, options: String
            var logLikelihood: Double
            var name: String
            var coefficient: Double
            var error: Double?

            init(
                _ file: String, _ endpoint: String, _ terms: String, _ options: String,
                _ logLikelihood: Double,
                _ name: String, _ coefficient: Double, _ error: Double?
            ) {
                (self.file, self.endpoint, self.terms, self.options) = (file, endpoint, terms, options)
                (self.logLikelihood, self.name) = (logLikelihood, name)
                (self.coefficient, self.error) = (coefficient, error)
            }

            var testDescription: String { file }
        }

        private func fit(
            _ file: String, endpoint: String, event: String = "ev", _ analysis: String
        ) async throws -> JSON {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let path = Repository.data("separation/\(file).csv")
            try folder.write(try String(contentsOfFile: path, encoding: .utf8), to: "rows.csv")
            try folder.write(
                """
                study: separation
                endpoint: {\(endpoint), event: \(event) == 1, unit: day}
                analyses:
                  - cox: {id: m, \(analysis)}

                """, to: "study.yaml")
            let sites = file == "outlier" ? [] : ["--sites", "site"]
            let outcome = try await run(
                Repository.coxswain,
                ["fit", "study.yaml", "--data", "rows.csv", "--format", "json"] + sites, in: folder)
            return try JSON(text: outcome.succeeded())["analyses"]["m"]
        }

        /// Few events in many cells, steps along directions that have lost all information: no number may come of rounding.
        @Test(arguments: hard)
        func `under one baseline the fit is R's where directions have lost all information`(_ hard: Hard)
            async throws
        {
            let found = try await fit(
                hard.file, endpoint: hard.endpoint,
                "terms: [\(hard.terms)], baseline: common, times: exact\(hard.options)")
            #expect(Self.close(found["loglik"].number, hard.logLikelihood, 1e-7))
            let index = try #require(found["terms"].elements.firstIndex { $0.string == hard.name })
            #expect(Self.close(found["coef"][index].number, hard.coefficient, 1e-5))
            if let error = hard.error { #expect(Self.close(found["se"][index].number, error, 1e-5)) }
        }

        /// x and its interactions can be shifted against each other where the reference level has no event: likelihood ratio 0.
        @Test
        func `a coefficient of which nothing is known has no sign, and the warning says so`() async throws {
            let found = try await fit(
                "flat", endpoint: "start: start, time: stop", "terms: [g, x, 'g:x', strata(s)], weights: w")
            for (index, name) in found["terms"].elements.compactMap(\.string).enumerated() {
                if name.contains("x") {
                    #expect(found["coef"][index] == .null && found["lower"][index].number == 0, "\(name)")
                    #expect(found["upper"][index].string == "Inf" && found["p"][index].number == 1, "\(name)")
                } else {
                    #expect(found["coef"][index].string == "Inf", "\(name)")
                    let p = try #require(found["p"][index].number)
                    #expect(p < 0.04, "\(name)")
                }
            }
            let warnings = found["warnings"].elements.compactMap(\.string)
            #expect(warnings.contains { $0.hasPrefix("the coefficients of g=b, g=c, g=d run together") })
            #expect(
                warnings.contains {
                    $0.hasPrefix("nothing is known of the coefficients of x, g=b:x, g=c:x, g=d:x")
                })
        }

        @Test
        func `a robust variance beside separation is not said to have too few clusters`() async throws {
            let found = try await fit(
                "flat", endpoint: "start: start, time: stop", "terms: [g, x], robust: true")
            #expect(
                !found["warnings"].elements.compactMap(\.string).contains { $0.contains("too few clusters") })
        }

        /// R's numbers are those of the rows E whose stage is not I.
        ///
        /// coxph(Surv(t, d) ~ (stage + x) * strata(site), E, init = c(coef(f0), rep(0, 6)), iter.max = 0)
        /// has score 4.32124466199 on 6 more coefficients than f0, and cox.zph(f0, "identity") 5.796990248 on 2 and 10.783533905 on 3.
        @Test
        func `tests leave directions of separation out`() async throws {
            let found = try await fit(
                "sites", endpoint: "time: t", event: "d",
                "terms: [stage, x], heterogeneity: true, check: proportional-hazards, transform: identity")
            let global = found["heterogeneity"]["global"]
            #expect(
                global["df"].number == 6 && Self.close(global["statistic"].number, 4.32124466199, 1e-6),
                "\(global)")
            let coefficients = found["heterogeneity"]["statistic"].elements
            #expect(coefficients.prefix(3).allSatisfy { $0 == .null } && coefficients[3].number != nil)
            let check = found["zph"]
            #expect(check["global"]["df"].number == 3, "\(check)")
            #expect(Self.close(check["global"]["statistic"].number, 10.783533905, 1e-6))
        }

        /// Risk sets of late entries are differences: with risk scores that span e²⁰ their digits must not be lost.
        @Test
        func `late entry beside three directions of separation has a fit at each site`() async throws {
            let found = try await fit(
                "late-wide", endpoint: "start: s, time: t",
                "terms: [g, h, 'g:h', x], ties: breslow, weights: w, evaluations: 80")
            // coxph(Surv(s, t, ev) ~ g * h + x + strata(site), late-wide, weights = w, ties = "breslow", control = …)
            #expect(Self.close(found["loglik"].number, -25.4111872080, 1e-7))
        }

        /// u = x1 + x2 and v = x1 − x2 span what x1 and x2 do: the same supremum, and one model's tests.
        @Test
        func `a rotation of the covariates leaves the model what it is`() async throws {
            let model = try #require(Self.cases["small"])
            var rotated = model
            (rotated.terms, rotated.define) = ("u, v", "{u: x1 + x2, v: x1 - x2}")
            let first = try await fit(model, baseline: "common")
            let second = try await fit(rotated, baseline: "common")
            for test in ["lr_test", "score_test"] {
                let statistic = try #require(first[test]["statistic"].number)
                #expect(Self.close(second[test]["statistic"].number, statistic, 1e-6), "\(test)")
            }
            #expect(second["coef"].elements.contains { $0.string == "Inf" })
        }
    }
}

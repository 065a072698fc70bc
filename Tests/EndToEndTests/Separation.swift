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

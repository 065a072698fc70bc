import Foundation
import Testing

extension EndToEnd {
    /// Designs on which an iteration can go wrong: one site's `baseline: common` with exact times is its `baseline: site`, which
    /// another iteration finds, on sums of another kind.
    @Suite
    struct HardFits {
        /// Terms by name, over columns that a marker, an age and a year make.
        private static let terms = [
            "spline": "'rcs(marker, 0.2, 2.7, 17.9, 427.2)', age",
            "crp": "'rcs(crp, 0.5, 2, 5, 11, 40)'",
            "product": "'marker * age'",
            "logarithms": "log1, log2, log3",
            "cubic": "year, year2, year3",
            "collinear": "age, nearly",
        ]

        /// How far standard errors may lie apart, by what rounding takes from the smallest eigenvalue of such an information.
        ///
        /// Of a cubic in the year R's own are off by 7e-4, as those of the centred cubic show.
        private static let lost = ["spline": 1e-5, "collinear": 3e-5, "cubic": 2e-2]

        @Test(arguments: ["spline", "crp", "product", "logarithms", "cubic", "collinear"])
        func `one baseline for all converges wherever a baseline for each site does`(name: String)
            async throws
        {
            let terms = try #require(Self.terms[name])
            let found = try await fit("{terms: [\(terms)]", "}", "{terms: [\(terms)]", ", times: exact}")
            let (site, common) = (found["site"], found["common"])
            try #require(common["kind"].string == "cox", "\(common["reason"])")
            for index in site["coef"].elements.indices {
                let coefficient = try #require(site["coef"][index].number)
                let error = try #require(site["se"][index].number)
                #expect(abs(try #require(common["coef"][index].number) - coefficient) < 1e-6 * error)
                let ratio = try #require(common["se"][index].number) / error
                #expect(abs(ratio - 1) < Self.lost[name, default: 1e-6], "\(ratio - 1)")
            }
            let taken = try #require(common["iterations"].number)
            #expect(taken <= 2 * (try #require(site["iterations"].number)) + 4)
        }

        /// What all offsets share cancels; what an offset adds for a row does not.
        @Test(arguments: [-700.0, -100, -35, 0, 40, 700])
        func `an offset's constant changes nothing`(constant: Double) async throws {
            let offset = "'offset(0.02 * age + \(constant))'"
            let found = try await fit(
                "{terms: [year, 'offset(0.02 * age)']", "}", "{terms: [year, \(offset)]", ", times: exact}")
            let (site, common) = (found["site"], found["common"])
            try #require(common["kind"].string == "cox", "\(common["reason"])")
            for key in ["coef", "se", "loglik"] {
                let expected = key == "loglik" ? site[key] : site[key][0]
                let number = (key == "loglik" ? common[key] : common[key][0]).number
                let value = try #require(expected.number)
                #expect(abs(try #require(number) / value - 1) < 1e-9, "\(key)")
            }
        }

        private func fit(
            _ site: String, _ siteOptions: String, _ common: String, _ commonOptions: String
        ) async throws -> JSON {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try folder.write(
                """
                study: hard
                dictionary: none@1
                sites: [a]
                endpoint: {time: time, event: died, unit: day}
                define:
                  log1: log(marker)
                  log2: 'log(marker) * log(marker)'
                  log3: 'log(marker) * log(marker) * log(marker)'
                  year2: year * year
                  year3: year * year * year
                analyses:
                  - cox: \(site.replacing("{terms", with: "{id: site, baseline: site, terms"))\(siteOptions)
                  - cox: \(common.replacing("{terms", with: "{id: common, baseline: common, terms"))\(commonOptions)

                """, to: "study.yaml")
            try folder.write(Self.rows, to: "rows.csv")
            let outcome = try await run(
                Repository.coxswain, ["fit", "study.yaml", "--data", "rows.csv", "--format", "json"],
                in: folder)
            return try JSON(text: outcome.output)["analyses"]
        }

        /// 600 rows from a seed: a marker as skewed as alpha-fetoprotein, one as CRP, an age and nearly the same again.
        private static let rows: String = {
            var state: UInt64 = 20_261_201
            func uniform() -> Double {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (Double(state >> 11) + 0.5) * 0x1p-53
            }
            func normal() -> Double { (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform()) }
            var lines = ["time,died,marker,crp,age,nearly,year"]
            for _ in 0..<600 {
                let (marker, crp) = (exp(1.5 + 2.5 * normal()), exp(1.6 + 1.2 * normal()))
                let age = 60 + 10 * normal()
                let nearly = age + 0.0001 * normal()
                let year = Int(1985 + 20 * uniform())
                let hazard = 0.004 * exp(0.25 * log(marker) + 0.2 * log(crp) + 0.02 * (age - 60))
                let time = Int(-log(uniform()) / hazard) + 1
                let censored = Int(900 * uniform()) + 1
                lines.append(
                    "\(min(time, censored)),\(time <= censored ? 1 : 0),\(marker),\(crp),\(age),\(nearly),\(year)"
                )
            }
            return lines.joined(separator: "\n") + "\n"
        }()
    }
}

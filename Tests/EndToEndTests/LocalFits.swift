import Foundation
import Testing

extension EndToEnd {
    /// `coxswain fit` on one file, in parts or whole, gives what the federation gives.
    @Suite
    struct LocalFits {
        @Test(arguments: ["lung", "bmt"])
        func `a fit on a file cut by a column is the federation's result, digit for digit`(name: String)
            async throws
        {
            let scenario = try name == "lung" ? Scenario.lung() : Scenario.boneMarrow()
            try await Consortium.with(scenario) { consortium in
                let federated = try JSON(text: try await consortium.runStudy())
                let csv = try consortium.writeStacked(scenario.siteNames)
                let local = try await fit(csv, ["--sites", "site"], consortium)
                #expect(federated["analyses"].differences(from: local["analyses"], tolerance: 0) == [])
                #expect(Set(local["sites"].elements) == Set(federated["sites"].elements))
                #expect(local["rounds"] == federated["rounds"])
                #expect(local["policies"].members.values.allSatisfy { $0 == .null }, "no rule was applied")
                // A study without a row of its own for each site has one baseline hazard, and all pairs, anyway.
                let whole = try await fit(csv, [], consortium)
                let common = federated["analyses"].members.filter {
                    $0.value["baseline"] != .string("site") && $0.value["pairs"] != .string("within-site")
                }
                #expect(common.count > 1)
                let differences = JSON.object(common).differences(from: whole["analyses"], tolerance: 1e-9)
                // It takes fewer or more steps to the same maximum: rounding differs with the order of the rows.
                #expect(differences.filter { !$0.contains("/iterations:") } == [])
            }
        }

        @Test
        func `text, JSON and CSV say the same, from the coordinator and from a file`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let json = try JSON(text: try await consortium.runStudy())["analyses"]
                let csv = try await consortium.results(format: "csv")
                let text = try await consortium.results(format: "text")
                let values = try csvValues(csv)
                let model = json["site-baseline"]
                for (index, term) in model["terms"].elements.enumerated() {
                    let name = try #require(term.string)
                    for statistic in ["coef", "se", "z", "p", "hr", "lower", "upper"] {
                        let number = try #require(model[statistic][index].number)
                        #expect(values["site-baseline|\(name)|\(statistic)"] == number)
                    }
                    let ratio = try #require(model["hr"][index].number)
                    #expect(text.contains(name) && text.contains(String(format: "%.3f", ratio)))
                }
                #expect(text.contains("A brief study\n============="))
                #expect(text.contains("4: site-1 (policy "))
                #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
                let stacked = try consortium.writeStacked(consortium.scenario.siteNames)
                let local = try await consortium.coxswain(
                    fitArguments(
                        stacked, ["--sites", "site", "--format", "csv", "--dictionary", "dictionary.yaml"]))
                #expect(try local.succeeded() == csv)
            }
        }

        /// R's numbers do not depend on what a hospital calls its columns.
        @Test
        func `a file without a dictionary is read by guessing, and says so`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try folder.write(
                """
                study: guessed
                title: A file as it is
                dictionary: none@1
                sites: [here]
                endpoint: {time: time, event: died, unit: day}
                define: {died: status == 2, sex2: sex == 2}
                analyses:
                  - cox: {id: common, terms: [age, sex2, ph.ecog], baseline: site}

                """, to: "study.yaml")
            let rows = try String(contentsOfFile: Repository.data("lung.csv"), encoding: .utf8).split(
                separator: "\n")
            // The one patient of unknown institution is in no site's file, and not in R's numbers.
            let institution = try #require(rows[0].split(separator: ",").firstIndex { $0.contains("inst") })
            let known = rows.filter { row in
                let cell = row.split(separator: ",", omittingEmptySubsequences: false)[institution]
                return !cell.isEmpty && cell != "NA"
            }
            try folder.write(known.joined(separator: "\n") + "\n", to: "lung.csv")
            let outcome = try await run(
                Repository.coxswain, ["fit", "study.yaml", "--data", "lung.csv", "--format", "json"],
                in: folder)
            let found = try JSON(text: outcome.succeeded())["analyses"]["common"]
            #expect(outcome.error.contains("coxswain: note: no dictionary none@1 was found"))
            let expected = try JSON(file: Repository.data("expected.json"))["studies"]["lung"][
                "age-sex-ecog-common"]
            for key in [
                "n", "events", "coef", "se", "z", "p", "lower", "upper", "loglik_null", "loglik", "wald_test",
            ] {
                #expect(expected[key].differences(from: found[key], tolerance: 1e-9, at: key) == [])
            }
        }

        private func fitArguments(_ csv: String, _ options: [String]) -> [String] {
            ["fit", "study.yaml", "--data", csv] + options
        }

        private func fit(_ csv: String, _ options: [String], _ consortium: Consortium) async throws -> JSON {
            let format = ["--format", "json", "--dictionary", "dictionary.yaml"]
            return try JSON(
                text: try await consortium.coxswain(fitArguments(csv, options + format)).succeeded())
        }

        /// `analysis|term|statistic` to value, of lines with a term and without a group.
        private func csvValues(_ text: String) throws -> [String: Double] {
            var values: [String: Double] = [:]
            for line in text.components(separatedBy: "\r\n").dropFirst()
            where !line.contains("\"") && !line.isEmpty {
                let fields = line.components(separatedBy: ",")
                try #require(fields.count == 7)
                if fields[2].isEmpty, let value = Double(fields[6]) {
                    values["\(fields[0])|\(fields[3])|\(fields[5])"] = value
                }
            }
            return values
        }
    }
}

import Foundation
import Testing

extension EndToEnd {
    /// Numbers of whole studies, over real TLS from four hospitals' files, against R on the stacked rows.
    ///
    /// R's numbers are in `Data/expected.json`; `Data/expected.R` makes them and the versions stand in it.
    @Suite
    struct AgreementWithR {
        static let tolerance = 1e-9

        @Test
        func `every number of the lung study is R's`() async throws {
            try await compare(try Scenario.lung())
        }

        @Test
        func `every number of the bone-marrow study is R's, with two hospitals below the usual limits`()
            async throws
        {
            let reports = try await compare(try Scenario.boneMarrow())
            let expected = try JSON(file: Repository.data("expected.json"))["studies"]["bmt"]
            try requireGray(["causes-by-group", "causes-by-fab"], of: expected, in: reports)
            try requireConcordances(["older-patients", "ages-within-group"], of: expected, in: reports)
        }

        @Test
        func `the demo gives every number of R and every published figure to its last digit`() async throws {
            let csv = try await compare(try Scenario.demo()).roundedCSV
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try folder.write(csv, to: "results.csv")
            let table = try await run(
                "awk", ["-f", "\(Repository.root)/Deploy/paper-table", "results.csv"], in: folder)
            let published = try table.succeeded().split(separator: "\n").compactMap {
                PublishedFigures(String($0))
            }
            #expect(published.count == 9)
            for row in published {
                // The paper rounds p = 0.00076 to three decimals; in the report's words it is below 0.001.
                let figures = row.figures.map { $0 == "p = 0.001" ? "p < 0.001" : $0 }
                #expect(figures.allSatisfy(row.here.contains), "\(row)")
            }
        }

        /// A line of `Deploy/paper-table` that has figures to compare.
        struct PublishedFigures {
            let what: String
            /// Such as "0.591 (0.436-0.803)" or "p < 0.001".
            let figures: [String]
            let here: String

            /// Columns are two spaces or more apart; nil for headings and for rows without published figures.
            init?(_ line: String) {
                let cells = line.replacing(#/ {2,}/#, with: "\t").split(
                    separator: "\t", omittingEmptySubsequences: false)
                guard cells.count == 3, !cells[0].isEmpty else { return nil }
                (what, here) = (String(cells[0]), String(cells[2]))
                figures = cells[1].components(separatedBy: ", ")
            }
        }

        @discardableResult
        private func compare(_ scenario: Scenario) async throws -> Reports {
            let expected = try JSON(file: Repository.data("expected.json"))["studies"][scenario.name]
            return try await Consortium.with(scenario) { consortium in
                let found = try JSON(text: try await consortium.runStudy())
                let differences = expected.differences(from: found["analyses"], tolerance: Self.tolerance)
                #expect(differences == [])
                #expect(Set(expected.members.keys) == Set(found["analyses"].members.keys))
                #expect(found["sites"].elements.map(\.string) == scenario.siteNames)
                #expect(expected.numberCount > 1000)
                return try await Reports(
                    csv: consortium.results(format: "csv"),
                    roundedCSV: consortium.results(format: "csv", roundingP: true),
                    text: consortium.results(format: "text"))
            }
        }

        // MARK: Reports of tests of incidences and of concordances

        /// A study's results, to read by a program and by a person.
        private struct Reports: Sendable {
            let csv: String
            let roundedCSV: String
            let text: String

            /// The number of the only line with these cells before the value.
            func number(_ cells: String) throws -> Double {
                let lines = csv.components(separatedBy: "\r\n").filter { $0.hasPrefix("\(cells),") }
                try #require(lines.count == 1, "\(cells)")
                return try #require(Double(lines[0].dropFirst(cells.count + 1)), "\(cells)")
            }

            /// The words of an analysis, line by line.
            func words(about id: String) throws -> [[String]] {
                let lines = text.components(separatedBy: "\n")
                let start = try #require(lines.firstIndex { $0.hasPrefix("\(id): ") })
                let underline = lines.index(start, offsetBy: 2)
                let end = lines[underline...].firstIndex { $0.hasPrefix("---") } ?? lines.endIndex
                return lines[start..<end].map { $0.split(separator: " ").map(String.init) }
            }
        }

        private func requireClose(_ found: Double, _ expected: JSON, _ what: String) throws {
            let differences = expected.differences(from: .number(found), tolerance: Self.tolerance, at: what)
            #expect(differences == [])
        }

        private func requireGray(_ ids: [String], of expected: JSON, in reports: Reports) throws {
            for id in ids {
                let (test, lines) = (expected[id]["test"], try reports.words(about: id))
                for (index, cause) in test["causes"].elements.compactMap(\.string).enumerated() {
                    let place = "\(id),incidence,,\(cause),,gray"
                    for (key, suffix) in [("statistic", ""), ("df", "_df"), ("p", "_p"), ("log_p", "_log_p")]
                    {
                        try requireClose(try reports.number(place + suffix), test[key][index], place + suffix)
                    }
                    let statistic = try #require(test["statistic"][index].number)
                    let p = try #require(test["p"][index].number)
                    let row = lines.first {
                        $0.count == 4 && $0[0] == cause && $0[1] == String(format: "%.2f", statistic)
                    }
                    #expect(row.flatMap { Double($0[2]) } == test["df"][index].number, "\(place)")
                    #expect(abs((row.flatMap { Double($0[3]) } ?? .nan) / p - 1) < 0.05, "\(place)")
                }
            }
            #expect(try reports.number("causes-by-fab,incidence,,,,rho") == 1)
            #expect(reports.csv.contains("causes-by-fab,incidence,,,,strata,mtx\r\n"))
            #expect(reports.text.contains("\nGray's test of the groups within mtx, weight (1 - F(t))^1   "))
            #expect(reports.text.contains("\nGray's test of the groups   "))
        }

        private func requireConcordances(_ ids: [String], of expected: JSON, in reports: Reports) throws {
            let names = [
                ("c", "concordance"), ("se", "concordance_se"), ("lower", "concordance_lower"),
                ("upper", "concordance_upper"), ("concordant", "concordance_concordant"),
                ("discordant", "concordance_discordant"), ("tied_x", "concordance_tied_x"),
                ("tied_y", "concordance_tied_y"), ("tied_xy", "concordance_tied_xy"),
            ]
            for id in ids {
                for (key, name) in names {
                    let place = "\(id),concordance,,,,\(name)"
                    try requireClose(try reports.number(place), expected[id][key], place)
                }
                let numbers = try ["c", "se", "lower", "upper"].map {
                    String(format: "%.3f", try #require(expected[id][$0].number))
                }
                let words = try reports.words(about: id).flatMap { $0 }.joined(separator: " ")
                #expect(
                    words.contains(
                        "Concordance \(numbers[0]) (se \(numbers[1]), 95% CI \(numbers[2]) to \(numbers[3])) of "
                    ))
            }
            #expect(reports.csv.contains("ages-within-group,concordance,,,,concordance_weight,S/G\r\n"))
            #expect(reports.text.contains("Pairs are formed within group."))
        }
    }
}

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
            try await compare(try Scenario.boneMarrow())
        }

        @Test
        func `the demo gives every number of R and every published figure to its last digit`() async throws {
            let csv = try await compare(try Scenario.demo())
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try folder.write(csv, to: "results.csv")
            let table = try await run(
                "awk", ["-f", "\(Repository.root)/Deploy/paper-table", "results.csv"], in: folder)
            let published = try table.succeeded().split(separator: "\n").compactMap {
                PublishedFigures(String($0))
            }
            #expect(published.count == 9)
            for row in published { #expect(row.figures.allSatisfy(row.here.contains), "\(row)") }
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
        private func compare(_ scenario: Scenario) async throws -> String {
            let expected = try JSON(file: Repository.data("expected.json"))["studies"][scenario.name]
            return try await Consortium.with(scenario) { consortium in
                let found = try JSON(text: try await consortium.runStudy())
                let differences = expected.differences(from: found["analyses"], tolerance: Self.tolerance)
                #expect(differences == [])
                #expect(Set(expected.members.keys) == Set(found["analyses"].members.keys))
                #expect(found["sites"].elements.map(\.string) == scenario.siteNames)
                #expect(expected.numberCount > 1000)
                return try await consortium.results(format: "csv")
            }
        }
    }
}

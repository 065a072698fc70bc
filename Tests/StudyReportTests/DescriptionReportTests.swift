import StudyReport
import Survival
import Testing

/// A table of the patients, and a concordance, in the three formats.
@Suite struct DescriptionReportTests {
    private static let withheld = Reported.suppressed(rule: "smallest-cell")

    /// Made-up numbers that are easy to tell apart.
    private static let table = DescriptionResult(
        id: "table-1",
        counts: CohortCounts(rows: 50, people: 50, events: 30, dropped: 0, droppedByVariable: [:]),
        by: "arm", groups: ["A", "B"], smallestCell: 10, people: [50, 20, 30],
        variables: [
            .init(
                name: "age", label: "age at diagnosis", unit: "year", known: [49, 20, 29],
                missing: [1, 0, 1],
                summary: .number(
                    .init(
                        mean: [.value(57.25), .value(5), .notAvailable],
                        sd: [.value(10.5), .value(0.25), withheld],
                        quartiles: .init(
                            lower: [.value(50), .value(4), withheld],
                            median: [.value(57.5), .value(5), withheld],
                            upper: [.value(64), .value(6), withheld], bins: [0, 50, 120.5]))),
                difference: .value(0.375),
                comparisons: [
                    .init(
                        test: .welch, statistic: .value(-2.5), degreesOfFreedom: [.value(38.5)],
                        p: .value(0.0168), logP: .value(-4.086)),
                    .init(
                        test: .wilcoxon, statistic: .value(225), degreesOfFreedom: [], p: .value(0.25),
                        logP: .value(-1.386)),
                ]),
            .init(
                name: "frail", label: nil, unit: nil, known: [50, 20, 30], missing: [0, 0, 0],
                summary: .levels([
                    .init(
                        name: "no", label: nil, counts: [.value(38), withheld, withheld],
                        shares: [.value(0.76), withheld, withheld]),
                    .init(
                        name: "yes", label: nil, counts: [.value(12), withheld, withheld],
                        shares: [.value(0.24), withheld, withheld]),
                ]), difference: withheld,
                comparisons: [
                    .init(
                        test: .chiSquared, statistic: withheld, degreesOfFreedom: [withheld], p: withheld,
                        logP: withheld)
                ]),
        ], warnings: [])

    private static func rendered(_ format: ReportFormat, _ table: DescriptionResult) throws -> String {
        try StudyReport(.leukaemia([.describe(table)])).rendered(as: format)
    }

    @Test func `a table reads as in a paper`() throws {
        let expected = """
            table-1: the patients, by arm
            -----------------------------
            50 rows of 50 people, 30 events.
            No row was left out for a missing value.

            by arm                                                   all                     A    B    SMD       p
            people                                                    50                    20   30
            age at diagnosis (year): mean (SD)               57.2 (10.5)           5.00 (0.25)   NA   0.38   0.017
            age at diagnosis (year): median (quartiles)   57.5 (50.0 to 64.0)   5.00 (4.00 to 6.00)    *          0.250
            age at diagnosis (year): missing                           1                     0    1
            frail: yes                                        12 (24.0%)                     *    *      *       *
            Each person is counted once; shares are of those whose value is known.
            SMD: standardised difference. p: Welch's t-test of means, Wilcoxon's rank-sum test, Pearson's chi-squared test of shares.
            Quartiles and ranks of age are from counts in bins that end at 0, 50, 120.5.
            * withheld (rule smallest-cell): fewer than 10 people, or such a number could be worked out from it.
            """
        let text = try Self.rendered(.text, Self.table)
        // Columns and line breaks apart.
        func words(_ text: String) -> String {
            text.split { $0.isWhitespace }.joined(separator: " ")
        }
        #expect(words(text).contains(words(expected)))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test func `in JSON arrays go by column, and what is withheld names its rule`() throws {
        let text = try Self.rendered(.json, Self.table)
        for part in [
            #""kind": "describe""#, #""by": "arm""#, #""groups": ["A", "B"]"#, #""smallest_cell": 10"#,
            #""column_people": [50, 20, 30]"#, #""missing": [1, 0, 1]"#, #""label": "age at diagnosis""#,
            #""mean": [57.25, 5, null]"#, #""sd": [10.5, 0.25, {"suppressed": "smallest-cell"}]"#,
            #""median": [57.5, 5, {"suppressed": "smallest-cell"}]"#, #""bins": [0, 50, 120.5]"#,
            #""smd": 0.375"#, #""name": "welch-t""#, #""df": [38.5]"#, #""df": []"#,
            #""n": [38, {"suppressed": "smallest-cell"}, {"suppressed": "smallest-cell"}]"#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test func `in CSV each number has a line, with group and term`() throws {
        let lines = try Self.rendered(.csv, Self.table).split(separator: "\r\n").map(String.init)
        for line in [
            "table-1,describe,,,,column_people,50", "table-1,describe,B,,,column_people,30",
            "table-1,describe,A,age,,mean,5", "table-1,describe,,age,,q3,64",
            "table-1,describe,B,age,,sd,suppressed:smallest-cell", "table-1,describe,,age,,welch-t,-2.5",
            "table-1,describe,,age,,welch-t_df,38.5", "table-1,describe,,age,,wilcoxon_p,0.25",
            "table-1,describe,A,frail=yes,,n,suppressed:smallest-cell",
            "table-1,describe,,frail=yes,,share,0.24",
            "table-1,describe,,frail,,chi-squared_log_p,suppressed:smallest-cell",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test func `without groups there is one column and nothing is compared`() throws {
        var table = Self.table
        (table.by, table.groups, table.people) = (nil, [], [50])
        table.variables = [
            .init(
                name: "age", label: nil, unit: nil, known: [50], missing: [0],
                summary: .number(.init(mean: [.value(57)], sd: [.value(9)], quartiles: nil)),
                difference: nil, comparisons: [])
        ]
        let text = try Self.rendered(.text, table)
        #expect(text.contains("age: mean (SD)   57.0 (9.00)"))
        #expect(!text.contains("SMD") && !text.contains("*"))
        #expect(try !Self.rendered(.json, table).contains("\"smd\""))
    }

    @Test func `a row without a number for each group is refused as damaged`() {
        var table = Self.table
        table.variables[0].known = [49]
        #expect(
            throws: ReportError.incoherent(
                id: "table-1", part: "its row age has not one number for each group")
        ) {
            _ = try Self.rendered(.text, table)
        }
    }

    // MARK: - Concordance

    @Test func `a concordance says in each format that its pairs are within sites`() throws {
        var cox = CoxResult.leukaemia
        cox.concordance = ConcordanceEstimate(
            counts: [60, 20, 20, 1, 0], squares: [100, 10, 50],
            options: ConcordanceOptions(weight: .uno, timeMax: 30))
        func rendered(_ format: ReportFormat) throws -> String {
            try StudyReport(.leukaemia([.cox(cox)])).rendered(as: format)
        }
        // C = (0.4 + 1)/2; se = sqrt(100 - 2*0.4*10 + 0.16*50)/200.
        #expect(
            try rendered(.text).replacing("\n", with: " ").contains(
                "Concordance 0.700 (se 0.050) of 100 pairs within sites, time weight n/G2, to 30; pairs of two sites are not formed."
            ))
        let json = try rendered(.json)
        #expect(json.contains(#""pairs": "within-site""#) && json.contains(#""c": 0.7"#))
        #expect(json.contains(#""weight": "n/G2""#) && json.contains(#""ymax": 30"#))
        let csv = try rendered(.csv)
        #expect(csv.contains("relapse,cox,,,,concordance,0.7\r\n"))
        #expect(csv.contains("relapse,cox,,,,concordance_pairs,within-site\r\n"))
        #expect(csv.contains("relapse,cox,,,,concordance_tied_y,1\r\n"))
        cox.concordance = nil
        #expect(try !rendered(.json).contains("concordance"))
    }
}

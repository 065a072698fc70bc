import ReferenceStudies
import Testing

@testable import Survival

/// Rows of one person that overlap in time.
struct OverlappingRowsTests {
    private struct Row {
        var person: Int32
        var entry: Double
        var exit: Double
    }

    private func search(_ rows: [Row], hasEntry: Bool = true) throws -> OverlapSearch {
        let table = PatientTable(rowCount: rows.count, person: rows.map(\.person), columns: [:])
        return try OverlapSearch(rows: Array(rows.indices), of: table) { () throws(ScopeError) in
            (hasEntry ? rows.map(\.entry) : nil, rows.map(\.exit))
        }
    }

    @Test func `rows one after the other do not overlap, whatever their order in the file`() throws {
        let rows = [
            Row(person: 0, entry: 5, exit: 9), Row(person: 1, entry: 0, exit: 4),
            Row(person: 0, entry: 0, exit: 5), Row(person: 0, entry: 12, exit: 20),
        ]
        #expect(try search(rows).laterRows == [])
        #expect(try search(rows).peopleCount == 0)
    }

    @Test func `duplicates, rows inside others and rows that begin before another ends overlap`() throws {
        let rows = [
            Row(person: 0, entry: 0, exit: 5), Row(person: 0, entry: 0, exit: 5),
            Row(person: 1, entry: 0, exit: 9), Row(person: 1, entry: 2, exit: 3),
            Row(person: 1, entry: 4, exit: 6),
            Row(person: 2, entry: 3, exit: 8), Row(person: 2, entry: 1, exit: 4),
        ]
        let found = try search(rows)
        #expect(found.laterRows == [1, 3, 4, 5])
        #expect(found.peopleCount == 3)
    }

    @Test func `times that differ by rounding only do not overlap`() throws {
        let end = 0.1 + 0.2
        #expect(
            try search([Row(person: 0, entry: 0, exit: end), Row(person: 0, entry: 0.3, exit: 1)]).laterRows
                == [])
        #expect(
            try search([Row(person: 0, entry: 0, exit: 0.3001), Row(person: 0, entry: 0.3, exit: 1)])
                .laterRows == [1])
    }

    @Test func `without an entry any two rows of a person overlap`() throws {
        let rows = [
            Row(person: 0, entry: 0, exit: 5), Row(person: 0, entry: 5, exit: 9),
            Row(person: 1, entry: 0, exit: 1),
        ]
        #expect(try search(rows, hasEntry: false).laterRows == [1])
    }

    /// Against all pairs of rows: what is kept never overlaps, and what is left out overlaps with something that is kept.
    @Test func `what is kept of random rows does not overlap, and what is left out does`() throws {
        var generator = SeededGenerator(341)
        for _ in 0..<200 {
            let rows = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                let entry = Double(Int.random(in: 0...10, using: &generator))
                return Row(
                    person: Int32.random(in: 0...2, using: &generator), entry: entry,
                    exit: entry + Double(Int.random(in: 1...4, using: &generator)))
            }
            let later = try search(rows).laterRows
            func overlap(_ a: Int, _ b: Int) -> Bool {
                rows[a].person == rows[b].person && rows[a].entry < rows[b].exit
                    && rows[b].entry < rows[a].exit
            }
            let kept = rows.indices.filter { !later.contains($0) }
            for (place, row) in kept.enumerated() {
                let overlaps = kept[..<place].contains { overlap($0, row) }
                #expect(!overlaps)
            }
            for row in later {
                let overlaps = kept.contains { overlap($0, row) }
                #expect(overlaps)
            }
        }
    }
}

/// What formulas use names for.
struct NameUsesTests {
    @Test func `names are numbers or conditions by where they stand`() {
        let uses = NameUses(
            [
                ("months / 12", .number), ("died and not (lost == true) or stage == \"II\"", .condition),
                ("late", .condition), ("log(crp) + size", .open), ("grade in [1, 2]", .open),
                ("age >= 60", .open),
                ("(", .condition),
            ], definitions: [("late", "arrived"), ("size", "width")])
        #expect(uses.numbers == ["months", "crp", "grade", "age", "width"])
        #expect(uses.conditions == ["died", "lost", "arrived"])
    }

    /// `stage*age` in a list of terms is an interaction; in parentheses, and anywhere else, a product of numbers.
    @Test(
        arguments: [
            ("stage*age", [], []), ("stage : age", [], []), ("a*b:c * d", [], []),
            ("stage*(age > 60)", ["age"], []),
            ("stage*(height * weight)", ["height", "weight"], []), ("stage*log(crp)", ["crp"], []),
            ("late*age", [], []), ("strata(ward)", [], ["ward"]), ("strata(ward, sex)", [], ["ward", "sex"]),
            ("strata(age > 60)", ["age"], []), ("cluster(person)", [], ["person"]),
            ("offset(log(n))", ["n"], []),
            ("offset(n)", ["n"], []), ("rcs(crp, 4) * stage", ["crp"], []), ("a + b", [], []),
            ("a *", [], []),
        ] as [(String, [String], [String])])
    func `a term says of its parts no more than each of them does`(
        _ term: String, _ numbers: [String], _ categories: [String]
    ) {
        let uses = NameUses([(term, .term)], definitions: [("late", "arrived")])
        #expect(uses.numbers == Set(numbers) && uses.categories == Set(categories))
        #expect(uses.conditions == [])
    }
}

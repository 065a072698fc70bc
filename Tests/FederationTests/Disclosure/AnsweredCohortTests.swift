import Federation
import ReferenceStudies
import Testing

/// Sets of rows as a node remembers them, and what makes two of them too alike.
struct AnsweredCohortTests {
    private static func numbers(_ set: RowSet) -> [Int] {
        var numbers: [Int] = []
        set.forEach {
            numbers.append($0)
            return true
        }
        return numbers
    }

    @Test func `a set of rows is what Swift's sets are`() {
        var random = SeededGenerator(5)
        for _ in 0..<50 {
            let (one, other) = (random.numbers(), random.numbers())
            let (a, b) = (RowSet(one), RowSet(other))
            #expect(Self.numbers(a) == one.sorted() && a.count == one.count && a.isEmpty == one.isEmpty)
            #expect(Self.numbers(a.symmetricDifference(b)) == one.symmetricDifference(other).sorted())
            #expect(Self.numbers(a.subtracting(b)) == one.subtracting(other).sorted())
            #expect(RowSet(bytes: a.bytes) == a)
            #expect(a.symmetricDifference(a) == RowSet([]))
        }
        #expect(RowSet([0, 9]).bytes == [1, 2])
    }

    private static func cohort(_ rows: Range<Int>, eligible: Range<Int>? = nil) -> AnsweredCohort {
        AnsweredCohort(rows: RowSet(rows), eligible: eligible.map { RowSet($0) })
    }

    /// Every person has two rows: 0 and 1, 2 and 3, and so on.
    private static let person = (0..<100).map { Int32($0 / 2) }

    private static func admits(
        _ cohort: AnsweredCohort, beside other: AnsweredCohort, allowingMissing: Bool = true
    ) -> Bool {
        var policy = DisclosurePolicy.local
        policy.cohortDifferenceMin = 5
        policy.allowsMissingDataDifference = allowingMissing
        let (there, back) = ((cohort, other), (other, cohort))
        let answers = [there, back].map { one, two in
            sentence { try policy.admit("m", of: one, beside: two, named: nil, person: person) } == nil
        }
        #expect(answers[0] == answers[1], "which of the two came first is no matter")
        return answers[0]
    }

    /// Nobody, or five people: with two rows each, that is ten rows, or nine if one of a person's rows is in both.
    @Test(arguments: [(80, true), (79, false), (78, false), (72, false), (71, true), (70, true), (0, true)])
    func `people are counted, not rows`(_ end: Int, _ isAdmitted: Bool) {
        #expect(Self.admits(Self.cohort(0..<end), beside: Self.cohort(0..<80)) == isAdmitted)
    }

    @Test func `missing values are an excuse if they are the only one`() {
        let all = Self.cohort(0..<80, eligible: 0..<80)
        let few = Self.cohort(0..<76, eligible: 0..<80)
        #expect(Self.admits(few, beside: all))
        #expect(!Self.admits(few, beside: all, allowingMissing: false))
        #expect(
            !Self.admits(Self.cohort(0..<76, eligible: 0..<79), beside: all), "a filter took one row more")
        #expect(!Self.admits(Self.cohort(0..<76), beside: all), "its formulas choose")
        #expect(!Self.admits(few, beside: Self.cohort(0..<80)), "the other's formulas choose")
        let crossed = Self.cohort(4..<80, eligible: 0..<80)
        #expect(Self.admits(few, beside: crossed), "each leaves out others")
    }
}

extension SeededGenerator {
    fileprivate mutating func numbers() -> Set<Int> {
        Set((0..<Int.random(in: 0..<60, using: &self)).map { _ in Int.random(in: 0..<300, using: &self) })
    }
}

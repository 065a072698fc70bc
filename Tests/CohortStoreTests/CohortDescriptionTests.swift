import Survival
import TestFiles
import Testing

@testable import CohortStore

struct CohortDescriptionTests {
    @Test func `every variable is described by what it holds`() throws {
        let folder = try TemporaryFolder()
        let store = try Clinic.store(in: folder)
        let path = try folder.write(Clinic.csv(Clinic.lines), to: "patients.csv")
        _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        let description = try store.describe(dictionary: "clinic@1")
        #expect((description.rowCount, description.personCount) == (4, 3))
        #expect(description.variables.map(\.name) == Clinic.dictionary.variables.map(\.name))
        #expect(description.variables.map(\.presentCount) == [4, 4, 4, 3, 3, 2])
        #expect(description.variables.map(\.missingCount) == [0, 0, 0, 1, 1, 2])
        guard case .identifier(3) = description.variables[0].summary,
            case .number(let months?) = description.variables[1].summary,
            case .boolean(yes: 2, no: 2) = description.variables[2].summary,
            case .levels(let sex) = description.variables[3].summary,
            case .levels(let response) = description.variables[4].summary
        else {
            Issue.record("a summary is of another kind: \(description)")
            return
        }
        #expect((months.minimum, months.maximum) == (0, 12))
        #expect(sex.map(\.level) == ["female", "male"] && sex.map(\.count) == [2, 1])
        #expect(response.map(\.count) == [1, 0, 1, 1])
    }

    /// Closed forms: the mean of 1, 2, 3, 4, 10 is 4 and Σ(x − 4)² is 50; type 7 puts the quartiles of n =
    /// 4 values at the places 1.75, 2.5 and 3.25.
    @Test func `numbers are summarised as R summarises them`() throws {
        let five = try #require(NumberSummary([10, 3, 1, 4, 2]))
        #expect(abs(five.mean - 4) < 1e-15)
        #expect(abs((five.standardDeviation ?? 0) - 12.5.squareRoot()) < 1e-14)
        #expect(
            [five.minimum, five.lowerQuartile, five.median, five.upperQuartile, five.maximum] == [
                1, 2, 3, 4, 10,
            ])
        let four = try #require(NumberSummary([4, 1, 3, 2]))
        #expect([four.lowerQuartile, four.median, four.upperQuartile] == [1.75, 2.5, 3.25])
        let one = try #require(NumberSummary([7]))
        #expect(one.standardDeviation == nil)
        #expect([one.lowerQuartile, one.median, one.maximum] == [7, 7, 7])
        #expect(NumberSummary([]) == nil)
    }

    @Test func `a cohort without rows is described as empty`() throws {
        let folder = try TemporaryFolder()
        let description = try Clinic.store(in: folder).describe(dictionary: "clinic@1")
        #expect((description.rowCount, description.personCount) == (0, 0))
        guard case .number(nil) = description.variables[1].summary else {
            Issue.record("a number without values has a summary")
            return
        }
    }
}

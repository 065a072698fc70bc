import Survival
import Testing

@testable import CohortStore

/// A statistician's own file: what is guessed of its columns, and how it is cut into sites.
struct LocalFileTests {
    private func dictionary(_ csv: String, conditions: Set<String> = []) throws -> DataDictionary {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let file = try folder.write(csv, to: "file.csv")
        return try InferredDictionary.read(csv: file, name: "none", version: 1, conditions: conditions)
    }

    @Test func `row names, nameless and repeated columns do not stand in the way of the others`() throws {
        // As R's write.csv() writes a data frame: the row names have no header.
        let guessed = try dictionary("\"\",\"age\",\"x\",\"x\",\" blank\"\n\"1\",61,1,2,3\n\"2\",58,3,4,5\n")
        #expect(guessed.variables.map(\.name) == ["row of the file", "age"])
        #expect(throws: Never.self) { try guessed.validate() }
        #expect(guessed["age"]?.kind == .number(lower: 58, upper: 61, resolution: 1))
    }

    @Test func `a text that is the same in all rows is a category whose other level nobody has`() throws {
        let guessed = try dictionary("clinic,age\nnorth,61\nnorth,58\n")
        #expect(throws: Never.self) { try guessed.validate() }
        #expect(guessed["clinic"]?.kind == .category(levels: ["north", "(other)"], reference: "north"))
    }

    /// Levels that are the same as numbers would else come in a set's order, another one in each process.
    @Test func `levels that differ by leading zeros alone have one order`() throws {
        let names = ["ward 1", "ward 01", "ward 001", "ward 2", "ward 02"]
        for turn in names.indices {
            let rows = names[turn...] + names[..<turn]
            let guessed = try dictionary("ward\n" + rows.map { "\($0)\n" }.joined())
            #expect(guessed["ward"]?.kind == .category(levels: names, reference: "ward 1"))
        }
    }

    @Test(arguments: ["0\n1\nNA\n1", "FALSE\nTRUE\nTRUE\nNA", "no\nyes\nno\n0"])
    func `a column that the study takes for a condition is one if its cells allow it`(cells: String) throws {
        let csv = "died,age\n" + cells.split(separator: "\n").map { "\($0),60\n" }.joined()
        #expect(try dictionary(csv, conditions: ["died"])["died"]?.kind == .boolean)
        #expect(try dictionary(csv)["died"]?.kind != .boolean)
    }

    @Test func `codes 1 and 2 are no condition`() throws {
        let guessed = try dictionary("status\n1\n2\n2\n", conditions: ["status"])
        #expect(guessed["status"]?.kind == .number(lower: 1, upper: 2, resolution: 1))
    }

    @Test(arguments: [100, 101])
    func `a column of more than a hundred values is refused as a column of sites`(count: Int) throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let csv = "id,age\n" + (1...count).map { "\($0),60\n" }.joined()
        let file = try folder.write(csv, to: "file.csv")
        let dictionary = try InferredDictionary.read(csv: file, name: "none", version: 1)
        let read = { try LocalTable(csv: file, dictionary: dictionary, variables: ["age"], siteColumn: "id") }
        if count == 100 {
            #expect(try read().sites.map(\.name) == (1...100).map { "\($0)" })
        } else {
            #expect(throws: StoreError.csv(file, .tooManySites(column: "id", maximum: 100))) {
                _ = try read()
            }
        }
    }
}

import Survival
import TestFiles
import Testing

@testable import CohortStore

/// A statistician's own file: what is guessed of its columns, and how it is cut into sites.
struct LocalFileTests {
    private func dictionary(_ csv: String, conditions: Set<String> = []) throws -> DataDictionary {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let file = try folder.write(csv, to: "file.csv")
        return try guess([file], conditions: conditions).dictionary
    }

    private func guess(
        _ files: [String], numbers: Set<String> = [], conditions: Set<String> = []
    ) throws -> InferredDictionary {
        try InferredDictionary(
            csv: files, name: "none", version: 1,
            uses: .init(numbers: numbers, conditions: conditions))
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
        let names = ["ward 001", "ward 01", "ward 02", "ward 1", "ward 2"]
        for turn in names.indices {
            let rows = names[turn...] + names[..<turn]
            let guessed = try dictionary("ward\n" + rows.map { "\($0)\n" }.joined())
            #expect(guessed["ward"]?.kind == .category(levels: names, reference: "ward 001"))
        }
    }

    @Test(arguments: [
        "0\n1\nNA\n1", "FALSE\nTRUE\nTRUE\nNA", "no\nyes\nno\n0", "t\nf\nNULL", "True\nFalse\nnan",
        "1.0\n0.0\n",
    ])
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
        let dictionary = try guess([file]).dictionary
        let read = { try LocalTable(csv: file, dictionary: dictionary, variables: ["age"], siteColumn: "id") }
        if count == 100 {
            #expect(try read().sites.map(\.name) == (1...100).map { "\($0)" })
        } else {
            #expect(throws: StoreError.localFile(file, .tooManySites(column: "id", maximum: 100))) {
                _ = try read()
            }
        }
    }

    /// Ties of a numeric order went by chance: `01` and `1`.
    @Test func `levels have one order, whatever the order of the rows`() throws {
        var generator = SeededGenerator(state: 601)
        let columns: [(cells: [String], levels: [String])] = [
            (["601", "00601", "A10", "B9", "b9", "B10"], ["00601", "601", "A10", "B10", "B9", "b9"]),
            (["01", "1", "10", "2", "001"], ["001", "01", "1", "2", "10"]),
            (["zürich", "Ähre", "Zug", "ähre"], ["Zug", "zürich", "Ähre", "ähre"]),
        ]
        for (cells, levels) in columns {
            for _ in 0..<20 {
                let text = "zip,x\n" + cells.shuffled(using: &generator).map { "\($0),1\n" }.joined()
                guard case .category(let found, let reference)? = try dictionary(text)["zip"]?.kind else {
                    Issue.record("not a category: \(text)")
                    return
                }
                #expect(found == levels && reference == levels[0])
            }
        }
    }

    @Test func `numbers with leading zeros are codes, unless the study needs numbers`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("zip,t\n00601,07\n10001,12\n", to: "file.csv")
        let guessed = try guess([file], numbers: ["t"])
        #expect(guessed.dictionary["zip"]?.kind == .category(levels: ["00601", "10001"], reference: "00601"))
        #expect(guessed.dictionary["t"]?.kind == .number(lower: 7, upper: 12, resolution: 1))
        #expect(guessed.remarks["zip"] == "it has leading zeros, and was read as codes")
    }

    @Test func `what programs write for a missing number is missing`() throws {
        let guessed = try dictionary("x\n1\nNULL\n\\N\n<NA>\nN/A\nNone\n.\n2\n")
        #expect(guessed["x"]?.kind == .number(lower: 1, upper: 2, resolution: 1))
        #expect(guessed["x"]?.missing == ["NA", "NaN", "<NA>", "NULL", "\\N", ".", "N/A", "None"])
    }

    @Test func `a cell that is no number is told by line, where a number is needed`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("t,x\n1,2\n3,4\nabc,5\n", to: "file.csv")
        #expect(try guess([file]).remarks["t"] == "line 4 has no number in it, so that it was read as text")
        let error = failure { () throws(StoreError) in
            _ = try InferredDictionary(csv: [file], name: "none", version: 1, uses: .init(numbers: ["t"]))
        }
        #expect(error?.description == "\(file): 1 problem:\n  line 4, column t: not a number")
        let empty = try folder.write("t,x\nN/A,2\nNULL,4\n", to: "empty.csv")
        let guessed = try guess([empty], numbers: ["t"])
        #expect(guessed.dictionary["t"] == nil && guessed.remarks["t"] == "it has no number in any row")
    }

    @Test func `a column whose texts are no levels does not stand in the way of the others`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("note,blank,x\n\"two\nlines\",\" \",1\none,y,2\n", to: "file.csv")
        let guessed = try guess([file])
        #expect(throws: Never.self) { try guessed.dictionary.validate() }
        #expect(guessed.dictionary.variables.map(\.name) == ["row of the file", "x"])
        #expect(guessed.remarks.count == 2)
    }

    @Test func `several files are guessed together, and read as a site each`() throws {
        let folder = try TemporaryFolder()
        let north = try folder.write("id,age,sex\nA,61,f\nB,58,f\n", to: "north.csv")
        let south = try folder.write("sex,age,x\nm,70,1\n", to: "south.csv")
        let guessed = try guess([north, south])
        #expect(guessed.dictionary.variables.map(\.name) == ["row of the file", "age", "sex"])
        #expect(guessed.dictionary["age"]?.kind == .number(lower: 58, upper: 70, resolution: 1))
        #expect(guessed.dictionary["sex"]?.kind == .category(levels: ["f", "m"], reference: "f"))
        #expect(guessed.remarks["id"] == "\(south) has no such column")
        let table = try LocalTable(
            files: [.init(site: "s", path: south), .init(site: "n", path: north)],
            dictionary: guessed.dictionary, variables: ["age", "sex"], siteColumn: nil)
        #expect(table.sites.map(\.name) == ["n", "s"])
        #expect(table.sites.map(\.table.rowCount) == [2, 1])
    }

    /// The same file under two names would count every row twice.
    @Test func `one file given as two sites is refused, by any name`() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("age\n61\n58\n", to: "first.csv")
        let copy = try folder.write("age\n61\n58\n", to: "copy.csv")
        let other = try folder.write("age\n61\n59\n", to: "other.csv")
        let guessed = try guess([first]).dictionary
        func read(_ paths: [String]) throws(StoreError) {
            _ = try LocalTable(
                files: paths.enumerated().map { .init(site: "s\($0)", path: $1) }, dictionary: guessed,
                variables: ["age"], siteColumn: nil)
        }
        try read([first, other])
        for again in [first, copy] {
            let error = failure { () throws(StoreError) in try read([first, other, again]) }
            #expect(error == .localFile(again, .sameContent(as: first)))
        }
    }

    /// A fit counted each row as a person where the dictionary's person had no column, and said nothing.
    @Test(arguments: [true, false])
    func `a column of the dictionary that is not there is refused, the person's too`(isRequired: Bool) throws
    {
        let folder = try TemporaryFolder()
        let dictionary = DataDictionary(
            name: "wide", version: 1, person: "patient",
            variables: [
                .init(name: "patient", kind: .identifier, isRequired: isRequired),
                .init(name: "age", kind: .number(lower: 0, upper: 120, resolution: nil)),
            ])
        for (text, fault) in [
            ("age\n61\n", CSVFault.header(missing: ["patient"], repeated: [])),
            ("pat\u{200B}ient,age\na,61\n", .unseenCharacters(["patient"])),
            ("PATIENT,age\na,61\n", .otherCapitals(["patient"])),
            ("patient,patient,age\na,b,61\n", .header(missing: [], repeated: ["patient"])),
        ] {
            let file = try folder.write(text, to: "file.csv")
            let error = failure { () throws(StoreError) in
                _ = try LocalTable(csv: file, dictionary: dictionary, variables: ["age"], siteColumn: nil)
            }
            #expect(error == .localFile(file, fault))
        }
    }

    @Test func `a column that is called as the row itself is left out of a guess`() throws {
        let guessed = try dictionary("row of the file,age\nx,61\nx,58\n")
        #expect(throws: Never.self) { try guessed.validate() }
        #expect(guessed.variables.map(\.name) == ["row of the file", "age"])
    }

    /// Quadratic, 20,000 columns took 12 times as long as 8,000.
    @Test func `many columns take time in proportion`() throws {
        let folder = try TemporaryFolder()
        func seconds(_ count: Int) throws -> Double {
            let row = (0..<count).map { "\($0)" }.joined(separator: ",")
            let file = try folder.write(
                "t," + (0..<count).map { "gene\($0)" }.joined(separator: ",") + "\n1,\(row)\n2,\(row)\n",
                to: "wide.csv")
            let start = ContinuousClock.now
            let guessed = try guess([file]).dictionary
            _ = try LocalTable(csv: file, dictionary: guessed, variables: ["t", "gene7"], siteColumn: nil)
            return (ContinuousClock.now - start) / .seconds(1)
        }
        _ = try seconds(1000)
        #expect(try seconds(40_000) < 20 * (try seconds(4_000)))
    }
}

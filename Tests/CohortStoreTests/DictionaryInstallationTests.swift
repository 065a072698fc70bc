import Cryptography
import Survival
import SQLiteFiles
import TestFiles
import Testing

@testable import CohortStore

struct DictionaryInstallationTests {
    let folder: TemporaryFolder
    let store: CohortStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Clinic.store(in: folder)
    }

    private func dictionary(_ variables: [DataDictionary.Variable], version: Int = 1) -> DataDictionary {
        let person = DataDictionary.Variable(name: "id", kind: .identifier)
        return DataDictionary(name: "other", version: version, person: "id", variables: [person] + variables)
    }

    @Test func `installing the same text again changes nothing, another text needs another version`() throws {
        try store.install(Clinic.dictionary, text: Clinic.text)
        #expect(throws: StoreError.dictionary("clinic@1", .textChanged)) {
            try store.install(Clinic.dictionary, text: Clinic.text + "\n")
        }
        try store.install(Clinic.next, text: Clinic.text)
        #expect(try store.dictionaries().map(\.identifier) == ["clinic@1", "clinic@2"])
    }

    @Test func `a dictionary comes back as it was installed, infinite ranges and odd names included`() throws
    {
        let odd = dictionary([
            .init(
                name: "a \"quoted\" 'name'",
                kind: .number(lower: -.infinity, upper: .infinity, resolution: 0.1)),
            .init(name: "größe", kind: .number(lower: 0.1, upper: 1e-300, resolution: nil)),
            .init(
                name: "select", kind: .category(levels: ["it's", "\"b\"", "名"], reference: "名"),
                missing: ["?"]),
            .init(name: "rowid", kind: .boolean, isMeasuredAfterTimeZero: true),
        ])
        var valid = odd
        valid.variables[2].kind = .number(lower: 1e-300, upper: 0.1, resolution: nil)
        #expect(throws: StoreError.self) { try store.install(odd, text: "odd") }
        try store.install(valid, text: "odd")
        #expect(try store.dictionaries().last?.dictionary == valid)
        let path = try folder.write(
            "id,\"a \"\"quoted\"\" 'name'\",größe,select,rowid\n1,2.5,0.05,it's,1\n2,,,\"\"\"b\"\"\",0\n",
            to: "odd.csv")
        _ = try store.importCSV(path: path, dictionary: "other@1", replacing: false)
        let table = try store.table(
            dictionary: "other@1", variables: ["a \"quoted\" 'name'", "select", "rowid"])
        guard case .category(let select)? = table.columns["select"] else {
            Issue.record("select is not a category")
            return
        }
        #expect(select == [0, 1])
        try store.verifyRows(dictionary: "other@1")
    }

    /// To Swift the quote and the mark are one character, which is no quote.
    @Test func `a quote with a combining mark ends no SQL text`() throws {
        let (name, level) = ("a\"\u{301} b", "it'\u{301} is")
        try store.install(
            dictionary([
                .init(name: name, kind: .category(levels: [level, "x"], reference: "x"), column: "c")
            ]),
            text: "marks")
        let path = try folder.write("id,c\n1,\(level)\n2,x\n", to: "marks.csv")
        _ = try store.importCSV(path: path, dictionary: "other@1", replacing: false)
        guard
            case .category(let values)? = try store.table(dictionary: "other@1", variables: [name]).columns[
                name]
        else {
            Issue.record("\(name) is not a category")
            return
        }
        #expect(values == [0, 1])
    }

    @Test func `names that SQLite cannot tell apart, and too many of them, are refused`() throws {
        for (variables, reason) in [
            ([("Age"), ("age")], "capital letters"), (["rowid", "_ROWID_", "oid"], "row number"),
            ((0..<2000).map { "v\($0)" }, "more than 2000 variables"), (["a\u{0}b"], "NUL"),
        ] {
            let wide = dictionary(variables.map { .init(name: $0, kind: .boolean) })
            let error = failure { () throws(StoreError) in try store.install(wide, text: "wide") }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        }
        try store.install(dictionary((0..<1999).map { .init(name: "v\($0)", kind: .boolean) }), text: "wide")
        #expect(try store.dictionaries().count == 2)
    }

    @Test func `a category may have more levels than SQLite compares one by one`() throws {
        let levels = (0..<3000).map { "C\($0)" }
        try store.install(
            dictionary([.init(name: "icd", kind: .category(levels: levels, reference: "C0"))]), text: "icd")
        let path = try folder.write("id,icd\n1,C0\n2,C2999\n3,\n", to: "icd.csv")
        _ = try store.importCSV(path: path, dictionary: "other@1", replacing: false)
        guard
            case .category(let icd)? = try store.table(dictionary: "other@1", variables: ["icd"]).columns[
                "icd"]
        else {
            Issue.record("icd is not a category")
            return
        }
        #expect(icd == [0, 2999, -1])
    }

    @Test func `a store opened for answering can read and nothing else`() throws {
        let reader = try CohortStore(path: folder.file("cohort.sqlite"), access: .answering)
        #expect(try reader.dictionaries().map(\.identifier) == ["clinic@1"])
        let readOnly = StoreError.file(folder.file("cohort.sqlite"), .openedReadOnly)
        #expect(throws: readOnly) { try reader.install(Clinic.dictionary, text: Clinic.text) }
        #expect(throws: readOnly) {
            _ = try reader.importCSV(path: folder.file("x.csv"), dictionary: "clinic@1", replacing: false)
        }
    }
}

import Cryptography
package import Survival

/// CSV files read into memory for a fit on this machine, a site each, or one file cut into sites by one of its columns.
///
/// The same reader and cell rules as an import, without a database: for a statistician's own files.
package struct LocalTable: Sendable {
    /// More sites than this are no hospitals but a column named by mistake; every pair of sites would agree on a key.
    package static let sitesMax = 100

    /// A file, and the site that it is; nil for the one file that is all there is.
    package struct File: Hashable, Sendable {
        package var site: String?
        package var path: String

        package init(site: String? = nil, path: String) { (self.site, self.path) = (site, path) }
    }

    /// Sites in the order of their names, each with its rows; one site named `local` without a site column or a name.
    package let sites: [(name: String, table: PatientTable)]
    package let rowsWithoutSite: Int

    /// Reads the columns of the given variables and of the dictionary's person, without which every row is a person if the
    /// dictionary was guessed from the files.
    ///
    /// Rows whose site is empty are left out and counted. Throws `StoreError` as an import does, also for a column that is not
    /// there, and for more than `sitesMax` sites.
    package init(
        files: [File], dictionary: DataDictionary, variables: [String], siteColumn: String?
    ) throws(StoreError) {
        var (sites, rowsWithoutSite) = ([String: PatientTable](), 0)
        var known: [SHA256Digest: String] = [:]
        for file in files {
            var reader = try LocalReader(
                path: file.path, dictionary: dictionary, variables: variables, siteColumn: siteColumn)
            let digest = try reader.run()
            if let other = known[digest] { throw .localFile(file.path, .sameContent(as: other)) }
            known[digest] = file.path
            rowsWithoutSite += reader.rowsWithoutSite
            sites.merge(reader.tables(named: file.site ?? "local")) { first, _ in first }
        }
        self.sites = TextOrder.sorted(sites.keys).compactMap { name in sites[name].map { (name, $0) } }
        self.rowsWithoutSite = rowsWithoutSite
    }

    /// One file.
    package init(
        csv path: String, dictionary: DataDictionary, variables: [String], siteColumn: String?
    ) throws(StoreError) {
        try self.init(
            files: [File(path: path)], dictionary: dictionary, variables: variables, siteColumn: siteColumn)
    }
}

/// Reads a file once, column by column into growing arrays.
private struct LocalReader: ~Copyable {
    private let variables: [DataDictionary.Variable]
    private let siteColumn: String?
    private var reader: PatientReader
    /// The person's place among the chosen variables; nil where every row is a person.
    private let person: Int?
    private let sitePlace: Int?
    private var numbers: [[Double]]
    private var levels: [[Int32]]
    private var people = PersonIndex()
    private var personOfRow: [Int32] = []
    private var siteIndices: [String: Int32] = [:]
    private var siteOfRow: [Int32] = []

    init(
        path: String, dictionary: DataDictionary, variables names: [String], siteColumn: String?
    ) throws(StoreError) {
        var reader = try PatientReader(path: path, for: .fitting)
        let known = Dictionary(
            dictionary.variables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let variables = names.compactMap { known[$0] }
        let identity = dictionary.person == InferredDictionary.person ? nil : known[dictionary.person]
        try reader.choose(
            [identity].compactMap(\.self) + variables, person: identity?.name,
            others: [siteColumn].compactMap(\.self))
        sitePlace = if let siteColumn { reader.place(of: siteColumn) } else { nil }
        person = identity == nil ? nil : 0
        (self.variables, self.siteColumn) = (variables, siteColumn)
        self.reader = reader
        numbers = variables.map { _ in [] }
        levels = variables.map { _ in [] }
    }

    var rowsWithoutSite: Int { siteOfRow.count { $0 < 0 } }

    /// Reads all rows; gives the file's digest.
    mutating func run() throws(StoreError) -> SHA256Digest {
        while try reader.next() {
            readSite()
            readPerson()
            for variable in variables.indices { readCell(variable) }
        }
        try reader.requireGood()
        guard !siteOfRow.isEmpty else { throw reader.error(.headerOnly) }
        guard siteIndices.count <= LocalTable.sitesMax else {
            throw reader.error(.tooManySites(column: siteColumn ?? "", maximum: LocalTable.sitesMax))
        }
        return reader.digest()
    }

    private mutating func readSite() {
        guard let place = sitePlace, let column = siteColumn else { return siteOfRow.append(0) }
        let field = reader.field(place)
        if CellRule.padding(of: field) != nil { reader.reject("spaces around the value", column: column) }
        let name = String(decoding: field, as: UTF8.self)
        guard !name.isEmpty, name != "NA" else { return siteOfRow.append(-1) }
        let site = siteIndices[name, default: Int32(siteIndices.count)]
        siteIndices[name] = site
        siteOfRow.append(site)
    }

    private mutating func readPerson() {
        guard let person else { return personOfRow.append(Int32(personOfRow.count)) }
        guard reader.cell(person) == .text else { return personOfRow.append(-1) }
        personOfRow.append(people.index(of: reader.bytes(person)))
    }

    private mutating func readCell(_ index: Int) {
        switch reader.cell(index + (person == nil ? 0 : 1)) {
        case .missing:
            numbers[index].append(.nan)
            levels[index].append(-1)
        case .number(let value): numbers[index].append(value)
        case .boolean(let value): numbers[index].append(value ? 1 : 0)
        case .level(let level): levels[index].append(level)
        case .text: numbers[index].append(.nan)
        case .refused: return
        }
    }

    /// The rows by site; those of all rows under `name` without a column of sites.
    consuming func tables(named name: String) -> [String: PatientTable] {
        guard sitePlace != nil else { return [name: table(of: Array(siteOfRow.indices))] }
        var rows = [[Int]](repeating: [], count: siteIndices.count)
        for (row, site) in siteOfRow.enumerated() where site >= 0 { rows[Int(site)].append(row) }
        return siteIndices.mapValues { table(of: rows[Int($0)]) }
    }

    private borrowing func table(of rows: [Int]) -> PatientTable {
        var columns: [String: Column] = [:]
        for (index, variable) in variables.enumerated() {
            columns[variable.name] =
                switch variable.kind {
                case .category: .category(rows.map { levels[index][$0] })
                case .boolean: .boolean(rows.map { numbers[index][$0] })
                case .number, .identifier: .number(rows.map { numbers[index][$0] })
                }
        }
        return PatientTable(rowCount: rows.count, person: rows.map { personOfRow[$0] }, columns: columns)
    }
}

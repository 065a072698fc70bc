import Foundation
package import Survival

/// A CSV file read into memory for a fit on this machine, cut into sites by one of its columns.
///
/// The same scanner and cell rules as an import, without a database: for a statistician's own files.
package struct LocalTable: Sendable {
    /// More sites than this are no hospitals but a column named by mistake; every pair of sites would agree on a key.
    package static let sitesMax = 100

    /// Sites in the order of their names, each with its rows; one site named `local` without a site column.
    package private(set) var sites: [(name: String, table: PatientTable)] = []

    /// Reads the columns of the given variables; without the dictionary's person column every row is a person.
    ///
    /// Rows whose site is empty are left out and counted. Throws `StoreError` as an import does, and for more than `sitesMax` sites.
    package init(
        csv path: String, dictionary: DataDictionary, variables: [String], siteColumn: String?
    ) throws(StoreError) {
        do {
            var reader = try LocalReader(
                path: path, dictionary: dictionary, variables: variables, siteColumn: siteColumn)
            try reader.run()
            self = try reader.finish()
        } catch let fault as CSVFault {
            throw .csv(path, fault)
        } catch let error as StoreError {
            throw error
        } catch {
            preconditionFailure("reading a file throws faults of the file only: \(error)")
        }
    }

    fileprivate init() {}

    package private(set) var rowsWithoutSite = 0

    fileprivate mutating func add(_ name: String, _ table: PatientTable) { sites.append((name, table)) }
    fileprivate mutating func leaveOut(_ count: Int) { rowsWithoutSite = count }
}

/// Reads a file once, column by column into growing arrays.
private struct LocalReader: ~Copyable {
    private let path: String
    private let rules: [CellRule]
    private let personRule: Int?
    private let personColumn: String?
    private let siteColumn: String?
    private var scanner: CSVScanner
    private var rejected: RejectedRows
    private var numbers: [[Double]]
    private var levels: [[Int32]]
    private var people: [String: Int32] = [:]
    private var person: [Int32] = []
    private var siteIndices: [String: Int32] = [:]
    private var site: [Int32] = []

    init(
        path: String, dictionary: DataDictionary, variables: [String], siteColumn: String?
    ) throws {
        self.path = path
        self.siteColumn = siteColumn
        scanner = try CSVScanner(path: path)
        rejected = RejectedRows(path: path)
        rules = variables.compactMap { dictionary[$0] }.map { CellRule($0, isPerson: false) }
        personRule = nil
        personColumn = dictionary[dictionary.person]?.column
        numbers = rules.map { _ in [] }
        levels = rules.map { _ in [] }
    }

    mutating func run() throws {
        guard try scanner.next() else { throw CSVFault.empty }
        let names = (0..<scanner.fieldCount).map { text(of: $0) }
        let columns = rules.map(\.variable.column)
        let wanted = columns + (siteColumn.map { [$0] } ?? [])
        let missing = wanted.filter { !names.contains($0) }
        let repeated = wanted.filter { column in names.count { $0 == column } > 1 }
        guard missing.isEmpty, repeated.isEmpty else {
            throw CSVFault.header(missing: missing, repeated: Array(Set(repeated)).sorted())
        }
        let places = columns.compactMap { names.firstIndex(of: $0) }
        let personPlace = personColumn.flatMap { names.firstIndex(of: $0) }
        let sitePlace = siteColumn.flatMap { names.firstIndex(of: $0) }
        while try scanner.next() {
            guard scanner.fieldCount == names.count else {
                reject(column: nil, "\(scanner.fieldCount) fields where the first line has \(names.count)")
                continue
            }
            readSite(sitePlace)
            readPerson(personPlace)
            for rule in rules.indices { readCell(rule, place: places[rule]) }
        }
        guard rejected.total == 0 else { throw StoreError.rejectedRows(rejected) }
        guard !site.isEmpty else { throw CSVFault.headerOnly }
        guard siteIndices.count <= LocalTable.sitesMax else {
            throw CSVFault.tooManySites(column: siteColumn ?? "", maximum: LocalTable.sitesMax)
        }
    }

    private mutating func readSite(_ place: Int?) {
        let name = place.map { text(of: $0) } ?? "local"
        guard !name.isEmpty, name != "NA" else { return site.append(-1) }
        site.append(siteIndices[name, default: Int32(siteIndices.count)])
        siteIndices[name] = site[site.count - 1]
    }

    private mutating func readPerson(_ place: Int?) {
        let name = place.map { text(of: $0) } ?? "\(person.count)"
        person.append(people[name, default: Int32(people.count)])
        people[name] = person[person.count - 1]
    }

    private mutating func readCell(_ index: Int, place: Int) {
        switch rules[index].cell(scanner.field(place)) {
        case .missing:
            numbers[index].append(.nan)
            levels[index].append(-1)
        case .number(let value): numbers[index].append(value)
        case .boolean(let value): numbers[index].append(value ? 1 : 0)
        case .level(let level): levels[index].append(level)
        case .text: numbers[index].append(.nan)
        case .refused(let fault):
            reject(column: rules[index].variable.column, fault.rule(for: rules[index].variable))
        }
    }

    private borrowing func text(of place: Int) -> String {
        String(decoding: scanner.field(place), as: UTF8.self)
    }

    private mutating func reject(column: String?, _ rule: String) {
        let line = scanner.recordLine
        rejected.add(.init(line: line, position: nil, column: column, rule: rule))
    }

    consuming func finish() throws -> LocalTable {
        var local = LocalTable()
        let names = siteIndices.sorted { $0.key.precedesByNumber($1.key) }
        for (name, index) in names {
            let rows = site.indices.filter { site[$0] == index }
            local.add(name, table(of: rows))
        }
        local.leaveOut(site.count { $0 < 0 })
        return local
    }

    private func table(of rows: [Int]) -> PatientTable {
        var columns: [String: Column] = [:]
        for (index, rule) in rules.enumerated() {
            let variable = rule.variable
            columns[variable.name] =
                switch variable.kind {
                case .category: .category(rows.map { levels[index][$0] })
                case .boolean: .boolean(rows.map { numbers[index][$0] })
                case .number, .identifier: .number(rows.map { numbers[index][$0] })
                }
        }
        return PatientTable(rowCount: rows.count, person: rows.map { person[$0] }, columns: columns)
    }
}

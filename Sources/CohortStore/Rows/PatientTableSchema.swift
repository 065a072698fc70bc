import Survival

/// The table of one dictionary's patients: a typed column for each variable, under the variable's name.
///
/// Numbers are REAL, booleans INTEGER 0/1, categories and identifiers TEXT; NULL is missing. Rows keep the
/// order of the file. Triggers refuse every change that is not an import, so that the stored digest stays
/// the rows' own.
struct PatientTableSchema {
    let table: String
    let variables: [DataDictionary.Variable]
    let person: DataDictionary.Variable
    /// The person's place among the variables.
    let personPlace: Int
    /// A name of SQLite's row number that no variable hides.
    private let rowNumber: String
    private let guardPrefix: String

    /// SQLite's limit on the columns of a table.
    private static let variablesMax = 2000

    /// Refuses a dictionary that contradicts itself, or whose names SQLite cannot tell apart.
    init(_ dictionary: DataDictionary) throws(StoreError) {
        func unusable(_ reason: String) -> StoreError {
            .dictionary(dictionary.identifier, .unusable(reason: reason))
        }
        do {
            try dictionary.validate()
        } catch {
            throw unusable(error.description)
        }
        guard let place = dictionary.variables.firstIndex(where: { $0.name == dictionary.person }) else {
            throw unusable("it has no person")
        }
        guard dictionary.variables.count <= PatientTableSchema.variablesMax else {
            throw unusable("it has more than \(PatientTableSchema.variablesMax) variables")
        }
        guard !dictionary.hasZeroByte else { throw unusable("a name or level in it has a NUL") }
        var names: Set<String> = []
        // SQLite compares the names of columns without regard to the case of ASCII letters.
        for name in dictionary.variables.map(\.name) where !names.insert(name.asciiLowercased).inserted {
            throw unusable("variable \(quoted(name)) differs from another in capital letters alone")
        }
        guard let rowNumber = ["rowid", "_rowid_", "oid"].first(where: { !names.contains($0) }) else {
            throw unusable("variables named rowid, _rowid_ and oid leave no name for the row number")
        }
        (table, self.rowNumber) = (dictionary.identifier.quotedIdentifier, rowNumber)
        (guardPrefix, variables) = (dictionary.identifier, dictionary.variables)
        (person, personPlace) = (dictionary.variables[place], place)
    }

    var creation: String {
        let columns = variables.map { "\n    \(column($0))" }.joined(separator: ",")
        return "CREATE TABLE \(table) (\(columns)\n) STRICT"
    }

    var insertion: String {
        let names = variables.map(\.name.quotedIdentifier).joined(separator: ", ")
        let places = variables.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO \(table) (\(names)) VALUES (\(places))"
    }

    /// Selects variables of all rows in the order of the file.
    func selection(
        _ variables: [DataDictionary.Variable],
        of columns: ([String]) -> String = { $0.joined(separator: ", ") }
    ) -> String {
        "SELECT \(columns(variables.map(\.name.quotedIdentifier))) FROM \(table) ORDER BY \(rowNumber)"
    }

    var guards: [String] {
        PatientTableSchema.changes.map { change in
            """
            CREATE TRIGGER \(guardName(change)) BEFORE \(change) ON \(table)
            BEGIN SELECT RAISE(ABORT, 'patients are changed by importing a file'); END
            """
        }
    }

    var guardRemovals: [String] {
        PatientTableSchema.changes.map { "DROP TRIGGER IF EXISTS \(guardName($0))" }
    }

    private static let changes = ["INSERT", "UPDATE", "DELETE"]

    private func guardName(_ change: String) -> String { "\(guardPrefix) refuses \(change)".quotedIdentifier }

    private func column(_ variable: DataDictionary.Variable) -> String {
        let name = variable.name.quotedIdentifier
        let presence = variable.isRequired || variable.name == person.name ? " NOT NULL" : ""
        switch variable.kind {
        case .number: return "\(name) REAL\(presence)"
        case .boolean: return "\(name) INTEGER\(presence) CHECK (\(name) = 0 OR \(name) = 1)"
        case .identifier: return "\(name) TEXT\(presence)"
        case .category(let levels, _):
            return "\(name) TEXT\(presence) CHECK (\(membership(name, levels)))"
        }
    }

    /// For `IN` SQLite builds an index of the list anew for each row, which made imports three times as
    /// slow; only long lists are better off with it, and they would exceed SQLite's depth of expressions.
    private func membership(_ name: String, _ levels: [String]) -> String {
        let comparedMax = 100
        guard levels.count > comparedMax else {
            return levels.map { "\(name) = \($0.quotedLiteral)" }.joined(separator: " OR ")
        }
        return "\(name) IN (\(levels.map(\.quotedLiteral).joined(separator: ", ")))"
    }
}

extension DataDictionary {
    /// SQL text ends at a NUL.
    fileprivate var hasZeroByte: Bool {
        variables.contains { variable in
            guard case .category(let levels, _) = variable.kind else { return variable.name.utf8.contains(0) }
            return ([variable.name] + levels).contains { $0.utf8.contains(0) }
        }
    }
}

extension String {
    /// An SQL identifier; doubling the quote is all the escaping there is.
    var quotedIdentifier: String { enclosed(in: UInt8(ascii: "\"")) }

    fileprivate var quotedLiteral: String { enclosed(in: UInt8(ascii: "'")) }

    /// By bytes: to Swift a quote that a combining mark follows is another character, to SQLite it ends the
    /// text.
    private func enclosed(in quote: UInt8) -> String {
        let doubled = utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return String(decoding: [quote] + doubled + [quote], as: UTF8.self)
    }

    fileprivate var asciiLowercased: String {
        String(decoding: utf8.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

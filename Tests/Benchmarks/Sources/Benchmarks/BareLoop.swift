import RawSteps
import Survival

/// The fastest loop over a statement's rows that we know, in C: no types, no checks, columns whose memory is there already.
final class BareLoop {
    private let database: String
    private let query: String
    private let rowCount: Int
    private let columns: [UnsafeMutablePointer<Double>]

    init(database: String, file: MadeUpFile) {
        let names = file.dictionary.variables.map { "\"\($0.name)\"" }.joined(separator: ", ")
        query = "SELECT \(names) FROM \"\(file.dictionary.identifier)\" ORDER BY rowid"
        (self.database, rowCount) = (database, file.rowCount)
        columns = file.variables.map { _ in .allocate(capacity: file.rowCount) }
    }

    deinit { for column in columns { column.deallocate() } }

    func read() {
        var pointers = columns.map { UnsafeMutablePointer<Double>?.some($0) }
        var bytes = 0
        let count = raw_steps(database, query, Int32(columns.count + 1), &pointers, &bytes)
        precondition(count == rowCount && bytes > 0)
    }
}

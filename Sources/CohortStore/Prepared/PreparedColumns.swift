import Cryptography
import Survival

/// The columns of a dictionary's rows as they are prepared: gathered row by row, cut into parts, with a code of each column.
///
/// Numbers and yes/no variables as numbers, categories as the indices of their levels, the person as an index from 0 in the order
/// of first rows; other identifiers are not prepared. An import stores the parts, and a verification makes them again from the rows
/// to compare. Holds one part of every column, and the people's identifiers.
struct PreparedColumns: ~Copyable {
    /// What is done with each part, by variable and its place in the column.
    typealias Sink = (_ variable: String, _ part: Int, _ cells: [UInt8]) throws -> Void

    /// For each of the dictionary's variables its code, nil for one that is not prepared.
    private let codes: [ColumnCode?]
    private let values: UnsafeMutablePointer<Double>
    /// The person's place among the variables.
    private let person: Int?
    private var people = PersonIndex()
    private var hasSeveralRows: [Bool] = []
    /// The part's identifiers, one after the other, and where each ends.
    ///
    /// They are numbered together: a look into a large table waits for memory, and many at once wait together.
    private var identifiers: [UInt8] = []
    private var identifierEnds: [Int] = []
    private var row = 0
    private var part = 0

    init(_ schema: PatientTableSchema, dictionary: SHA256Digest) {
        codes = schema.variables.map { variable in
            guard variable.kind != .identifier || variable.name == schema.person.name else { return nil }
            return ColumnCode(variable.name, dictionary: dictionary)
        }
        person = schema.variables.firstIndex { $0.name == schema.person.name }
        values = .allocate(capacity: codes.count * PreparedPart.rowCount)
    }

    deinit { values.deallocate() }

    /// People of the rows that were handed on.
    var personCount: Int { people.count }

    /// People among them who have more than one.
    var severalRowsPersonCount: Int { hasSeveralRows.count { $0 } }

    /// Sets the current row's cell of a variable.
    ///
    /// - Parameters:
    ///   - variable: Its place in the dictionary.
    ///   - cell: Its value.
    ///   - text: Its bytes; asked for only if it is the person.
    @inline(__always)
    mutating func add(_ variable: Int, _ cell: Cell, text: @autoclosure () -> UnsafeBufferPointer<UInt8>) {
        values[variable * PreparedPart.rowCount + row] =
            switch cell {
            case .number(let value): value
            case .boolean(let value): value ? 1 : 0
            case .level(let index): Double(index)
            case .text, .missing, .refused: .nan
            }
        guard variable == person, cell == .text else { return }
        identifiers.append(contentsOf: text())
        identifierEnds.append(identifiers.count)
    }

    /// Goes to the next row; a full part is handed on.
    mutating func endRow(_ sink: Sink) throws {
        row += 1
        if row == PreparedPart.rowCount { try flush(sink) }
    }

    /// Hands on what is left; gives the code of each column.
    mutating func finish(snapshot: SHA256Digest, rowCount: Int, _ sink: Sink) throws -> [String: [UInt8]] {
        if row > 0 { try flush(sink) }
        let codes = codes.compactMap { code in
            code.map { ($0.variable, $0.finish(snapshot: snapshot, rowCount: rowCount)) }
        }
        return Dictionary(codes, uniquingKeysWith: { first, _ in first })
    }

    private mutating func flush(_ sink: Sink) throws {
        numberPeople()
        for (index, code) in codes.enumerated() {
            guard let code else { continue }
            let start = values + index * PreparedPart.rowCount
            let cells = PreparedPart.encode(UnsafeBufferPointer(start: start, count: row))
            cells.withUnsafeBytes { code.update($0) }
            try sink(code.variable, part, cells)
        }
        (row, part) = (0, part + 1)
    }

    private mutating func numberPeople() {
        guard let person, identifierEnds.count == row else { return }
        var start = 0
        identifiers.withUnsafeBufferPointer { texts in
            for (row, end) in identifierEnds.enumerated() {
                let index = people.index(of: UnsafeBufferPointer(rebasing: texts[start..<end]))
                values[person * PreparedPart.rowCount + row] = Double(index)
                if Int(index) < hasSeveralRows.count {
                    hasSeveralRows[Int(index)] = true
                } else {
                    hasSeveralRows.append(false)
                }
                start = end
            }
        }
        identifiers.removeAll(keepingCapacity: true)
        identifierEnds.removeAll(keepingCapacity: true)
    }
}

/// The code of one prepared column: of its parts in their order, the snapshot and the number of rows, under a key that is made of
/// the dictionary and the variable.
///
/// Parts of another column, of other rows, out of order or altered have another code, but for an accident of 1 in 2⁷⁰ at the
/// largest column. It is a check against accidents and mixing up: who can write into the file can also make a code that fits, and is
/// found by `CohortStore.verifyRows`, which compares the parts with the rows.
struct ColumnCode {
    let variable: String
    private let code: Poly1305

    init(_ variable: String, dictionary: SHA256Digest) {
        self.variable = variable
        let context = Array("coxswain prepared column 1\n".utf8) + dictionary.bytes + Array(variable.utf8)
        code = Poly1305(key: SHA256Digest(of: context))
    }

    func update(_ cells: UnsafeRawBufferPointer) { code.update(cells) }

    func finish(snapshot: SHA256Digest, rowCount: Int) -> [UInt8] {
        let count = (0..<8).map { UInt8(truncatingIfNeeded: rowCount >> (8 * $0)) }
        (snapshot.bytes + count).withUnsafeBytes { code.update($0) }
        return code.finish()
    }
}

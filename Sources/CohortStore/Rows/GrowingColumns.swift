import Survival

/// Columns that grow by blocks of rows: the cells of a row lie far apart, and an array's own bookkeeping for each would take longer
/// than SQLite does.
struct GrowingColumns: ~Copyable {
    private static let blockRows = 512
    private let kinds: [StoredRows.Kind]
    /// For each column its place in a row.
    private let places: UnsafeMutablePointer<Int>
    private let block: UnsafeMutablePointer<Double>
    private var row = 0
    private var numbers: [[Double]]
    private var indices: [[Int32]]

    /// Columns for some of the variables that a row has.
    init(
        _ variables: [DataDictionary.Variable], of all: [DataDictionary.Variable], rowCount: Int
    ) {
        kinds = variables.map(\.storedKind)
        places = .allocate(capacity: kinds.count)
        for (column, variable) in variables.enumerated() {
            guard let place = all.firstIndex(where: { $0.name == variable.name }) else {
                preconditionFailure("a column is none of the row's")
            }
            (places + column).initialize(to: place)
        }
        block = .allocate(capacity: kinds.count * GrowingColumns.blockRows)
        numbers = kinds.map { _ in [] }
        indices = kinds.map { _ in [] }
        for column in kinds.indices {
            if kinds[column] == .category {
                indices[column].reserveCapacity(rowCount)
            } else {
                numbers[column].reserveCapacity(rowCount)
                LargePages.advise(&numbers[column])
            }
        }
    }

    deinit {
        places.deallocate()
        block.deallocate()
    }

    /// Takes the current row.
    @inline(__always)
    mutating func append(_ rows: StoredRows) {
        for column in 0..<kinds.count {
            block[column * GrowingColumns.blockRows + row] = rows.value(places[column])
        }
        row += 1
        if row == GrowingColumns.blockRows { flush() }
    }

    private mutating func flush() {
        for column in kinds.indices {
            let cells = UnsafeBufferPointer(start: block + column * GrowingColumns.blockRows, count: row)
            if kinds[column] == .category {
                indices[column].append(contentsOf: cells.lazy.map { $0.isNaN ? -1 : Int32($0) })
            } else {
                numbers[column].append(contentsOf: cells)
            }
        }
        row = 0
    }

    consuming func finish() -> [Survival.Column] {
        flush()
        return kinds.indices.map { column in
            switch kinds[column] {
            case .category: .category(indices[column])
            case .boolean: .boolean(numbers[column])
            case .number, .identifier: .number(numbers[column])
            }
        }
    }
}

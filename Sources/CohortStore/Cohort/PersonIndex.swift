/// Numbers people from 0 in the order of their first row; an identifier is its text.
struct PersonIndex {
    private var indices: [String: Int32] = [:]
    private(set) var rows: [Int32] = []

    init(rowCount: Int) {
        indices.reserveCapacity(rowCount)
        rows.reserveCapacity(rowCount)
    }

    var count: Int { indices.count }

    mutating func append(_ identifier: UnsafeBufferPointer<UInt8>) {
        let next = Int32(indices.count)
        let text = String(decoding: identifier, as: UTF8.self)
        let index = indices[text, default: next]
        if index == next { indices[text] = next }
        rows.append(index)
    }
}

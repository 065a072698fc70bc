import Cryptography

/// The digest of a cohort's rows: every value of every row, in order, under the dictionary they were read by.
///
/// SHA-256 of "coxswain snapshot 1\n", the dictionary's digest, the values, and the number of rows (8
/// bytes). A value is a tag and its bytes: 0 missing; 1 number, its bits; 2 boolean, a byte; 3 level, its
/// index (4 bytes); 4 text, its length (4 bytes) and UTF-8. Integers are little-endian. Two imports of the
/// same rows in the same order have the same digest, whatever the file's name, its other columns or its
/// spelling of numbers.
struct SnapshotHasher: ~Copyable {
    private static let bufferBytes = 1 << 16
    private var hasher = SHA256Hasher()
    private var buffer: [UInt8] = []
    private(set) var rowCount = 0

    init(dictionary: SHA256Digest) {
        buffer.reserveCapacity(2 * SnapshotHasher.bufferBytes)
        buffer.append(contentsOf: "coxswain snapshot 1\n".utf8)
        buffer.append(contentsOf: dictionary.bytes)
    }

    /// - Parameters:
    ///   - cell: The value.
    ///   - text: Its bytes; asked for only if it is a text.
    mutating func add(_ cell: Cell, text: @autoclosure () -> UnsafeBufferPointer<UInt8>) {
        switch cell {
        case .missing: buffer.append(0)
        case .number(let value):
            buffer.append(1)
            append(value.bitPattern)
        case .boolean(let value):
            buffer.append(2)
            buffer.append(value ? 1 : 0)
        case .level(let index):
            buffer.append(3)
            append(UInt32(bitPattern: index))
        case .text:
            buffer.append(4)
            let text = text()
            append(UInt32(truncatingIfNeeded: text.count))
            buffer.append(contentsOf: text)
        case .refused: preconditionFailure("a refused cell has no place in a snapshot")
        }
    }

    mutating func endRow() {
        rowCount += 1
        if buffer.count >= SnapshotHasher.bufferBytes { flush() }
    }

    consuming func finish() -> SHA256Digest {
        append(UInt64(rowCount))
        flush()
        return hasher.finish()
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { buffer.append(contentsOf: $0) }
    }

    private mutating func flush() {
        buffer.withUnsafeBytes { hasher.update($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}

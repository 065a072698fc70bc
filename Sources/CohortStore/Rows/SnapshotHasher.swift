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
    private var hasher: SHA256Hasher? = SHA256Hasher()
    private let buffer = UnsafeMutableRawPointer.allocate(byteCount: bufferBytes, alignment: 16)
    private var count = 0
    private(set) var rowCount = 0

    init(dictionary: SHA256Digest) {
        append(Array("coxswain snapshot 1\n".utf8) + dictionary.bytes)
    }

    deinit { buffer.deallocate() }

    /// - Parameters:
    ///   - cell: The value.
    ///   - text: Its bytes; asked for only if it is a text.
    @inline(__always)
    mutating func add(_ cell: Cell, text: @autoclosure () -> UnsafeBufferPointer<UInt8>) {
        // The largest of tag and value has 9 bytes.
        if count > SnapshotHasher.bufferBytes - 16 { flush() }
        switch cell {
        case .missing: tag(0)
        case .number(let value):
            tag(1)
            append(value.bitPattern)
        case .boolean(let value):
            tag(2)
            append(value ? 1 : 0 as UInt8)
        case .level(let index):
            tag(3)
            append(UInt32(bitPattern: index))
        case .text:
            let text = text()
            tag(4)
            append(UInt32(truncatingIfNeeded: text.count))
            append(text)
        case .refused: preconditionFailure("a refused cell has no place in a snapshot")
        }
    }

    mutating func endRow() { rowCount += 1 }

    mutating func finish() -> SHA256Digest {
        flush()
        append(UInt64(rowCount))
        flush()
        guard let hasher = hasher.take() else { preconditionFailure("a snapshot's digest can be taken once") }
        return hasher.finish()
    }

    @inline(__always)
    private mutating func tag(_ tag: UInt8) { append(tag) }

    @inline(__always)
    private mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        buffer.storeBytes(of: value.littleEndian, toByteOffset: count, as: Integer.self)
        count += MemoryLayout.size(ofValue: value)
    }

    private mutating func append(_ bytes: some Collection<UInt8>) {
        for byte in bytes {
            if count == SnapshotHasher.bufferBytes { flush() }
            append(byte)
        }
    }

    private mutating func flush() {
        hasher?.update(UnsafeRawBufferPointer(start: buffer, count: count))
        count = 0
    }
}

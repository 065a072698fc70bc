import Survival

/// Finds rows that are the same in every variable, by a code of 64 bits for each row.
///
/// Two different rows have the same code by an accident of 1 in 10⁵ in ten million rows; a count is all that is made of it.
struct RepeatedRows: ~Copyable {
    private static let start: UInt64 = 0x9E37_79B9_7F4A_7C15
    /// The codes by their first bits: small arrays grow without much room to spare.
    private var codes = [[UInt64]](repeating: [], count: 256)
    private var code = start

    @inline(__always)
    mutating func add(_ cell: Cell, text: @autoclosure () -> UnsafeBufferPointer<UInt8>) {
        switch cell {
        case .missing: mix(1)
        case .number(let value): mix(value.bitPattern)
        case .boolean(let value): mix(value ? 3 : 2)
        case .level(let index): mix(UInt64(truncatingIfNeeded: index) &+ 4)
        case .text: for byte in text() { mix(UInt64(byte)) }
        case .refused: preconditionFailure("a refused cell has no place in a row")
        }
    }

    mutating func endRow() {
        codes[Int(code >> 56)].append(code)
        code = RepeatedRows.start
    }

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        let product = (code ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        code = product.high ^ product.low &+ RepeatedRows.start
    }

    /// Rows that repeat an earlier one.
    ///
    /// Call it once, at the end.
    mutating func count() -> Int {
        codes.indices.reduce(0) { sum, first in
            codes[first].sort()
            return sum + zip(codes[first], codes[first].dropFirst()).count { $0 == $1 }
        }
    }
}

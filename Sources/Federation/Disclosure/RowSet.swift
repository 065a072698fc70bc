/// A set of whole numbers from 0, a bit for each.
package struct RowSet: Hashable, Sendable {
    private var words: [UInt64] = []

    package init(_ numbers: some Sequence<Int>) {
        for number in numbers { insert(number) }
    }

    /// The set whose bits are these bytes, the lowest first.
    package init(bytes: [UInt8]) {
        words = [UInt64](repeating: 0, count: (bytes.count + 7) / 8)
        for (place, byte) in bytes.enumerated() { words[place / 8] |= UInt64(byte) << (8 * (place % 8)) }
        trim()
    }

    /// The bits, the lowest first, without zeros at the end.
    package var bytes: [UInt8] {
        var bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        while bytes.last == 0 { bytes.removeLast() }
        return bytes
    }

    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    package var isEmpty: Bool { words.isEmpty }

    /// What is in one of two sets and not in the other.
    package func symmetricDifference(_ other: RowSet) -> RowSet {
        let (long, short) = words.count >= other.words.count ? (self, other) : (other, self)
        var result = long
        for place in short.words.indices { result.words[place] ^= short.words[place] }
        result.trim()
        return result
    }

    package func subtracting(_ other: RowSet) -> RowSet {
        var result = self
        for place in 0..<min(words.count, other.words.count) { result.words[place] &= ~other.words[place] }
        result.trim()
        return result
    }

    /// Calls `body` with each number, ascending, until it returns false.
    package func forEach(while body: (Int) -> Bool) {
        for (place, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                guard body(64 * place + rest.trailingZeroBitCount) else { return }
                rest &= rest - 1
            }
        }
    }

    private mutating func insert(_ number: Int) {
        precondition(number >= 0)
        while words.count <= number / 64 { words.append(0) }
        words[number / 64] |= 1 << (number % 64)
    }

    /// Equal sets have equal words.
    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }
}

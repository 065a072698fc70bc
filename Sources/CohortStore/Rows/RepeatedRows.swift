import Foundation
import Survival

/// Finds rows that are the same in every variable, by a code of 64 bits for each row.
///
/// Two different rows have the same code by an accident of 1 in 10⁵ in ten million rows; a count is all that is made of it. The
/// codes are one piece of memory that grows by an eighth and is sorted where it lies: eight bytes a row, and little more.
struct RepeatedRows: ~Copyable {
    private static let start: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var codes = UnsafeMutableBufferPointer<UInt64>(start: nil, count: 0)
    private var rowCount = 0
    private var code = start

    deinit { free(codes.baseAddress) }

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
        if rowCount == codes.count { makeRoom() }
        codes[rowCount] = code
        rowCount += 1
        code = RepeatedRows.start
    }

    private mutating func makeRoom() {
        let larger = max(1024, codes.count + codes.count / 8)
        guard let memory = realloc(codes.baseAddress, larger * MemoryLayout<UInt64>.stride) else {
            preconditionFailure("there is no memory left for the codes of rows")
        }
        codes = UnsafeMutableBufferPointer(
            start: memory.assumingMemoryBound(to: UInt64.self), count: larger)
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
        sort()
        return (1..<max(rowCount, 1)).count { codes[$0] == codes[$0 - 1] }
    }

    /// Heapsort (Williams, CACM 1964), which needs no memory besides.
    private func sort() {
        for root in (0..<rowCount / 2).reversed() { sink(root, within: rowCount) }
        for last in (1..<max(rowCount, 1)).reversed() {
            codes.swapAt(0, last)
            sink(0, within: last)
        }
    }

    private func sink(_ root: Int, within end: Int) {
        var parent = root
        while 2 * parent + 1 < end {
            var child = 2 * parent + 1
            if child + 1 < end, codes[child] < codes[child + 1] { child += 1 }
            guard codes[parent] < codes[child] else { return }
            codes.swapAt(parent, child)
            parent = child
        }
    }
}

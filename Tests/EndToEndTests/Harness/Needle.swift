import Foundation

/// A number in every form in which a program could hold or write it.
///
/// On the wire and in the coordinator's database numbers are fixed-point integers with 72 fraction bits, 16 bytes each,
/// little-endian, and rows of them base64; in results they are decimal.
struct Needle: Sendable {
    let name: String
    /// In units of 2^-72.
    let integer: Int128
    /// The nearest double.
    let number: Double
    private let patterns: [(form: String, bytes: Data)]

    init(_ name: String, _ integer: Int128) {
        let number = Double(integer) * 0x1p-72
        let lane = withUnsafeBytes(of: integer.littleEndian) { Data($0) }
        (self.name, self.integer, self.number) = (name, integer, number)
        patterns =
            [
                ("fixed point", lane),
                ("double", withUnsafeBytes(of: number.bitPattern.littleEndian) { Data($0) }),
                ("decimal", Data("\(number)".utf8)),
                ("hex", Data(lane.map { String(format: "%02x", $0) }.joined().utf8)),
            ] + (0..<3).map { ("base64", Self.base64(of: lane, behind: $0)) }
    }

    /// The integer that the protocol sends for a number; written here a second time, on purpose.
    ///
    /// The number's last bit must not be below 2^-60, which holds for doubles of 2^-7 and more.
    static func integer(_ number: Double) -> Int128 {
        let scaled = number * 0x1p60
        precondition(scaled == scaled.rounded() && abs(scaled) < 0x1p114)
        return Int128(scaled) << 12
    }

    /// The characters of a base64 text that 16 bytes alone decide, when `offset` other bytes come before them.
    private static func base64(of lane: Data, behind offset: Int) -> Data {
        let text = Array(
            (Data(repeating: 0, count: offset) + lane + Data(repeating: 0, count: 3)).base64EncodedData())
        let first = (8 * offset + 5) / 6
        return Data(text[first..<((8 * (offset + 16)) / 6)])
    }

    /// The forms in which the bytes hold it.
    func forms(in bytes: Data) -> [String] {
        patterns.filter { bytes.contains($0.bytes) }.map { "\(name) as \($0.form)" }
    }
}

extension Data {
    /// Whether the bytes stand in here, one after the other, at any place.
    ///
    /// Looks for one byte of the pattern with `memchr`, one that is not zero, since memory is full of zeros.
    func contains(_ pattern: Data) -> Bool {
        let pattern = Array(pattern)
        let anchor = pattern.firstIndex { $0 != 0 } ?? 0
        return withUnsafeBytes { hay in
            guard let base = hay.baseAddress, hay.count >= pattern.count else { return false }
            let end = base + (hay.count - pattern.count + anchor + 1)
            var from = base + anchor
            while from < end, let hit = memchr(from, Int32(pattern[anchor]), end - from) {
                if memcmp(hit - anchor, pattern, pattern.count) == 0 { return true }
                from = UnsafeRawPointer(hit) + 1
            }
            return false
        }
    }
}

/// Bytes altered at random, from a fixed seed: the same alterations in every run.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func draw(below limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(max(limit, 1)))
    }

    /// What readers trip over: the edges of numbers, of nesting, of text.
    private static let tokens: [[UInt8]] =
        [
            "-1", "0", "1e309", "-0.0", "NaN", "9223372036854775808", "18446744073709551616", "0x1p3",
            "1e-400",
            "\"", "'", "\"\"", "{", "}", "[", "]", ":", ",", "\n", "\r\n", "\t", " ", "---\n", "&a ", "*a",
            "!!str ",
            "<<: ", "null", "true", "~", "\\u0000", "\\ud800", "(((((((((((((((((((", "[[[[[[[[[[[[[[[[[[[[[",
            "{a: {a: {a: {a: {a: {a: ", " in [", "not ", "exp(", "* *", "%", "%00", "%2e", "//", "/../", "?",
            "&", "=",
            "é", "\u{202E}", "\u{FEFF}", "\u{0}", "=",
        ].map { Array($0.utf8) } + [[0xff], [0xc3], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], [0x30, 0x80]]

    /// One to four alterations; `other` is a further example, of which a piece may be taken.
    mutating func alter(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...draw(below: 4) {
            let place = draw(below: bytes.count + 1)
            let end = min(bytes.count, place + 1 + draw(below: draw(below: 2) == 0 ? 4 : 64))
            switch draw(below: 7) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(draw(below: 8))
            case 1 where place < bytes.count: bytes[place] = UInt8(draw(below: 256))
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            case 4: bytes.replaceSubrange(place..<end, with: Self.tokens[draw(below: Self.tokens.count)])
            case 5:
                let start = draw(below: other.count + 1)
                bytes.insert(
                    contentsOf: other[start..<min(other.count, start + draw(below: 64))], at: place)
            default: bytes.insert(contentsOf: Self.tokens[draw(below: Self.tokens.count)], at: place)
            }
        }
        return Array(bytes.prefix(1 << 16))
    }
}

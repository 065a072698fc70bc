import Testing

/// Records an issue unless `got` is within `relative` of `want` (or within `absolute` of it); NaN is near NaN only.
func expectClose(
    _ got: Double, _ want: Double, relative: Double, absolute: Double = 0, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let isClose =
        got == want || got.isNaN && want.isNaN || abs(got - want) <= max(relative * abs(want), absolute)
    #expect(
        isClose, "\(what): got \(got), want \(want), off by \(got - want)", sourceLocation: sourceLocation)
}

/// The same for arrays, element by element.
func expectClose(
    _ got: [Double], _ want: [Double], relative: Double, absolute: Double = 0, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        got.count == want.count, "\(what): \(got.count) numbers for \(want.count)",
        sourceLocation: sourceLocation)
    for (index, pair) in zip(got, want).enumerated() {
        expectClose(
            pair.0, pair.1, relative: relative, absolute: absolute, "\(what)[\(index)]",
            sourceLocation: sourceLocation)
    }
}

/// A generator with a fixed seed (SplitMix64), so that a random split is the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

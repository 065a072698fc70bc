package import Testing

/// Records an issue unless `got` is within `relative` of `want` (or within `absolute` of it); NaN is near NaN only.
package func expectClose(
    _ got: Double, _ want: Double, relative: Double, absolute: Double = 0, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let isClose =
        got == want || got.isNaN && want.isNaN || abs(got - want) <= max(relative * abs(want), absolute)
    #expect(
        isClose, "\(what): got \(got), want \(want), off by \(got - want)", sourceLocation: sourceLocation)
}

/// The same for arrays, element by element.
package func expectClose(
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

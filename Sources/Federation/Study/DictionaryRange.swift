/// The constants that bring a column to [-1, 1], from the dictionary's range alone; 0 and 1 if the range is not finite.
package struct DictionaryRange: Sendable {
    package let middle: Double
    package let half: Double

    package init(_ bounds: ClosedRange<Double>) {
        let half = (bounds.upperBound - bounds.lowerBound) / 2
        let isUsable = half.isFinite && half > 0
        self.half = isUsable ? half : 1
        middle = isUsable ? bounds.lowerBound + half : 0
    }

    package func scaled(_ value: Double) -> Double { (value - middle) / half }
}

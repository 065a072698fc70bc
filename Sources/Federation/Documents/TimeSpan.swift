/// A length of time as people write it: `3 months`, `1 year`, or a number in a unit of the reader's.
package struct TimeSpan: Hashable, Sendable {
    package var count: Double
    /// Nil for a plain number.
    package var unit: TimeUnit?

    /// A plain number.
    init(count: Double) { self.count = count }

    /// Nil unless the text is a finite number of 0 or more, alone or before a unit in singular or plural.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard (1...2).contains(words.count), let count = Double(words[0]), count.isFinite, count >= 0 else {
            return nil
        }
        self.count = count
        guard words.count == 2 else { return }
        let singular = words[1].hasSuffix("s") ? words[1].dropLast() : words[1]
        guard let unit = TimeUnit(rawValue: String(singular)) else { return nil }
        self.unit = unit
    }

    /// Its length in a unit; a plain number is in that unit.
    package func length(in other: TimeUnit) -> Double {
        guard let unit, unit != other else { return count }
        return count * unit.days / other.days
    }
}

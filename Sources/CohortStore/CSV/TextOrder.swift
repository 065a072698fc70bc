/// An order of texts in which no two different ones are equal, the same on every machine and in every run.
///
/// Texts that are all numbers go by value, and those of one value (`1` and `01`) by their bytes; all others by their bytes, as R
/// sorts in the C locale.
enum TextOrder {
    static func sorted(_ texts: some Collection<String>) -> [String] {
        let numbered = texts.map { text in
            (text: text, value: Array(text.utf8).withUnsafeBufferPointer { DecimalNumber.parse($0) })
        }
        let areNumbers = numbered.allSatisfy { $0.value != nil }
        return numbered.sorted { a, b in
            if areNumbers, let first = a.value, let second = b.value, first != second {
                return first < second
            }
            return a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
        }.map(\.text)
    }
}

/// A number of things in words: `1 row`, `2 rows`; the plural has an `s` unless it is given.
package func counted(_ count: Int, _ singular: String, _ plural: String? = nil) -> String {
    "\(count) " + (count == 1 ? singular : plural ?? singular + "s")
}

/// A measure with its unit: `1 month`, `1.5 months`; a whole number has no decimals.
package func measured(_ value: Double, _ unit: String) -> String {
    let number = Int(exactly: value).map(String.init) ?? "\(value)"
    return "\(number) \(unit)" + (value == 1 ? "" : "s")
}

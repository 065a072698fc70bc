import Survival

/// A mapping of a document, read key by key; what nobody asked for is refused at the end.
///
/// Every read records the key. `finish()` then refuses the keys that were not read, by line, with a
/// suggestion from the keys that were asked for. Copies share the record.
package struct YAMLMapping {
    struct Entry {
        var key: String
        var place: YAMLPlace
        var value: YAMLValue
    }

    private final class Record {
        /// Keys asked for, in order, and those of them whose value was read.
        var asked: [String] = []
        var read: Set<String> = []
    }

    let place: YAMLPlace
    private let file: String
    private let entries: [Entry]
    private let record = Record()

    init(file: String, place: YAMLPlace, entries: [Entry]) {
        (self.file, self.place, self.entries) = (file, place, entries)
    }

    /// Line on which the mapping begins, from 1.
    package var line: Int { place.line }

    /// Line on which a key stands, from 1; nil without it.
    package func line(of key: String) -> Int? { entry(key)?.place.line }

    /// All keys in the order of the file.
    package var keys: [String] { entries.map(\.key) }

    // MARK: - Asking

    /// Whether the key is there with a value other than null; does not count as reading it.
    package func has(_ key: String) -> Bool {
        record.asked.append(key)
        return entry(key).map { !$0.value.isNull } ?? false
    }

    package func isMapping(_ key: String) -> Bool {
        if case .mapping? = entry(key)?.value { true } else { false }
    }

    /// An error at the value of `key`, or at the mapping itself if there is no such key.
    package func error(at key: String?, _ message: String) -> DocumentError {
        error(key.flatMap(entry)?.value.place ?? place, message)
    }

    /// Refuses the first key that was not read.
    package func finish() throws(DocumentError) {
        for entry in entries where !record.read.contains(entry.key) { throw unknown(entry) }
    }

    // MARK: - Reading

    /// A text; a number or a truth value is the text it is written as.
    package func string(_ key: String) throws(DocumentError) -> String {
        try text(required(key), of: key)
    }

    /// nil if the key is absent or null.
    package func optionalString(_ key: String) throws(DocumentError) -> String? {
        try has(key) ? string(key) : read(key)
    }

    package func int(_ key: String) throws(DocumentError) -> Int {
        let text = try string(key)
        guard let value = Int(text) else { throw error(at: key, "\(quoted(text)) is not a whole number") }
        return value
    }

    /// A finite number.
    package func number(_ key: String) throws(DocumentError) -> Double {
        try number(required(key), of: key)
    }

    /// `true` or `false`, and nothing else.
    package func bool(_ key: String) throws(DocumentError) -> Bool {
        let text = try string(key)
        guard let value = Bool(text) else {
            throw error(at: key, "\(quoted(text)) is neither true nor false")
        }
        return value
    }

    /// A list of texts; an item that YAML would read as a number, a truth value or null is the text it is
    /// written as.
    package func strings(_ key: String) throws(DocumentError) -> [String] {
        var result: [String] = []
        for item in try list(key) {
            guard case .scalar(let text, let isPlain, _) = item, !(isPlain && ["", "~"].contains(text)) else {
                throw error(
                    item.place, "\(quoted(key)) lists texts, not \(item.isNull ? "an empty item" : item.kind)"
                )
            }
            result.append(text)
        }
        return result
    }

    /// A list of finite numbers.
    package func numbers(_ key: String) throws(DocumentError) -> [Double] {
        var result: [Double] = []
        for item in try list(key) { result.append(try number(item, of: key)) }
        return result
    }

    package func mapping(_ key: String) throws(DocumentError) -> YAMLMapping {
        let value = try required(key)
        guard case .mapping(let mapping) = value else {
            throw error(value.place, "\(quoted(key)) needs a mapping of keys to values, not \(value.kind)")
        }
        return mapping
    }

    /// nil if the key is absent or null.
    package func optionalMapping(_ key: String) throws(DocumentError) -> YAMLMapping? {
        try has(key) ? mapping(key) : read(key)
    }

    /// A list of mappings.
    package func mappings(_ key: String) throws(DocumentError) -> [YAMLMapping] {
        var result: [YAMLMapping] = []
        for item in try list(key) {
            guard case .mapping(let mapping) = item else {
                throw error(item.place, "\(quoted(key)) lists mappings of keys to values, not \(item.kind)")
            }
            result.append(mapping)
        }
        return result
    }

    /// A mapping of names to texts, in the order of the file.
    package func pairs(_ key: String) throws(DocumentError) -> [(name: String, text: String, line: Int)] {
        try mapping(key).pairs()
    }

    /// All of this mapping's names and texts, in the order of the file.
    package func pairs() throws(DocumentError) -> [(name: String, text: String, line: Int)] {
        var result: [(name: String, text: String, line: Int)] = []
        for entry in entries {
            result.append((entry.key, try text(entry.value, of: entry.key), entry.place.line))
        }
        return result
    }

    // MARK: - Values

    private func entry(_ key: String) -> Entry? { entries.first { $0.key == key } }

    /// Marks a key as read whose value does not matter.
    private func read<Value>(_ key: String) -> Value? {
        record.read.insert(key)
        return nil
    }

    private func required(_ key: String) throws(DocumentError) -> YAMLValue {
        record.asked.append(key)
        record.read.insert(key)
        if let entry = entry(key) { return entry.value }
        // A misspelt key is more likely than a forgotten one.
        let others = entries.filter { !record.asked.contains($0.key) }
        if let near = Spelling.nearest(to: key, among: others.map(\.key)), let entry = entry(near) {
            throw unknown(entry)
        }
        throw error(at: nil, "the key \(quoted(key)) is missing")
    }

    private func unknown(_ entry: Entry) -> DocumentError {
        guard !record.asked.contains(entry.key) else {
            let fault = entry.value.isNull ? "has no value" : "has no use here"
            return error(entry.place, "the key \(quoted(entry.key)) \(fault)")
        }
        let suggestion = Spelling.nearest(to: entry.key, among: record.asked.filter { self.entry($0) == nil })
        return error(entry.place, "unknown key \(quoted(entry.key))" + didYouMean(suggestion))
    }

    private func list(_ key: String) throws(DocumentError) -> [YAMLValue] {
        let value = try required(key)
        guard case .list(let items, _) = value else {
            throw error(value.place, "\(quoted(key)) needs a list, [...], not \(value.kind)")
        }
        return items
    }

    private func text(_ value: YAMLValue, of key: String) throws(DocumentError) -> String {
        if let text = value.text { return text }
        throw error(
            value.place,
            value.isNull
                ? "\(quoted(key)) has no value" : "\(quoted(key)) needs a single value, not \(value.kind)")
    }

    private func number(_ value: YAMLValue, of key: String) throws(DocumentError) -> Double {
        let text = try text(value, of: key)
        guard let number = Double(text), number.isFinite else {
            throw error(value.place, "\(quoted(text)) is not a number")
        }
        return number
    }

    private func error(_ place: YAMLPlace, _ message: String) -> DocumentError {
        DocumentError(file: file, line: place.line, column: place.column, message: message)
    }
}

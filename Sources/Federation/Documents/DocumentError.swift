/// What is wrong with a configuration, dictionary or study file, and where.
package struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// Counted from 1.
    package var line: Int?
    package var column: Int?
    package var message: String

    package init(file: String, line: Int? = nil, column: Int? = nil, message: String) {
        (self.file, self.line, self.column, self.message) = (file, line, column, message)
    }

    /// `study.yaml:12:3: unknown key "tie"; did you mean "ties"?`, the form that editors understand.
    package var description: String {
        ([file] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":") + ": " + message
    }
}

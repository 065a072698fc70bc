/// Why bytes are no JSON document that is read here, and where.
package struct JSONFault: Error, Hashable, CustomStringConvertible {
    /// Bytes before the place.
    package let offset: Int
    private let reason: String

    init(_ reason: String, at offset: Int) { (self.reason, self.offset) = (reason, offset) }

    package var description: String { "it is not JSON at byte \(offset): \(reason)" }
}

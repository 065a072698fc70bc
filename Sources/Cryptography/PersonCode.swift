/// A person in code: the first 16 bytes of an HMAC-SHA256 over the identifier, under the key of a hospital's patients.
///
/// The code is the same over imports and dictionaries, and names nobody without the key.
package struct PersonCode: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    private static let context = Array("coxswain person 1\n".utf8)

    /// Of an identifier's UTF-8.
    package init(_ identifier: UnsafeBufferPointer<UInt8>, under key: MessageAuthenticationCode) {
        self = PersonCode.context.withUnsafeBufferPointer { context in
            key.withCode(of: context, identifier) { PersonCode(bytes: $0[0..<16]) }
        }
    }

    /// From 16 bytes, big-endian.
    package init(bytes: some Collection<UInt8>) {
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }
}

/// A row in code: whose it is, and which of the person's rows, from 0 in the order of the file.
package struct RowCode: Hashable, Sendable {
    package var person: PersonCode
    package var ordinal: Int

    package init(person: PersonCode, ordinal: Int) { (self.person, self.ordinal) = (person, ordinal) }
}

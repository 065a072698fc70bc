/// HMAC with SHA-256 under one key (RFC 2104).
package struct MessageAuthenticationCode: Sendable {
    private let inner: [UInt8]
    private let outer: [UInt8]

    /// A key longer than a block of 64 bytes is hashed first.
    package init(key: [UInt8]) {
        let block = key.count > 64 ? SHA256Digest(of: key).bytes : key
        let padded = block + [UInt8](repeating: 0, count: 64 - block.count)
        (inner, outer) = (padded.map { $0 ^ 0x36 }, padded.map { $0 ^ 0x5C })
    }

    package func code(of message: some Sequence<UInt8>) -> SHA256Digest {
        SHA256Digest(of: outer + SHA256Digest(of: inner + Array(message)).bytes)
    }
}

import COpenSSL

/// A code of 16 bytes over bytes that come in pieces: Poly1305 (RFC 8439 §2.5), at several gigabytes a second.
///
/// Here it tells accidents, not attackers: who knows the key can make other bytes with the same code. Bytes that were altered
/// without regard to the key keep their code with a probability of at most 8⌈length/16⌉/2¹⁰⁶.
package final class Poly1305 {
    private let context: OpaquePointer

    package init(key: SHA256Digest) {
        let mac = EVP_MAC_fetch(nil, "POLY1305", nil)
        defer { EVP_MAC_free(mac) }
        guard let context = EVP_MAC_CTX_new(mac), EVP_MAC_init(context, key.bytes, key.bytes.count, nil) == 1
        else {
            fatalError("Poly1305 is missing: \(takeErrorQueue()); the system's OpenSSL is not usable")
        }
        self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        precondition(EVP_MAC_update(context, start, bytes.count) == 1, "Poly1305 stopped")
    }

    /// The code of all bytes; once.
    package func finish() -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 16)
        var count = 0
        precondition(EVP_MAC_final(context, &code, &count, code.count) == 1, "Poly1305 stopped")
        return code
    }
}

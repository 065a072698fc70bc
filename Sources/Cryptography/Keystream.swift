import COpenSSL

/// ChaCha20's key stream (RFC 8439) for a 32-byte key, from block 0 with nonce 0, in 128-bit lanes.
///
/// Two streams of the same key are equal: a key serves one message. Lanes are little-endian; each call goes
/// on where the last one ended.
package struct Keystream: ~Copyable {
    private let context: OpaquePointer

    package init(key: [UInt8]) throws(CryptographyError) {
        ERR_clear_error()
        guard key.count == 32 else {
            throw .notAccepted(what: "the stream key", reason: "it has \(key.count) bytes, not 32")
        }
        let context = try require(EVP_CIPHER_CTX_new(), "start ChaCha20")
        let counterAndNonce = [UInt8](repeating: 0, count: 16)
        guard EVP_EncryptInit_ex(context, EVP_chacha20(), nil, key, counterAndNonce) == 1 else {
            EVP_CIPHER_CTX_free(context)
            throw .failed(to: "start ChaCha20")
        }
        self.context = context  // last: nothing may throw once a value without copies is whole
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// The next `count` lanes: zeros encrypted in place.
    package mutating func next(_ count: Int) throws(CryptographyError) -> [UInt128] {
        var isWhole = true
        let lanes = [UInt128](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: 0)
            initialized = count
            isWhole = encrypt(UnsafeMutableRawBufferPointer(buffer))
        }
        guard isWhole else { throw .failed(to: "run ChaCha20") }
        #if _endian(big)
            return lanes.map(UInt128.init(littleEndian:))
        #else
            return lanes
        #endif
    }

    private func encrypt(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        var done = 0
        while done < bytes.count {  // in pieces, as lengths are Int32
            let piece = bytes[done..<min(done + 1 << 20, bytes.count)]
            let start = UnsafeMutableRawBufferPointer(rebasing: piece).assumingMemoryBound(to: UInt8.self)
                .baseAddress
            var written: Int32 = 0
            guard EVP_EncryptUpdate(context, start, &written, start, Int32(piece.count)) == 1 else {
                return false
            }
            done += Int(written)
        }
        return true
    }
}

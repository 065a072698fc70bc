import COpenSSL

/// An X25519 key (RFC 7748), of one session.
package struct AgreementKey: Sendable {
    package let secret: [UInt8]
    /// 32 bytes.
    package let publicKey: [UInt8]

    /// - Parameter secret: 32 random bytes.
    package init(secret: [UInt8]) throws(CryptographyError) {
        let key = try Self.privateKey(secret)
        defer { EVP_PKEY_free(key) }
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        try require(EVP_PKEY_get_raw_public_key(key, &bytes, &count), "derive an X25519 public key")
        (self.secret, publicKey) = (secret, bytes)
    }

    /// 32 bytes that only the two holders can compute; not uniform, so feed them to `hkdfSHA256`.
    ///
    /// Refuses the peer's low-order points, whose result is zero whatever our secret is (RFC 7748, section
    /// 6.1).
    package func sharedSecret(with publicKey: [UInt8]) throws(CryptographyError) -> [UInt8] {
        ERR_clear_error()
        guard publicKey.count == 32 else {
            throw .notAccepted(
                what: "the X25519 public key", reason: "it has \(publicKey.count) bytes, not 32")
        }
        let own = try Self.privateKey(secret)
        defer { EVP_PKEY_free(own) }
        let peer = try require(
            EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKey, 32), "read an X25519 key")
        defer { EVP_PKEY_free(peer) }
        let context = try require(EVP_PKEY_CTX_new(own, nil), "agree on a key")
        defer { EVP_PKEY_CTX_free(context) }
        try require(EVP_PKEY_derive_init(context), "agree on a key")
        try require(EVP_PKEY_derive_set_peer(context, peer), "agree on a key")
        var shared = [UInt8](repeating: 0, count: 32)
        var count = shared.count
        guard EVP_PKEY_derive(context, &shared, &count) == 1, count == 32, shared.contains(where: { $0 != 0 })
        else {
            ERR_clear_error()
            throw .notAccepted(what: "the X25519 public key", reason: "it is a point of low order")
        }
        return shared
    }

    private static func privateKey(_ secret: [UInt8]) throws(CryptographyError) -> OpaquePointer {
        guard secret.count == 32 else {
            throw .notAccepted(what: "the X25519 secret", reason: "it has \(secret.count) bytes, not 32")
        }
        return try require(
            EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, secret, 32), "read an X25519 key")
    }
}

import COpenSSL

/// A signing key: ECDSA on P-256 with SHA-256, or Ed25519.
package final class PrivateKey: @unchecked Sendable {  // an EVP_PKEY is thread-safe once it no longer changes
    package enum Algorithm: String, Sendable {
        case p256, ed25519

        init(of key: OpaquePointer, what: String) throws(CryptographyError) {
            if EVP_PKEY_is_a(key, "ED25519") == 1 {
                self = .ed25519
            } else if EVP_PKEY_is_a(key, "EC") == 1, EVP_PKEY_get_bits(key) == 256,
                Self.curve(of: key) == "prime256v1"
            {
                self = .p256
            } else {
                let name = EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "unknown"
                throw .notAccepted(what: what, reason: "a \(name) key; keys are ECDSA P-256 or Ed25519")
            }
        }

        /// Ed25519 hashes inside; OpenSSL wants no digest named for it.
        var digest: OpaquePointer? { self == .p256 ? EVP_sha256() : nil }

        private static func curve(of key: OpaquePointer) -> String {
            var name = [CChar](repeating: 0, count: 80)
            var count = 0
            guard EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1 else { return "" }
            return String(decoding: name.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    private let key: OwnedKey
    private var raw: OpaquePointer { key.raw }
    package let algorithm: Algorithm

    private init(adopting raw: OpaquePointer) throws(CryptographyError) {
        key = OwnedKey(raw)
        algorithm = try Algorithm(of: raw, what: "the private key")
    }

    package static func generate(_ algorithm: Algorithm = .p256) throws(CryptographyError) -> PrivateKey {
        ERR_clear_error()
        let key = algorithm == .p256 ? coxswain_generate_p256() : coxswain_generate_ed25519()
        return try PrivateKey(adopting: require(key, "generate a \(algorithm.rawValue) key"))
    }

    /// Unencrypted PKCS#8 (or OpenSSL's older forms); an encrypted key is refused, never asked a pass phrase
    /// for.
    package convenience init(pem: String) throws(CryptographyError) {
        ERR_clear_error()
        let source = try MemoryBIO(pem)
        guard let key = PEM_read_bio_PrivateKey(source.raw, nil, noPassphrase, nil) else {
            throw .unreadable(what: "the private key", reason: takeErrorQueue())
        }
        try self.init(adopting: key)
    }

    /// PKCS#8, unencrypted: whoever writes it to a file keeps others from reading that file.
    package var pem: String {
        get throws(CryptographyError) {
            ERR_clear_error()
            let out = try MemoryBIO()
            try require(
                PEM_write_bio_PKCS8PrivateKey(out.raw, raw, nil, nil, 0, nil, nil), "write a private key")
            return out.text
        }
    }

    package var publicKey: PublicKey {
        get throws(CryptographyError) {
            try require(EVP_PKEY_up_ref(raw), "share a key")
            return try PublicKey(adopting: raw, what: "the private key")
        }
    }

    /// A DER-encoded ECDSA signature or 64 bytes of Ed25519.
    ///
    /// ECDSA's are random and can be rewritten into a second valid form: never use a signature as an
    /// identifier.
    package func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        ERR_clear_error()
        let context = try require(EVP_MD_CTX_new(), "sign")
        defer { EVP_MD_CTX_free(context) }
        try require(EVP_DigestSignInit(context, nil, algorithm.digest, nil, raw), "sign")
        var count = 0
        try require(EVP_DigestSign(context, nil, &count, message, message.count), "sign")
        var signature = [UInt8](repeating: 0, count: count)
        try require(EVP_DigestSign(context, &signature, &count, message, message.count), "sign")
        return Array(signature.prefix(count))
    }

    /// A PKCS#10 request (PEM) that shows possession of this key; the authority decides on the name.
    package func certificateRequest() throws(CryptographyError) -> String {
        ERR_clear_error()
        let request = try require(X509_REQ_new(), "make a certificate request")
        defer { X509_REQ_free(request) }
        try require(X509_REQ_set_pubkey(request, raw), "make a certificate request")
        guard X509_REQ_sign(request, raw, algorithm.digest) > 0 else { throw .failed(to: "sign a request") }
        let out = try MemoryBIO()
        try require(PEM_write_bio_X509_REQ(out.raw, request), "write a certificate request")
        return out.text
    }

    /// Lends the `EVP_PKEY` to another user of OpenSSL, which must not change it.
    package func withEVPKey<Result>(_ body: (OpaquePointer) -> Result) -> Result { body(raw) }
}

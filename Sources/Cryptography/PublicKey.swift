import COpenSSL

/// The public half of a signing key: ECDSA P-256 or Ed25519.
package final class PublicKey: @unchecked Sendable {  // an EVP_PKEY is thread-safe once it no longer changes
    private let key: OwnedKey
    var raw: OpaquePointer { key.raw }
    package let algorithm: PrivateKey.Algorithm

    /// Takes over the caller's reference to `raw`, also when it throws.
    init(adopting raw: OpaquePointer, what: String) throws(CryptographyError) {
        key = OwnedKey(raw)
        algorithm = try PrivateKey.Algorithm(of: raw, what: what)
    }

    /// The key of a certificate request (PKCS#10, PEM) whose sender has shown to hold the private half.
    ///
    /// Nothing else is taken from a request: the name in it is a wish of the sender.
    package convenience init(certificateRequest pem: String) throws(CryptographyError) {
        ERR_clear_error()
        let what = "the certificate request"
        let source = try MemoryBIO(pem)
        guard let request = PEM_read_bio_X509_REQ(source.raw, nil, noPassphrase, nil) else {
            throw .unreadable(what: what, reason: takeErrorQueue())
        }
        defer { X509_REQ_free(request) }
        guard let key = X509_REQ_get_pubkey(request) else {
            throw .unreadable(what: what, reason: takeErrorQueue())
        }
        try self.init(adopting: key, what: what)
        guard X509_REQ_verify(request, key) == 1 else {
            ERR_clear_error()
            throw .notAccepted(what: what, reason: "its signature is not by the key in it")
        }
    }

    /// False for a signature by another key, of another message, or that is no signature at all.
    package func isValidSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        return EVP_DigestVerifyInit(context, nil, algorithm.digest, nil, raw) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

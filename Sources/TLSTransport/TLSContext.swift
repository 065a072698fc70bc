import COpenSSL
import Cryptography

/// OpenSSL's settings of one side, made from one reading of the identity's files.
///
/// TLS 1.3 only, both sides show certificates, no resumption. Safe to share: an SSL_CTX is not changed after
/// `init`; what changes on disk makes a new context, for new connections.
final class TLSContext: @unchecked Sendable {
    enum Side { case client, server }

    let side: Side
    let identity: TLSIdentity
    private let owned: OwnedContext
    var raw: OpaquePointer { owned.raw }

    init(_ identity: TLSIdentity, _ side: Side) throws(TransportError) {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(TLS_method()) else { throw .setup("\(TLSFailure.fromErrorQueue())") }
        owned = OwnedContext(raw: raw)
        (self.identity, self.side) = (identity, side)
        try require(coxswain_tls13_only(raw))
        try require(coxswain_tls_groups(raw, "X25519:P-256"))
        try require(
            SSL_CTX_set_ciphersuites(
                raw, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"))
        coxswain_tls_buffering(raw)
        coxswain_tls_strict(raw)
        try present(identity)
        try trust(identity.trust)
    }

    private func present(_ identity: TLSIdentity) throws(TransportError) {
        try require(identity.certificate.withX509 { SSL_CTX_use_certificate(raw, $0) })
        for intermediate in identity.intermediates {
            try require(intermediate.withX509 { coxswain_tls_add_to_chain(raw, $0) })
        }
        guard identity.privateKey.withEVPKey({ SSL_CTX_use_PrivateKey(raw, $0) }) == 1 else {
            ERR_clear_error()
            throw .setup("the private key does not belong to the certificate of \(identity.id)")
        }
    }

    private func trust(_ trust: TrustStore) throws(TransportError) {
        try require(trust.withX509Store { coxswain_tls_share_store(raw, $0) })
        if side == .server {  // tells clients which of their certificates to present
            for root in trust.roots { try require(root.withX509 { SSL_CTX_add_client_CA(raw, $0) }) }
        }
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_verify_depth(raw, 3)
        SSL_CTX_set_cert_verify_callback(raw, judgePeer, nil)
    }

    private func require(_ result: Int32) throws(TransportError) {
        if result != 1 { throw .setup("\(TLSFailure.fromErrorQueue())") }
    }
}

/// Frees the context once, also when its owner's initialiser throws.
private struct OwnedContext: ~Copyable {
    let raw: OpaquePointer
    deinit { SSL_CTX_free(raw) }
}

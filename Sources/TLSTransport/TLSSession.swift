import COpenSSL
import Cryptography

/// OpenSSL's side of one connection over two memory BIOs: bytes in, bytes out, no I/O.
///
/// Belongs to one event loop. Every call leaves its ciphertext to be taken by `takeCiphertext`.
final class TLSSession {
    enum Handshake {
        case wantsInput
        case finished(VerifiedPeer)
        case failed(TLSFailure)
    }

    enum Reading {
        case wantsInput
        case closeNotify
        case failed(TLSFailure)
    }

    /// Plaintext of one TLS record at most (RFC 8446, section 5.1).
    static let recordBytesMax = 16 * 1024

    let context: TLSContext
    private let expectation: PeerExpectation
    private let ssl: OpaquePointer
    private let input: OpaquePointer  // both BIOs belong to `ssl`
    private let output: OpaquePointer
    private var verdict: Result<VerifiedPeer, TLSFailure>?

    init(_ context: TLSContext, expecting expectation: PeerExpectation) throws(TransportError) {
        ERR_clear_error()
        guard let ssl = SSL_new(context.raw) else { throw .setup("\(TLSFailure.fromErrorQueue())") }
        guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_free(ssl)
            throw .setup("\(TLSFailure.fromErrorQueue())")
        }
        SSL_set_bio(ssl, input, output)
        (self.context, self.expectation) = (context, expectation)
        (self.ssl, self.input, self.output) = (ssl, input, output)
        // For `judgePeer`, which runs within `shakeHands` only: the session outlives the call.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        switch expectation {
        case .anyParty: SSL_set_accept_state(ssl)
        case .server(let name, _):
            SSL_set_connect_state(ssl)
            try ask(for: name)
        }
    }

    deinit { SSL_free(ssl) }

    private func ask(for name: String) throws(TransportError) {
        let parameters = SSL_get0_param(ssl)
        X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        let isPlain = !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        if isPlain, X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return }
        ERR_clear_error()
        guard isPlain, X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1,
            coxswain_tls_server_name(ssl, name) == 1
        else {
            ERR_clear_error()
            throw .setup("\"\(name)\" is not a server's name")
        }
    }

    func receive(_ ciphertext: UnsafeRawBufferPointer) {
        var count = 0
        BIO_write_ex(input, ciphertext.baseAddress, ciphertext.count, &count)
        precondition(count == ciphertext.count, "a memory BIO takes everything")
    }

    var ciphertextCount: Int { BIO_ctrl_pending(output) }

    /// Fills `room`, which must have `ciphertextCount` bytes.
    func takeCiphertext(_ room: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        BIO_read_ex(output, room.baseAddress, room.count, &count)
        return count
    }

    func shakeHands() -> Handshake {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        guard result == 1 else {
            if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .wantsInput }
            let failure = TLSFailure.fromErrorQueue()
            // Our own verdict says more than OpenSSL's error.
            if case .failure(let refusal)? = verdict { return .failed(refusal) }
            return .failed(failure)
        }
        guard case .success(let peer)? = verdict, SSL_get_verify_result(ssl) == X509_V_OK else {
            return .failed(.noCertificate)
        }
        return .finished(peer)
    }

    /// Decrypts into `room`; zero bytes come with the reason.
    func read(_ room: UnsafeMutableRawBufferPointer) -> (count: Int, end: Reading?) {
        ERR_clear_error()
        var count = 0
        let result = SSL_read_ex(ssl, room.baseAddress, room.count, &count)
        if result == 1 { return (count, nil) }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return (0, .wantsInput)
        case SSL_ERROR_ZERO_RETURN: return (0, .closeNotify)
        default: return (0, .failed(.fromErrorQueue()))
        }
    }

    /// Encrypts at most one record; returns how much it took.
    func write(_ plaintext: UnsafeRawBufferPointer) -> Result<Int, TLSFailure> {
        ERR_clear_error()
        var count = 0
        let piece = min(plaintext.count, Self.recordBytesMax)
        guard SSL_write_ex(ssl, plaintext.baseAddress, piece, &count) == 1 else {
            return .failure(.fromErrorQueue())
        }
        return .success(count)
    }

    func sayGoodbye() {
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// OpenSSL's own verification, and then ours; remembers the verdict, for a refusal is to be explained.
    fileprivate func judge(_ verification: OpaquePointer) -> Bool {
        let passed = X509_verify_cert(verification) == 1
        guard let leaf = X509_STORE_CTX_get0_cert(verification).flatMap({ try? Certificate(sharing: $0) })
        else {
            X509_STORE_CTX_set_error(verification, X509_V_ERR_UNSPECIFIED)
            verdict = .failure(.other("the certificate cannot be read"))
            return false
        }
        if let refusal = passed ? ourRefusal(of: leaf, verification) : opensslRefusal(of: leaf, verification)
        {
            verdict = .failure(.certificateRefused(holder: leaf.holder, refusal))
            return false
        }
        guard let id = leaf.spiffeID else { return false }  // `ourRefusal` has seen to it
        verdict = .success(
            VerifiedPeer(id: id, certificate: leaf, intermediates: intermediates(verification)))
        return true
    }

    private func ourRefusal(of leaf: Certificate, _ verification: OpaquePointer) -> CertificateRefusal? {
        let refusal = expectation.refusal(of: leaf, consortium: context.identity.id.consortium)
        if refusal != nil {  // chooses the alert
            let code = refusal == .missingUsage ? X509_V_ERR_INVALID_PURPOSE : X509_V_ERR_CERT_REJECTED
            X509_STORE_CTX_set_error(verification, code)
        }
        return refusal
    }

    private func opensslRefusal(of leaf: Certificate, _ verification: OpaquePointer) -> CertificateRefusal {
        let culprit = X509_STORE_CTX_get_current_cert(verification).flatMap { try? Certificate(sharing: $0) }
        return CertificateRefusal(
            verifyCode: Int(X509_STORE_CTX_get_error(verification)), certificate: culprit ?? leaf,
            revocationListExpires: context.identity.trust.crlExpires, expectedName: expectation.serverName)
    }

    /// What the other side sent beside its own certificate.
    private func intermediates(_ verification: OpaquePointer) -> [Certificate] {
        guard let sent = X509_STORE_CTX_get0_untrusted(verification) else { return [] }
        return (0..<coxswain_certificates_count(sent)).dropFirst().compactMap { index in
            coxswain_certificate(sent, index).flatMap { try? Certificate(sharing: $0) }
        }
    }
}

/// OpenSSL calls this in the middle of a handshake to judge the other side's certificate.
func judgePeer(_ verification: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard let verification,
        let ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let session = SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return 0 }
    return Unmanaged<TLSSession>.fromOpaque(session).takeUnretainedValue().judge(verification) ? 1 : 0
}

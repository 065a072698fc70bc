import COpenSSL

/// The consortium's authority and its revocation list: who counts as one of us.
package struct TrustStore: Sendable {
    private let storage: Storage
    /// When the first of the revocation lists goes out of date, in seconds since 1970.
    ///
    /// Nobody is trusted after it.
    package var crlExpires: Int { storage.expires }
    package var roots: [Certificate] { storage.roots }

    /// At least one authority, and for each list the authority that signed it; a list of somebody else is
    /// refused.
    package init(rootsPEM: String, crlPEM: String) throws(CryptographyError) {
        storage = try Storage(roots: Certificate.chain(pem: rootsPEM), crlPEM: crlPEM)
    }

    /// Refuses a certificate that does not prove its holder's identity at `time`.
    ///
    /// It must chain to a root by RFC 5280's rules (OpenSSL's strict reading), be valid at `time`, not be
    /// revoked by a list that is itself in date, be no authority, and carry an extended key usage for TLS.
    package func validate(
        _ certificate: Certificate, intermediates: [Certificate] = [], at time: Int
    ) throws(CryptographyError) {
        if let refusal = try refusal(of: certificate, intermediates: intermediates, at: time) {
            throw .certificateRefused(subject: certificate.holder, refusal)
        }
    }

    /// Whether one of the lists names it.
    ///
    /// A certificate of another authority is not revoked, but does not count either.
    package func isRevoked(_ certificate: Certificate) -> Bool {
        storage.lists.contains { list in
            var entry: OpaquePointer?
            return certificate.withX509 { X509_CRL_get0_by_cert(list, &entry, $0) } == 1
        }
    }

    /// Lends the `X509_STORE`, which has the roots, the lists and the flags, to a TLS context.
    package func withX509Store<Result>(_ body: (OpaquePointer) -> Result) -> Result { body(storage.store) }

    private func refusal(
        of certificate: Certificate, intermediates: [Certificate], at time: Int
    ) throws(CryptographyError) -> CertificateRefusal? {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard certificate.isForClient || certificate.isForServer, !certificate.isAuthority else {
            return .missingUsage
        }
        let context = try require(X509_STORE_CTX_new(), "check a certificate")
        let chain = try require(coxswain_certificates_new(), "check a certificate")
        defer {
            X509_STORE_CTX_free(context)
            coxswain_certificates_free(chain)
        }
        for intermediate in intermediates {
            _ = intermediate.withX509 { coxswain_certificates_push(chain, $0) }
        }
        try require(
            certificate.withX509 { X509_STORE_CTX_init(context, storage.store, $0, chain) },
            "check a certificate")
        let purpose = certificate.isForClient ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER
        try require(X509_STORE_CTX_set_purpose(context, purpose), "check a certificate")
        X509_STORE_CTX_set_time(context, 0, time)
        guard X509_verify_cert(context) != 1 else { return nil }
        let culprit = X509_STORE_CTX_get_current_cert(context).flatMap { try? Certificate(sharing: $0) }
        return CertificateRefusal(
            verifyCode: Int(X509_STORE_CTX_get_error(context)), certificate: culprit ?? certificate,
            revocationListExpires: crlExpires)
    }
}

/// OpenSSL's store with the parsed lists beside it.
///
/// Safe to share: neither store nor lists change after `init`, and a store's look-ups take its own lock.
private final class Storage: @unchecked Sendable {
    let store: OpaquePointer
    let roots: [Certificate]
    private(set) var lists: [OpaquePointer] = []
    private(set) var expires = Int.max

    init(roots: [Certificate], crlPEM: String) throws(CryptographyError) {
        ERR_clear_error()
        store = try require(X509_STORE_new(), "hold the consortium's authority")
        self.roots = roots
        for root in roots {
            guard root.isAuthority else {
                throw .notAccepted(what: "the certificate \(root.holder)", reason: "it is not an authority's")
            }
            try require(root.withX509 { X509_STORE_add_cert(store, $0) }, "hold the consortium's authority")
        }
        try readLists(crlPEM)
        let flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL
        try require(X509_STORE_set_flags(store, UInt(flags)), "check revocation")
    }

    deinit {
        for list in lists { X509_CRL_free(list) }
        X509_STORE_free(store)
    }

    private func readLists(_ pem: String) throws(CryptographyError) {
        let what = "the revocation list"
        let source = try MemoryBIO(pem)
        while let list = PEM_read_bio_X509_CRL(source.raw, nil, noPassphrase, nil) {
            lists.append(list)  // first: `deinit` frees it also if the rest throws
            guard roots.contains(where: { hasSigned($0, list) }) else {
                ERR_clear_error()
                throw .notAccepted(what: what, reason: "the consortium's authority has not signed it")
            }
            guard let nextUpdate = seconds(X509_CRL_get0_nextUpdate(list)) else {
                throw .notAccepted(what: what, reason: "it does not say until when it holds")
            }
            expires = min(expires, nextUpdate)
            try require(X509_STORE_add_crl(store, list), "hold the revocation list")
        }
        try requireEndOfPEM(what)
        guard !lists.isEmpty else { throw .unreadable(what: what, reason: "there is none in it") }
    }

    private func hasSigned(_ root: Certificate, _ list: OpaquePointer) -> Bool {
        root.withX509 { authority in
            X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(list)) == 0
                && X509_CRL_verify(list, X509_get0_pubkey(authority)) == 1
        }
    }
}

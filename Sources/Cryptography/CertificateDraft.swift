import COpenSSL

/// An X.509 certificate before it is signed.
struct CertificateDraft: ~Copyable {
    private let raw: OpaquePointer
    /// Nil for a certificate that signs itself.
    private let issuer: Certificate?

    /// A random 159-bit serial number (RFC 5280 allows 20 octets and wants it positive), and five minutes'
    /// grace for clocks that are behind.
    init(
        subject: [(field: String, value: String)], publicKey: PublicKey, issuer: Certificate?, at time: Int,
        days: Int
    ) throws(CryptographyError) {
        ERR_clear_error()
        let draft = try require(X509_new(), "make a certificate")
        do throws(CryptographyError) {
            try require(X509_set_version(draft, 2), "make a certificate")  // 2 means version 3
            try Self.setRandomSerial(draft)
            try Self.setNames(draft, subject, issuer: issuer)
            try require(ASN1_TIME_set(X509_getm_notBefore(draft), time - 300), "set the start")
            try require(ASN1_TIME_set(X509_getm_notAfter(draft), time + days * secondsPerDay), "set the end")
            try require(X509_set_pubkey(draft, publicKey.raw), "set the public key")
        } catch {
            X509_free(draft)
            throw error
        }
        self.issuer = issuer
        raw = draft  // last: nothing may throw once a value without copies is whole
    }

    deinit { X509_free(raw) }

    /// Adds an extension in OpenSSL's notation; `value` must hold checked text only.
    func add(_ kind: Int32, _ value: String) throws(CryptographyError) {
        var context = X509V3_CTX()
        func make(_ authority: OpaquePointer) -> OpaquePointer? {
            X509V3_set_ctx(&context, authority, raw, nil, nil, 0)
            return X509V3_EXT_nconf_nid(nil, &context, kind, value)
        }
        let made = try require(issuer?.withX509(make) ?? make(raw), "make a certificate extension")
        defer { X509_EXTENSION_free(made) }
        try require(X509_add_ext(raw, made, -1), "add a certificate extension")
    }

    func signed(by key: PrivateKey) throws(CryptographyError) -> Certificate {
        guard key.withEVPKey({ X509_sign(raw, $0, key.algorithm.digest) }) > 0 else {
            throw .failed(to: "sign a certificate")
        }
        return try Certificate(sharing: raw)
    }

    private static func setRandomSerial(_ draft: OpaquePointer) throws(CryptographyError) {
        let number = try require(BN_new(), "draw a serial number")
        defer { BN_free(number) }
        try require(BN_rand(number, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), "draw a serial number")
        try require(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(draft)), "draw a serial number")
    }

    private static func setNames(
        _ draft: OpaquePointer, _ subject: [(field: String, value: String)], issuer: Certificate?
    ) throws(CryptographyError) {
        let name = X509_get_subject_name(draft)
        for (field, value) in subject {
            // MBSTRING_FLAG alone means UTF-8 (MBSTRING_UTF8, a macro that Swift does not import).
            try require(
                X509_NAME_add_entry_by_txt(name, field, MBSTRING_FLAG, value, -1, -1, 0), "set the subject")
        }
        let set = issuer?.withX509 { X509_set_issuer_name(draft, X509_get_subject_name($0)) }
        try require(set ?? X509_set_issuer_name(draft, name), "set the issuer")
    }
}

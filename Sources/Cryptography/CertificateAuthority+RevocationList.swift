import COpenSSL

extension CertificateAuthority {
    /// A revocation list (PEM) that holds for `days` from `time` (and five minutes before: clocks differ).
    ///
    /// `revoked` has every certificate ever revoked and not yet expired: its serial number (hexadecimal) and
    /// when it was revoked; `number` must grow with each list (RFC 5280, section 5.2.3). Times in seconds
    /// since 1970.
    package func revocationList(
        revoked: [(serial: String, time: Int)], number: Int, at time: Int, days: Int
    ) throws(CryptographyError) -> String {
        ERR_clear_error()
        let list = try require(X509_CRL_new(), "make a revocation list")
        defer { X509_CRL_free(list) }
        try require(X509_CRL_set_version(list, 1), "make a revocation list")  // 1 means version 2
        try require(
            certificate.withX509 { X509_CRL_set_issuer_name(list, X509_get_subject_name($0)) },
            "set the issuer")
        try withTime(time - 300) { X509_CRL_set1_lastUpdate(list, $0) }
        try withTime(time + days * secondsPerDay) { X509_CRL_set1_nextUpdate(list, $0) }
        for (serial, time) in revoked { try add(serial, revokedAt: time, to: list) }
        try addExtensions(to: list, number: number)
        try require(X509_CRL_sort(list), "sort a revocation list")
        guard key.withEVPKey({ X509_CRL_sign(list, $0, key.algorithm.digest) }) > 0 else {
            throw .failed(to: "sign a revocation list")
        }
        let out = try MemoryBIO()
        try require(PEM_write_bio_X509_CRL(out.raw, list), "write a revocation list")
        return out.text
    }

    private func add(_ serial: String, revokedAt time: Int, to list: OpaquePointer) throws(CryptographyError)
    {
        guard (1...40).contains(serial.utf8.count), serial.utf8.allSatisfy(isHexadecimalDigit) else {
            throw .notAccepted(what: "a serial number", reason: "it takes 1 to 40 hexadecimal digits")
        }
        var number: OpaquePointer?
        guard BN_hex2bn(&number, serial) > 0 else { throw .failed(to: "read a serial number") }
        defer { BN_free(number) }
        let integer = try require(BN_to_ASN1_INTEGER(number, nil), "read a serial number")
        defer { ASN1_INTEGER_free(integer) }
        let entry = try require(X509_REVOKED_new(), "revoke a certificate")
        do throws(CryptographyError) {
            try require(X509_REVOKED_set_serialNumber(entry, integer), "revoke a certificate")
            try withTime(time) { X509_REVOKED_set_revocationDate(entry, $0) }
            try require(X509_CRL_add0_revoked(list, entry), "revoke a certificate")  // the list owns it now
        } catch {
            X509_REVOKED_free(entry)
            throw error
        }
    }

    private func addExtensions(to list: OpaquePointer, number: Int) throws(CryptographyError) {
        var context = X509V3_CTX()
        let identifier = certificate.withX509 { authority in
            X509V3_set_ctx(&context, authority, nil, nil, list, 0)
            return X509V3_EXT_nconf_nid(nil, &context, NID_authority_key_identifier, "keyid:always")
        }
        let made = try require(identifier, "name a list's authority")
        defer { X509_EXTENSION_free(made) }
        try require(X509_CRL_add_ext(list, made, -1), "name a list's authority")
        let integer = try require(ASN1_INTEGER_new(), "number a list")
        defer { ASN1_INTEGER_free(integer) }
        try require(ASN1_INTEGER_set_int64(integer, Int64(number)), "number a list")
        try require(X509_CRL_add1_ext_i2d(list, NID_crl_number, integer, 0, 0), "number a list")
    }
}

private func withTime(
    _ time: Int, _ use: (UnsafeMutablePointer<ASN1_TIME>) -> Int32
) throws(CryptographyError) {
    let made = try require(ASN1_TIME_set(nil, time), "write a time")
    defer { ASN1_TIME_free(made) }
    try require(use(made), "write a time")
}

private func isHexadecimalDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"):
        true
    default: false
    }
}

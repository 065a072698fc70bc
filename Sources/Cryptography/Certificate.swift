import COpenSSL
import Glibc

/// One parsed X.509 certificate; equal when the bytes are.
///
/// Parsing proves nothing: only `TrustStore.validate` or a TLS handshake says that the certificate counts.
package final class Certificate: @unchecked Sendable, Hashable {
    // Safe to share: the X509 is not changed after `init`, and OpenSSL's lazy caches in it are filled there.
    private let owned: OwnedX509
    private var raw: OpaquePointer { owned.raw }
    package let der: [UInt8]
    /// As in RFC 2253, such as `CN=hospital-1,OU=node,O=consortium`.
    package let subject: String
    package let issuer: String
    /// Upper-case hexadecimal, as `openssl x509 -serial` prints it.
    package let serial: String
    /// Seconds since 1970.
    package let notBefore: Int
    package let notAfter: Int
    /// The URI of the subject alternative name, when there is exactly one and it names a party.
    package let spiffeID: SPIFFEID?
    /// SHA-256 of the DER form.
    package let fingerprint: SHA256Digest
    /// Nil when the key is of a kind that nobody here signs with.
    package let publicKey: PublicKey?
    private let usage: UInt32

    /// Takes over the caller's reference to `raw`, also when it throws.
    private init(adopting raw: OpaquePointer) throws(CryptographyError) {
        owned = OwnedX509(raw)
        X509_check_purpose(raw, -1, 0)  // fills the caches of the extensions
        guard X509_get_extension_flags(raw) & UInt32(EXFLAG_INVALID) == 0 else {
            ERR_clear_error()
            throw .unreadable(what: "the certificate", reason: "an extension is malformed")
        }
        guard let encoded = encodedDER(of: raw), let notBefore = seconds(X509_get0_notBefore(raw)),
            let notAfter = seconds(X509_get0_notAfter(raw)),
            let serial = hexadecimal(X509_get0_serialNumber(raw))
        else { throw .unreadable(what: "the certificate", reason: takeErrorQueue()) }
        (der, self.notBefore, self.notAfter, self.serial) = (encoded, notBefore, notAfter, serial)
        fingerprint = SHA256Digest(of: encoded)
        subject = try text(of: X509_get_subject_name(raw))
        issuer = try text(of: X509_get_issuer_name(raw))
        let uris = uriNames(of: raw)
        spiffeID = uris.count == 1 ? SPIFFEID(uris[0]) : nil
        usage = X509_get_extended_key_usage(raw)
        // A key we cannot use leaves a certificate that signs nothing, not an unreadable one.
        publicKey = X509_get_pubkey(raw).flatMap { try? PublicKey(adopting: $0, what: "the certificate") }
    }

    /// The first certificate in the text.
    package convenience init(pem: String) throws(CryptographyError) {
        ERR_clear_error()
        let source = try MemoryBIO(pem)
        guard let certificate = PEM_read_bio_X509(source.raw, nil, noPassphrase, nil) else {
            throw .unreadable(what: "the certificate", reason: takeErrorQueue())
        }
        try self.init(adopting: certificate)
    }

    /// The whole of `der` and nothing after it.
    package convenience init(der: [UInt8]) throws(CryptographyError) {
        ERR_clear_error()
        let (certificate, read) = der.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            let certificate = d2i_X509(nil, &position, bytes.count)
            return (certificate, position.flatMap { end in bytes.baseAddress.map { end - $0 } } ?? 0)
        }
        guard let certificate else { throw .unreadable(what: "the certificate", reason: takeErrorQueue()) }
        try self.init(adopting: certificate)
        guard read == der.count else { throw .unreadable(what: "the certificate", reason: "bytes follow it") }
    }

    /// Takes a further reference to a certificate that OpenSSL holds, such as a peer's during a handshake.
    package convenience init(sharing raw: OpaquePointer) throws(CryptographyError) {
        try require(X509_up_ref(raw), "share a certificate")
        try self.init(adopting: raw)
    }

    /// All certificates of a PEM text, leaf first as in a chain file; at least one.
    package static func chain(pem: String) throws(CryptographyError) -> [Certificate] {
        ERR_clear_error()
        let source = try MemoryBIO(pem)
        var chain: [Certificate] = []
        while let certificate = PEM_read_bio_X509(source.raw, nil, noPassphrase, nil) {
            chain.append(try Certificate(adopting: certificate))
        }
        try requireEndOfPEM("the certificate")
        guard !chain.isEmpty else {
            throw .unreadable(what: "the certificate", reason: "there is none in it")
        }
        return chain
    }

    package var pem: String {
        let encoded = Array(base64(der))
        let lines = stride(from: 0, to: encoded.count, by: 64).map {
            String(decoding: encoded[$0..<min($0 + 64, encoded.count)], as: UTF8.self)
        }
        return (["-----BEGIN CERTIFICATE-----"] + lines + ["-----END CERTIFICATE-----", ""]).joined(
            separator: "\n")
    }

    /// Whether an extended key usage is there and says so; its absence allows nothing.
    package var isForClient: Bool { usage != UInt32.max && usage & UInt32(XKU_SSL_CLIENT) != 0 }
    package var isForServer: Bool { usage != UInt32.max && usage & UInt32(XKU_SSL_SERVER) != 0 }

    /// Whether it may sign other certificates.
    package var isAuthority: Bool { X509_get_extension_flags(raw) & UInt32(EXFLAG_CA) != 0 }

    /// Who this is, for a log line: the SPIFFE id, or else the beginning of the subject, which a stranger may
    /// have chosen.
    package var holder: String {
        spiffeID?.description ?? (subject.isEmpty ? "serial \(serial)" : String(subject.prefix(120)))
    }

    package func isValidSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        publicKey?.isValidSignature(signature, of: message) ?? false
    }

    /// Lends the `X509` to another user of OpenSSL, which must not change it.
    package func withX509<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result { try body(raw) }

    package static func == (one: Certificate, other: Certificate) -> Bool { one.der == other.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

/// The PEM readers end with "no start line" at the end of the text; anything else is damage.
func requireEndOfPEM(_ what: String) throws(CryptographyError) {
    let code = ERR_peek_last_error()
    let reason = takeErrorQueue()
    if code == 0 || ERR_GET_REASON(code) == PEM_R_NO_START_LINE { return }
    throw .unreadable(what: what, reason: reason)
}

/// Seconds since 1970.
func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return timegm(&parts)
}

private func encodedDER(of certificate: OpaquePointer) -> [UInt8]? {
    var start: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(certificate, &start)
    guard count > 0, let start else { return nil }
    defer { CRYPTO_free(start, nil, 0) }
    return Array(UnsafeBufferPointer(start: start, count: Int(count)))
}

private func hexadecimal(_ serial: UnsafePointer<ASN1_INTEGER>?) -> String? {
    guard let number = ASN1_INTEGER_to_BN(serial, nil) else { return nil }
    defer { BN_free(number) }
    guard let digits = BN_bn2hex(number) else { return nil }
    defer { CRYPTO_free(digits, nil, 0) }
    return String(cString: digits)
}

private func text(of name: OpaquePointer?) throws(CryptographyError) -> String {
    let out = try MemoryBIO()
    X509_NAME_print_ex(out.raw, name, 0, coxswain_name_format())
    return out.text
}

private func uriNames(of certificate: OpaquePointer) -> [String] {
    guard let extensionValue = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
        return []
    }
    let names = OpaquePointer(extensionValue)
    defer { GENERAL_NAMES_free(names) }
    return (0..<coxswain_general_name_count(names)).compactMap { index in
        var type: Int32 = -1
        guard let value = coxswain_general_name_value(coxswain_general_name(names, index), &type),
            type == GEN_URI
        else { return nil }
        let string = value.assumingMemoryBound(to: ASN1_STRING.self)
        let bytes = UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
        return String(decoding: bytes, as: UTF8.self)
    }
}

private func base64(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    var out = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)  // and a terminating zero
    let count = EVP_EncodeBlock(&out, bytes, Int32(bytes.count))
    return out.prefix(Int(count))
}

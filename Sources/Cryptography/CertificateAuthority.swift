import COpenSSL

/// The consortium's authority: a key, and the self-signed certificate that everybody trusts.
package struct CertificateAuthority: Sendable {
    package let key: PrivateKey
    package let certificate: Certificate
    package let consortium: String

    /// An authority that exists; key and certificate must belong together.
    package init(key: PrivateKey, certificate: Certificate) throws(CryptographyError) {
        let belongs =
            certificate.withX509 { x509 in key.withEVPKey { X509_check_private_key(x509, $0) } } == 1
        ERR_clear_error()
        guard belongs, certificate.isAuthority else {
            throw .notAccepted(what: "the authority's certificate", reason: "it is not one of this key")
        }
        guard let consortium = commonName(of: certificate), SPIFFEID.isName(consortium) else {
            throw .notAccepted(
                what: "the authority's certificate", reason: "its common name is not a consortium's name")
        }
        (self.key, self.certificate, self.consortium) = (key, certificate, consortium)
    }

    /// A new authority, valid from five minutes before `time` (clocks differ), for `days`.
    package static func create(
        consortium: String, at time: Int, days: Int, algorithm: PrivateKey.Algorithm = .p256
    ) throws(CryptographyError) -> CertificateAuthority {
        try checkName(consortium)
        let key = try PrivateKey.generate(algorithm)
        let draft = try CertificateDraft(
            subject: [("O", consortium), ("CN", consortium)], publicKey: key.publicKey, issuer: nil, at: time,
            days: days)
        try draft.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try draft.add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try draft.add(NID_subject_key_identifier, "hash")
        return try CertificateAuthority(key: key, certificate: draft.signed(by: key))
    }

    /// A certificate for a key that this process holds.
    package func issue(
        for id: SPIFFEID, key: PrivateKey, dnsNames: [String], ipAddresses: [String], at time: Int, days: Int
    ) throws(CryptographyError) -> Certificate {
        try issue(
            for: id, publicKey: key.publicKey, dnsNames: dnsNames, ipAddresses: ipAddresses, at: time,
            days: days)
    }

    /// A certificate that says `publicKey` is `id`: for TLS clients, and for servers too if it is the
    /// coordinator.
    ///
    /// `dnsNames` and `ipAddresses` are where a coordinator is reached. Nobody's certificate outlives the
    /// authority's.
    package func issue(
        for id: SPIFFEID, publicKey: PublicKey, dnsNames: [String], ipAddresses: [String], at time: Int,
        days: Int
    ) throws(CryptographyError) -> Certificate {
        guard id.consortium == consortium else {
            throw .notAccepted(what: "\(id)", reason: "this authority serves \(consortium)")
        }
        guard time + days * secondsPerDay <= certificate.notAfter else {
            throw .notAccepted(
                what: "a life of \(days) days",
                reason:
                    "the authority itself expires on \(calendarDay(certificate.notAfter)); choose fewer days")
        }
        let names = try ["URI:\(id)"] + dnsNames.map(Self.dnsEntry) + ipAddresses.map(Self.addressEntry)
        let draft = try CertificateDraft(
            subject: subject(of: id), publicKey: publicKey, issuer: certificate, at: time, days: days)
        try draft.add(NID_basic_constraints, "critical,CA:FALSE")
        try draft.add(NID_key_usage, "critical,digitalSignature")
        let usage = id.role == .coordinator ? "serverAuth,clientAuth" : "clientAuth"
        try draft.add(NID_ext_key_usage, usage)
        try draft.add(NID_subject_alt_name, names.joined(separator: ","))
        try draft.add(NID_subject_key_identifier, "hash")
        try draft.add(NID_authority_key_identifier, "keyid:always")
        return try draft.signed(by: key)
    }

    private func subject(of id: SPIFFEID) -> [(String, String)] {
        switch id.role {
        case .node(let site): [("O", consortium), ("OU", "node"), ("CN", site)]
        case .operator(let name): [("O", consortium), ("OU", "operator"), ("CN", name)]
        case .coordinator: [("O", consortium), ("OU", "coordinator"), ("CN", "coordinator")]
        }
    }

    // OpenSSL reads extensions from a text in which commas and line ends mean something: nothing unchecked
    // enters it.

    private static func dnsEntry(_ name: String) throws(CryptographyError) -> String {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy({ SPIFFEID.isName(String($0)) }) else {
            throw .notAccepted(
                what: "a DNS name", reason: "it takes labels of a-z 0-9 - with dots between, no wildcard")
        }
        return "DNS:\(name)"
    }

    private static func addressEntry(_ address: String) throws(CryptographyError) -> String {
        guard let bytes = a2i_IPADDRESS(address) else {
            ERR_clear_error()
            throw .notAccepted(what: "an IP address", reason: "write it as 192.0.2.1 or 2001:db8::1")
        }
        ASN1_OCTET_STRING_free(bytes)
        return "IP:\(address)"
    }
}

let secondsPerDay = 86_400

func checkName(_ name: String) throws(CryptographyError) {
    guard SPIFFEID.isName(name) else {
        throw .notAccepted(what: "a name", reason: "it takes 1 to 63 of a-z 0-9 -")
    }
}

private func commonName(of certificate: Certificate) -> String? {
    certificate.withX509 { x509 in
        var text = [CChar](repeating: 0, count: 128)
        let count = X509_NAME_get_text_by_NID(
            X509_get_subject_name(x509), NID_commonName, &text, Int32(text.count))
        guard count > 0 else { return nil }
        return String(decoding: text.prefix(Int(count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

import Cryptography
import TestConsortia
import Testing

@Suite struct CertificateTests {
    let consortium: Consortium
    let now = Consortium.now

    init() throws { consortium = try Consortium() }

    @Test func `a node's certificate says who it is and what it is for`() throws {
        let certificate = try consortium.certificate(.node("hospital-1"))
        #expect(certificate.spiffeID == SPIFFEID("spiffe://liver/node/hospital-1"))
        #expect(certificate.subject == "CN=hospital-1,OU=node,O=liver")
        #expect(certificate.issuer == "CN=liver,O=liver")
        #expect(certificate.notBefore == now - 300)
        #expect(certificate.notAfter == now + 365 * Consortium.day)
        #expect(certificate.isForClient && !certificate.isForServer && !certificate.isAuthority)
        #expect(certificate.serial.count == 40)
        #expect(certificate.fingerprint == SHA256Digest(of: certificate.der))
    }

    @Test func `only the coordinator may serve`() throws {
        let parties: [(SPIFFEID.Role, isForServer: Bool)] = [
            (.coordinator, true), (.node("a"), false), (.operator("ada"), false),
        ]
        for (role, isForServer) in parties {
            let certificate = try consortium.authority.issue(
                for: SPIFFEID(consortium: "liver", role: role), key: .generate(), dnsNames: ["c.example.org"],
                ipAddresses: ["192.0.2.1", "2001:db8::1"], at: now, days: 1)
            #expect(certificate.isForClient && certificate.isForServer == isForServer)
        }
    }

    @Test func `a certificate survives PEM and DER`() throws {
        let certificate = try consortium.certificate(.node("hospital-1"))
        #expect(try Certificate(pem: certificate.pem) == certificate)
        #expect(try Certificate(der: certificate.der) == certificate)
        let other = try consortium.certificate(.node("hospital-1"))
        #expect(other != certificate)
        #expect(try Certificate.chain(pem: certificate.pem + other.pem) == [certificate, other])
    }

    @Test func `bytes that are not exactly one certificate are refused`() throws {
        let der = try consortium.certificate(.node("hospital-1")).der
        #expect(
            sentence { _ = try Certificate(der: der + [0]) }
                == "the certificate cannot be read (bytes follow it)")
        for count in stride(from: 0, to: der.count, by: 7) {
            #expect(sentence { _ = try Certificate(der: Array(der.prefix(count))) } != nil, "\(count) bytes")
        }
    }

    @Test func `damaged bytes never count`() throws {
        let trust = try consortium.trust()
        let der = try consortium.certificate(.node("hospital-1")).der
        for position in der.indices {
            var damaged = der
            damaged[position] ^= 0x20
            #expect(
                sentence { try trust.validate(Certificate(der: damaged), at: now) } != nil, "byte \(position)"
            )
        }
    }

    @Test func `two URIs name nobody`() throws {
        let certificate = try Certificate(pem: foreignLeaf.twoNames)
        #expect(certificate.isForClient)
        #expect(certificate.spiffeID == nil)
    }

    @Test(arguments: [
        "a,URI:spiffe://liver/coordinator", "*.example.org", "a b", "", "a..b", "a\nb", "A.example.org",
    ])
    func `no DNS name can smuggle in another name`(name: String) {
        let said = sentence { _ = try issueCoordinator(dnsNames: [name]) }
        #expect(said?.hasPrefix("a DNS name is not accepted") == true)
    }

    @Test(arguments: ["192.0.2.1,DNS:evil", "192.0.2", "::1/64", "localhost", ""])
    func `no IP address can smuggle in another name`(address: String) {
        let said = sentence { _ = try issueCoordinator(ipAddresses: [address]) }
        #expect(said?.hasPrefix("an IP address is not accepted") == true)
    }

    @Test func `an authority serves its own consortium, no longer than it lives`() throws {
        let stranger = SPIFFEID(consortium: "lung", role: .coordinator)
        #expect(
            sentence {
                _ = try consortium.authority.issue(
                    for: stranger, key: .generate(), dnsNames: [], ipAddresses: [], at: now, days: 1)
            } == "spiffe://lung/coordinator is not accepted: this authority serves liver")
        #expect(
            sentence { _ = try consortium.certificate(.node("hospital-1"), days: 3651) }?.contains(
                "choose fewer days") == true)
        #expect(throws: Never.self) { try consortium.certificate(.node("hospital-1"), days: 3650) }
    }

    @Test func `an authority can be taken up again from its key and certificate, and from no others`() throws
    {
        let again = try CertificateAuthority(
            key: PrivateKey(pem: consortium.authority.key.pem),
            certificate: Certificate(pem: consortium.authority.certificate.pem))
        #expect(again.consortium == "liver")
        #expect(throws: CryptographyError.self) {
            try CertificateAuthority(key: .generate(), certificate: consortium.authority.certificate)
        }
        let key = try PrivateKey.generate()
        #expect(throws: CryptographyError.self) {
            try CertificateAuthority(
                key: key, certificate: consortium.certificate(.node("hospital-1"), key: key))
        }
    }

    @Test(arguments: ["", "xyz", "0x12", String(repeating: "1", count: 41)])
    func `a list takes serial numbers only`(serial: String) {
        let said = sentence {
            _ = try consortium.authority.revocationList(revoked: [(serial, now)], number: 1, at: now, days: 1)
        }
        #expect(said == "a serial number is not accepted: it takes 1 to 40 hexadecimal digits")
    }

    private func issueCoordinator(dnsNames: [String] = [], ipAddresses: [String] = []) throws -> Certificate {
        try consortium.authority.issue(
            for: SPIFFEID(consortium: "liver", role: .coordinator), key: .generate(), dnsNames: dnsNames,
            ipAddresses: ipAddresses, at: now, days: 1)
    }
}

import Cryptography
import TestConsortia
import Testing

@Suite struct TrustStoreTests {
    let consortium: Consortium
    let now = Consortium.now
    let day = Consortium.day

    init() throws { consortium = try Consortium() }

    @Test(arguments: [PrivateKey.Algorithm.p256, .ed25519], [PrivateKey.Algorithm.p256, .ed25519])
    func `what the authority issues is trusted`(
        authorityKey: PrivateKey.Algorithm, key: PrivateKey.Algorithm
    ) throws {
        let consortium = try Consortium(algorithm: authorityKey)
        let certificate = try consortium.certificate(.node("hospital-1"), key: .generate(key))
        #expect(throws: Never.self) { try consortium.trust().validate(certificate, at: now) }
    }

    @Test func `a certificate holds from five minutes before its issue until its last day`() throws {
        let certificate = try consortium.certificate(.node("hospital-1"), days: 10)
        let trust = try consortium.trust()
        try trust.validate(certificate, at: now - 299)
        try trust.validate(certificate, at: now + 10 * day - 1)
        #expect(
            sentence { try trust.validate(certificate, at: now + 10 * day + 1) }
                == """
                the certificate of spiffe://liver/node/hospital-1 is refused: it expired on 2026-10-01; \
                ask the consortium office for a new one
                """)
        #expect(
            sentence { try consortium.trust(at: now - day).validate(certificate, at: now - 301) }
                == """
                the certificate of spiffe://liver/node/hospital-1 is refused: it is not valid before \
                2026-09-21; check this computer's clock
                """)
    }

    @Test func `a revoked certificate is refused, another one is not`() throws {
        let revoked = try consortium.certificate(.node("hospital-2"))
        let other = try consortium.certificate(.node("hospital-3"))
        let list = try consortium.authority.revocationList(
            revoked: ["01", revoked.serial.lowercased()].map { ($0, now) }, number: 1, at: now, days: 30)
        let trust = try TrustStore(rootsPEM: consortium.authority.certificate.pem, crlPEM: list)
        #expect(trust.isRevoked(revoked))
        #expect(!trust.isRevoked(other))
        try trust.validate(other, at: now)
        #expect(
            sentence { try trust.validate(revoked, at: now) }
                == "the certificate of spiffe://liver/node/hospital-2 is refused: it is revoked")
    }

    @Test func `a revocation list from the future is refused`() throws {
        let said = sentence {
            try consortium.trust(at: now + day).validate(consortium.certificate(.node("hospital-1")), at: now)
        }
        #expect(
            said?.hasSuffix("is refused: the revocation list is not valid yet; check this computer's clock")
                == true)
    }

    @Test func `a certificate of another authority is refused, also of one with the same name`() throws {
        let trust = try consortium.trust()
        for other in [try Consortium("lung"), try Consortium("liver")] {
            let said = sentence { try trust.validate(other.certificate(.node("hospital-1")), at: now) }
            #expect(
                said?.contains("is refused: unknown CA: its issuer CN=\(other.authority.consortium),O=")
                    == true)
            #expect(try !trust.isRevoked(other.certificate(.node("x"))))
        }
    }

    @Test func `nobody is trusted once the revocation list is out of date`() throws {
        let certificate = try consortium.certificate(.node("hospital-1"))
        let trust = try consortium.trust()
        #expect(trust.crlExpires == now + 30 * day)
        try trust.validate(certificate, at: trust.crlExpires - 1)
        #expect(
            sentence { try trust.validate(certificate, at: trust.crlExpires + 1) }
                == """
                the certificate of spiffe://liver/node/hospital-1 is refused: the revocation list expired on \
                2026-10-21; get the consortium office's current one
                """)
    }

    @Test(arguments: [foreignLeaf.noExtendedUsage, foreignLeaf.codeSigning])
    func `a certificate without a TLS usage is refused`(pem: String) throws {
        let trust = try TrustStore(rootsPEM: foreignLeaf.root, crlPEM: foreignLeaf.list)
        let leaf = try Certificate(pem: pem)
        #expect(!leaf.isForClient && !leaf.isForServer)
        let said = sentence { try trust.validate(leaf, at: foreignLeaf.time) }
        #expect(said?.hasSuffix("is refused: its extended key usage does not allow this use") == true)
    }

    @Test func `the authority itself is no party`() throws {
        let said = sentence { try consortium.trust().validate(consortium.authority.certificate, at: now) }
        #expect(said?.hasSuffix("its extended key usage does not allow this use") == true)
    }

    @Test func `a store takes its own authority's list only`() throws {
        let other = try Consortium("liver")
        let list = try other.authority.revocationList(revoked: [], number: 1, at: now, days: 30)
        #expect(
            sentence { _ = try TrustStore(rootsPEM: consortium.authority.certificate.pem, crlPEM: list) }
                == "the revocation list is not accepted: the consortium's authority has not signed it")
    }

    @Test func `a store needs an authority and a list`() throws {
        let root = consortium.authority.certificate.pem
        let list = try consortium.authority.revocationList(revoked: [], number: 1, at: now, days: 30)
        #expect(
            sentence { _ = try TrustStore(rootsPEM: root, crlPEM: "") }
                == "the revocation list cannot be read (there is none in it)")
        #expect(
            sentence { _ = try TrustStore(rootsPEM: "", crlPEM: list) }
                == "the certificate cannot be read (there is none in it)")
        #expect(
            sentence {
                _ = try TrustStore(rootsPEM: consortium.certificate(.node("hospital-1")).pem, crlPEM: list)
            }
                == "the certificate spiffe://liver/node/hospital-1 is not accepted: it is not an authority's")
        #expect(sentence { _ = try TrustStore(rootsPEM: root, crlPEM: String(list.dropLast(100))) } != nil)
    }
}

import Cryptography
import Federation
import TestConsortia
import Testing

/// Who signed a message, and that nothing in it was changed.
struct SignedMessageTests {
    private let consortium: Consortium
    private let node: Signer
    private let message: SignedMessage
    private let refusal = Refusal(session: SHA256Digest(of: "a".utf8), site: "site-1", reason: "a reason")

    init() throws {
        consortium = try Consortium()
        node = try consortium.signer(.node("site-1"))
        message = try SignedMessage(refusal, by: node)
    }

    private func refusal(of message: SignedMessage, under trustView: TrustView? = nil) -> ProtocolError? {
        #expect(throws: ProtocolError.self) {
            try message.open(as: Refusal.self, under: trustView ?? consortium.trustView())
        }
    }

    private func expectUntrusted(
        _ message: SignedMessage, _ phrase: String, under trustView: TrustView? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard case .untrusted(let reason) = refusal(of: message, under: trustView) else {
            Issue.record("not untrusted", sourceLocation: sourceLocation)
            return
        }
        #expect(reason.contains(phrase), sourceLocation: sourceLocation)
    }

    @Test func `a message tells who signed it`() throws {
        let (content, signer) = try message.open(as: Refusal.self, under: consortium.trustView())
        #expect(content == refusal)
        #expect(signer == SPIFFEID(consortium: "liver", role: .node("site-1")))
    }

    @Test func `a message of one type is not read as another`() throws {
        #expect(throws: ProtocolError.self) {
            try message.open(as: RosterAcknowledgement.self, under: consortium.trustView())
        }
    }

    /// The same text under another type's name: only the signature, which covers the type, can tell.
    @Test func `a message does not pass for one of another type`() throws {
        expectUntrusted(try SignedMessage(Twin(refusal), by: node).altered(type: Refusal.type), "signature")
    }

    @Test func `an altered text is refused`() throws {
        let payload = message.payload.replacing("a reason", with: "b reason")
        expectUntrusted(try message.altered(payload: payload), "signature")
    }

    @Test func `an altered, cut or missing signature is refused`() throws {
        var bytes = message.signature.bytes
        expectUntrusted(try message.altered(signature: HexBytes([])), "signature")
        expectUntrusted(try message.altered(signature: HexBytes(Array(bytes.dropLast()))), "signature")
        bytes[bytes.count / 2] ^= 1
        expectUntrusted(try message.altered(signature: HexBytes(bytes)), "signature")
    }

    @Test func `another hospital's signature under this hospital's certificate is refused`() throws {
        let other = try consortium.signer(.node("site-2"))
        let forged = try SignedMessage(refusal, by: other).altered(certificate: message.certificate)
        expectUntrusted(forged, "signature")
    }

    @Test func `the signature says which node it was, whatever the text says`() throws {
        let impostor = try consortium.signer(.node("site-2"))
        let (_, signer) = try SignedMessage(refusal, by: impostor).open(
            as: Refusal.self, under: consortium.trustView())
        #expect(signer.role == .node("site-2"))
    }

    @Test func `a certificate of another consortium is refused, also one of the same name`() throws {
        for name in ["liver", "kidney"] {
            let stranger = try Consortium(name).signer(.node("site-1"))
            expectUntrusted(try SignedMessage(refusal, by: stranger), "unknown CA")
        }
    }

    /// Only the name in the certificate can tell: the authority is trusted.
    @Test func `an authority that serves another consortium does not make members of this one`() throws {
        var trustView = try consortium.trustView()
        trustView.consortium = "kidney"
        expectUntrusted(message, "no member of kidney", under: trustView)
    }

    @Test func `an expired certificate is refused`() throws {
        let old = try consortium.signer(.node("site-1"), days: 1)
        let message = try SignedMessage(refusal, by: old)
        let later = try consortium.trustView(at: Consortium.now + 2 * Consortium.day)
        expectUntrusted(message, "expired on 2026-09-22", under: later)
        #expect(throws: Never.self) { try message.open(as: Refusal.self, under: consortium.trustView()) }
    }

    @Test func `a certificate that is not valid yet is refused`() throws {
        let early = try consortium.trustView(at: Consortium.now - Consortium.day)
        expectUntrusted(message, "not valid", under: early)
    }

    @Test func `a revoked certificate is refused`() throws {
        expectUntrusted(message, "revoked", under: try consortium.trustView(revoking: [node]))
        let other = try consortium.signer(.node("site-2"))
        #expect(throws: Never.self) {
            try message.open(as: Refusal.self, under: consortium.trustView(revoking: [other]))
        }
    }

    /// A restart must not stumble over a certificate that was good when the message came; see `forStoredMessages`.
    @Test func `a message out of one's own store outlives its sender's certificate, not its signature`()
        throws
    {
        let old = try consortium.signer(.node("site-1"), days: 1)
        let message = try SignedMessage(refusal, by: old)
        let later = try consortium.trustView(revoking: [old], at: Consortium.now + 2 * Consortium.day)
        #expect(throws: Never.self) { try message.open(as: Refusal.self, under: later.forStoredMessages) }
        expectUntrusted(message, "certificate", under: later)
        let payload = message.payload.replacing("a reason", with: "b reason")
        expectUntrusted(try message.altered(payload: payload), "signature", under: later.forStoredMessages)
    }

    @Test func `an authority's own certificate signs no message`() throws {
        let office = Signer(certificate: consortium.authority.certificate, key: try .generate())
        expectUntrusted(try SignedMessage(refusal, by: office), "certificate")
    }

    @Test(arguments: ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"])
    func `what is no certificate is refused`(_ text: String) throws {
        expectUntrusted(try message.altered(certificate: text), "certificate")
    }

    /// Signed as it stands, so only the rule of the one spelling can tell.
    @Test func `a text that is signed but not in its one spelling is refused`() throws {
        guard case .malformed = refusal(of: try SignedMessage(Loose(refusal), by: node)) else {
            Issue.record("accepted")
            return
        }
    }

    /// A refusal's text under another type's name.
    private struct Twin: Message {
        static let type = "twin"
        var session: SHA256Digest
        var site: String
        var reason: String

        init(_ refusal: Refusal) {
            (session, site, reason) = (refusal.session, refusal.site, refusal.reason)
        }
    }

    /// A refusal with one key too many.
    private struct Loose: Message {
        static let type = Refusal.type
        var session: SHA256Digest
        var site: String
        var reason: String
        var extra = 1

        init(_ refusal: Refusal) {
            (session, site, reason) = (refusal.session, refusal.site, refusal.reason)
        }
    }
}

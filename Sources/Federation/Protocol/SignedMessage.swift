package import Cryptography

/// A message with its sender's certificate and signature.
///
/// Signed is `coxswain/1/` + type + NUL + SHA-256(payload), so that no message can pass for one of another type.
package struct SignedMessage: Hashable, Sendable, Codable {
    package let type: String
    /// The message's canonical JSON, exactly as signed.
    package let payload: String
    /// PEM.
    package let certificate: String
    package let signature: HexBytes

    package init<Content: Message>(_ content: Content, by signer: Signer) throws(CryptographyError) {
        type = Content.type
        payload = String(decoding: CanonicalJSON.bytes(content), as: UTF8.self)
        certificate = signer.certificate.pem
        signature = HexBytes(try signer.key.sign(Self.signedBytes(Content.type, payload)))
    }

    package var payloadDigest: SHA256Digest { SHA256Digest(of: payload.utf8) }

    /// The message, if an identity of the consortium signed it and its certificate holds now.
    package func open<Content: Message>(
        as content: Content.Type, under trustView: TrustView
    ) throws(ProtocolError) -> (content: Content, signer: SPIFFEID) {
        guard type == Content.type else {
            throw .malformed("the message \"\(Content.type)\" was expected, not \"\(type.prefix(20))\"")
        }
        let sender: Certificate
        do {
            sender = try Certificate(pem: certificate)
            if !trustView.isForStoredMessages { try trustView.trust.validate(sender, at: trustView.time) }
        } catch {
            throw .untrusted("the certificate on a \(Content.type): \(error)")
        }
        guard let identity = sender.spiffeID, identity.consortium == trustView.consortium else {
            throw .untrusted(
                "the certificate on a \(Content.type) belongs to no member of \(trustView.consortium)")
        }
        if !trustView.isForStoredMessages { try trustView.checkPin(of: sender, identity) }
        guard sender.isValidSignature(signature.bytes, of: Self.signedBytes(type, payload)) else {
            throw .untrusted("the signature of \(identity) on its \(Content.type) does not fit the text")
        }
        let bytes = Array(payload.utf8)
        return trustView.isForStoredMessages
            ? (try CanonicalJSON.decode(Content.self, fromStored: bytes), identity)
            : (try CanonicalJSON.decode(Content.self, from: bytes), identity)
    }

    private static func signedBytes(_ type: String, _ payload: String) -> [UInt8] {
        Array("coxswain/1/\(type)\0".utf8) + SHA256Digest(of: payload.utf8).bytes
    }
}

/// A party's certificate and the key that goes with it.
package struct Signer: Sendable {
    package var certificate: Certificate
    package var key: PrivateKey

    package init(certificate: Certificate, key: PrivateKey) {
        (self.certificate, self.key) = (certificate, key)
    }
}

/// Whom to believe, and when: the consortium's trust anchors, its name, and the time of the check in seconds since 1970.
package struct TrustView: Sendable {
    package var trust: TrustStore
    package var consortium: String
    package var time: Int
    /// Fingerprints of the hospitals' certificates, by site, that were compared out of band.
    ///
    /// If given, no other hospital's word counts: an office that was broken into cannot invent or replace hospitals.
    package var pins: [String: SHA256Digest]?
    /// Whether certificates are left unjudged, because that was done when the messages came.
    fileprivate var isForStoredMessages = false

    package init(trust: TrustStore, consortium: String, time: Int, pins: [String: SHA256Digest]? = nil) {
        (self.trust, self.consortium, self.time, self.pins) = (trust, consortium, time, pins)
    }

    /// For messages out of one's own store, whose senders were judged when the messages came.
    ///
    /// A certificate may have expired or been revoked since. That takes nothing from what was signed before, and must not
    /// keep a program from taking up its work after a restart. Signatures are checked all the same.
    package var forStoredMessages: TrustView {
        var trustView = self
        trustView.isForStoredMessages = true
        return trustView
    }

    /// Refuses a hospital's certificate that is not the pinned one.
    fileprivate func checkPin(of certificate: Certificate, _ identity: SPIFFEID) throws(ProtocolError) {
        guard let pins, case .node(let site) = identity.role else { return }
        guard let pin = pins[site] else {
            throw .untrusted(
                "\(site) is not among this hospital's peers; compare its fingerprint and add it to peers:")
        }
        guard pin == certificate.fingerprint else {
            throw .untrusted(
                "the certificate of \(site) is not the one pinned in peers:; compare fingerprints again")
        }
    }
}

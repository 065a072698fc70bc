import COpenSSL
import Cryptography

/// Who may be at the other end.
enum PeerExpectation: Sendable {
    /// A server takes any party of its own consortium; what each may do is decided by request.
    case anyParty
    /// A client asks for a server by DNS name or IP address; without `id`, that of its consortium's
    /// coordinator.
    case server(name: String, id: SPIFFEID?)

    /// What OpenSSL does not check: a usage must be present, and the certificate must name the right party.
    func refusal(of certificate: Certificate, consortium: String) -> CertificateRefusal? {
        switch self {
        case .anyParty:
            guard certificate.isForClient else { return .missingUsage }
            guard certificate.spiffeID?.consortium == consortium else {
                return .wrongName(expected: "a party of the consortium \(consortium)")
            }
        case .server(_, let id):
            guard certificate.isForServer else { return .missingUsage }
            let expected = id ?? SPIFFEID(consortium: consortium, role: .coordinator)
            guard certificate.spiffeID == expected else { return .wrongName(expected: "\(expected)") }
        }
        return nil
    }

    var serverName: String? {
        if case .server(let name, _) = self { name } else { nil }
    }
}

/// The party at the other end, proven by a handshake.
struct VerifiedPeer: Sendable {
    let id: SPIFFEID
    let certificate: Certificate
    let intermediates: [Certificate]
}

/// A verified peer for as long as its connection lives: a newer revocation list or the passing of time ends
/// the trust.
struct PeerTrust {
    let peer: VerifiedPeer
    private var context: TLSContext
    private var holdsUntil: Int

    init(_ peer: VerifiedPeer, under context: TLSContext) {
        (self.peer, self.context) = (peer, context)
        holdsUntil = Self.end(peer, context)
    }

    /// Judges again if the files have changed since, or a date has passed; nil while the peer is trusted.
    mutating func refusal(under current: TLSContext, at now: Int) -> CryptographyError? {
        guard current !== context || now >= holdsUntil else { return nil }
        do throws(CryptographyError) {
            try current.identity.trust.validate(peer.certificate, intermediates: peer.intermediates, at: now)
        } catch { return error }
        (context, holdsUntil) = (current, Self.end(peer, current))
        return nil
    }

    private static func end(_ peer: VerifiedPeer, _ context: TLSContext) -> Int {
        min(peer.certificate.notAfter, context.identity.trust.crlExpires)
    }
}

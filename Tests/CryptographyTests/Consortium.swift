import Cryptography
import Testing

/// A consortium made for a test, at a fixed time.
struct Consortium {
    /// 2026-09-21 14:13:20 UTC.
    static let now = 1_790_000_000
    static let day = 86_400

    let authority: CertificateAuthority

    init(_ name: String = "liver", algorithm: PrivateKey.Algorithm = .p256) throws {
        authority = try CertificateAuthority.create(
            consortium: name, at: Self.now, days: 3650, algorithm: algorithm)
    }

    func node(_ site: String = "hospital-1", key: PrivateKey? = nil, at time: Int = now, days: Int = 365)
        throws -> Certificate
    {
        let id = SPIFFEID(consortium: authority.consortium, role: .node(site))
        return try authority.issue(
            for: id, key: key ?? .generate(), dnsNames: [], ipAddresses: [], at: time, days: days)
    }

    func trust(revoking serials: [String] = [], at time: Int = now) throws -> TrustStore {
        let list = try authority.revocationList(
            revoked: serials.map { ($0, time) }, number: 1, at: time, days: 30)
        return try TrustStore(rootsPEM: authority.certificate.pem, crlPEM: list)
    }
}

/// The sentence that an expression's error says, or nil if it throws none.
func sentence(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch { return "\(error)" }
}

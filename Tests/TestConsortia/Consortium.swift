package import Cryptography
package import Federation

/// A consortium made for a test: its certificate authority, at a fixed time, and whom it issues certificates to.
package struct Consortium: Sendable {
    /// 2026-09-21 14:13:20 UTC.
    package static let now = 1_790_000_000
    package static let day = 86_400

    package let authority: CertificateAuthority
    /// When the authority was made, and what times count from, in seconds since 1970.
    package let start: Int

    package init(
        _ name: String = "liver", at start: Int = now, algorithm: PrivateKey.Algorithm = .p256
    ) throws {
        authority = try CertificateAuthority.create(
            consortium: name, at: start, days: 3650, algorithm: algorithm)
        self.start = start
    }

    package func id(_ role: SPIFFEID.Role) -> SPIFFEID {
        SPIFFEID(consortium: authority.consortium, role: role)
    }

    /// A member's certificate, which holds from a time on; a coordinator's is for `localhost` and `127.0.0.1`.
    package func certificate(
        _ role: SPIFFEID.Role, key: PrivateKey? = nil, from time: Int? = nil, days: Int = 365,
        dnsNames: [String] = ["localhost"], ipAddresses: [String] = ["127.0.0.1"],
        by other: CertificateAuthority? = nil
    ) throws -> Certificate {
        let isServer = role == .coordinator
        return try (other ?? authority).issue(
            for: id(role), key: key ?? .generate(), dnsNames: isServer ? dnsNames : [],
            ipAddresses: isServer ? ipAddresses : [], at: time ?? start, days: days)
    }

    package func signer(_ role: SPIFFEID.Role, at time: Int? = nil, days: Int = 365) throws -> Signer {
        let key = try PrivateKey.generate()
        return Signer(certificate: try certificate(role, key: key, from: time, days: days), key: key)
    }

    /// A revocation list that withdraws certificates.
    package func revocations(
        _ revoked: [Certificate], number: Int = 1, at time: Int? = nil, days: Int
    ) throws -> String {
        let time = time ?? start
        return try authority.revocationList(
            revoked: revoked.map { ($0.serial, time) }, number: number, at: time, days: days)
    }

    package func trust(revoking revoked: [Certificate] = [], at time: Int? = nil, days: Int = 30) throws
        -> TrustStore
    {
        try TrustStore(
            rootsPEM: authority.certificate.pem, crlPEM: try revocations(revoked, at: time, days: days))
    }

    /// Whom to believe at `time`, with the certificates of `revoked` withdrawn.
    package func trustView(revoking revoked: [Signer] = [], at time: Int? = nil) throws -> TrustView {
        TrustView(
            trust: try trust(revoking: revoked.map(\.certificate), days: 3000),
            consortium: authority.consortium,
            time: time ?? start)
    }
}

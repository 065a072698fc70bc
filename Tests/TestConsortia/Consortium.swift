import Cryptography
import Federation

/// A consortium made for a test, at a fixed time: its authority, and whom it issued certificates to.
struct Consortium {
    /// 2026-09-21 14:13:20 UTC.
    static let now = 1_790_000_000
    static let day = 86_400

    let office: CertificateAuthority

    init(_ name: String = "liver") throws {
        office = try CertificateAuthority.create(consortium: name, at: Self.now, days: 3650)
    }

    func signer(_ role: SPIFFEID.Role, at time: Int = now, days: Int = 365) throws -> Signer {
        let key = try PrivateKey.generate()
        let certificate = try office.issue(
            for: SPIFFEID(consortium: office.consortium, role: role), key: key, dnsNames: [], ipAddresses: [],
            at: time, days: days)
        return Signer(certificate: certificate, key: key)
    }

    /// Whom to believe at `time`, with the certificates of `revoked` withdrawn.
    func trustView(revoking revoked: [Signer] = [], at time: Int = now) throws -> TrustView {
        let list = try office.revocationList(
            revoked: revoked.map { ($0.certificate.serial, Self.now) }, number: 1, at: Self.now, days: 3000)
        return TrustView(
            trust: try TrustStore(rootsPEM: office.certificate.pem, crlPEM: list),
            consortium: office.consortium,
            time: time)
    }
}

/// The sentence of the error that the closure throws, or nil if it throws none.
func sentence(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch { return "\(error)" }
}

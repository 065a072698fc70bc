package import Cryptography
package import Federation
package import Membership

/// What `node.yaml` says: who one is, where the coordinator is, and where patients, ledger and policy are kept.
package struct NodeConfiguration: Sendable {
    package var member: MemberConfiguration
    package var cohort: String
    package var ledger: String
    package var policy: String
    /// Fingerprints of the other hospitals' certificates, by site; nil trusts the consortium's office alone.
    package var peers: [String: SHA256Digest]?
    package var logLevel: String

    /// Environment variables `COXSWAIN_COORDINATOR`, `COXSWAIN_PROXY` and `COXSWAIN_LOG_LEVEL` override the file.
    package init(_ file: ConfigurationFile, environment: [String: String]) throws(DocumentError) {
        let root = try file.document()
        member = try MemberConfiguration(root, of: file, environment: environment)
        cohort = file.resolve(try root.string("cohort"))
        ledger = file.resolve(try root.string("ledger"))
        policy = file.resolve(try root.string("policy"))
        peers = try root.has("peers") ? Self.peers(in: root) : nil
        logLevel = try root.logLevel(override: environment["COXSWAIN_LOG_LEVEL"])
        try root.finish()
    }

    private static func peers(in root: YAMLMapping) throws(DocumentError) -> [String: SHA256Digest] {
        var peers: [String: SHA256Digest] = [:]
        for (name, text, _) in try root.pairs("peers") {
            guard let fingerprint = SHA256Digest(hex: text) else {
                throw root.error(
                    at: "peers",
                    "the fingerprint of \(name) is not 64 hexadecimal digits; see \"coxswain node peers\"")
            }
            peers[name] = fingerprint
        }
        return peers
    }
}

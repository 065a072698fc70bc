package import Federation
package import Membership

/// What `node.yaml` says: who one is, where the coordinator is, and where patients, ledger and policy are kept.
package struct NodeConfiguration: Sendable {
    package var member: MemberConfiguration
    package var cohort: String
    package var ledger: String
    package var policy: String
    package var logLevel: String

    /// Environment variables `COXSWAIN_COORDINATOR`, `COXSWAIN_PROXY` and `COXSWAIN_LOG_LEVEL` override the file.
    package init(_ file: ConfigurationFile, environment: [String: String]) throws(DocumentError) {
        let root = try file.document()
        member = try MemberConfiguration(root, of: file, environment: environment)
        cohort = file.resolve(try root.string("cohort"))
        ledger = file.resolve(try root.string("ledger"))
        policy = file.resolve(try root.string("policy"))
        logLevel = try root.logLevel(override: environment["COXSWAIN_LOG_LEVEL"])
        try root.finish()
    }
}

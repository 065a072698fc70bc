package import Federation
package import Membership
package import TLSTransport

/// What `coordinator.yaml` says: where to listen, who one is, and where to keep state.
package struct CoordinatorConfiguration: Sendable {
    package var consortium: String
    package var listen: NetworkAddress
    package var identity: TLSIdentityFiles
    package var database: String
    /// A file that is given the port once the server listens; nil writes none.
    package var portFile: String?
    package var logLevel: String

    /// Environment variables `COXSWAIN_LISTEN`, `COXSWAIN_DATABASE` and `COXSWAIN_LOG_LEVEL` override the file.
    package init(_ file: ConfigurationFile, environment: [String: String]) throws(DocumentError) {
        let root = try file.document()
        consortium = try root.identifier("consortium")
        listen = try root.address("listen", override: environment["COXSWAIN_LISTEN"])
        identity = try file.identity(in: root)
        database = file.resolve(try root.string("database", override: environment["COXSWAIN_DATABASE"]))
        portFile = try root.optionalString("port-file").map { file.resolve($0) }
        logLevel = try root.logLevel(override: environment["COXSWAIN_LOG_LEVEL"])
        try root.finish()
    }
}

package import Federation
package import TLSTransport

/// How a node or an operator reaches the coordinator, and as whom.
package struct MemberConfiguration: Sendable {
    package var consortium: String
    package var coordinator: NetworkAddress
    package var serverName: String?
    package var proxy: NetworkAddress?
    package var identity: TLSIdentityFiles

    /// Reads the keys that nodes and operators share; the caller reads the rest and calls `finish`.
    ///
    /// `COXSWAIN_COORDINATOR` and `COXSWAIN_PROXY` override the addresses.
    package init(
        _ root: YAMLMapping, of file: ConfigurationFile, environment: [String: String]
    ) throws(DocumentError) {
        consortium = try root.identifier("consortium")
        coordinator = try root.address("coordinator", override: environment["COXSWAIN_COORDINATOR"])
        serverName = try root.optionalString("coordinator-name")
        proxy =
            try root.has("proxy") || environment["COXSWAIN_PROXY"] != nil
            ? root.address("proxy", override: environment["COXSWAIN_PROXY"]) : nil
        identity = try file.identity(in: root)
    }

    package func connection(as member: Member) -> CoordinatorConnection {
        CoordinatorConnection(address: coordinator, serverName: serverName, proxy: proxy, member: member)
    }
}

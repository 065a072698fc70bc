package import Federation
package import TLSTransport

/// How a node or an operator reaches the coordinator, and as whom.
package struct MemberConfiguration: Sendable {
    package var consortium: String
    package var coordinator: NetworkAddress
    package var serverName: String?
    package var proxy: ProxyAddress?
    package var identity: TLSIdentityFiles

    /// Reads the keys that nodes and operators share; the caller reads the rest and calls `finish`.
    ///
    /// `COXSWAIN_COORDINATOR` and `COXSWAIN_PROXY` override the addresses, `COXSWAIN_PROXY_CREDENTIALS` the file for the proxy.
    package init(
        _ root: YAMLMapping, of file: ConfigurationFile, environment: [String: String]
    ) throws(DocumentError) {
        consortium = try root.identifier("consortium")
        coordinator = try root.address("coordinator", override: environment["COXSWAIN_COORDINATOR"])
        serverName = try root.hostName("coordinator-name")
        proxy = try Self.proxy(root, of: file, environment: environment)
        identity = try file.identity(in: root)
    }

    private static func proxy(
        _ root: YAMLMapping, of file: ConfigurationFile, environment: [String: String]
    ) throws(DocumentError) -> ProxyAddress? {
        let override = environment["COXSWAIN_PROXY"]
        let address =
            try root.has("proxy") || override != nil ? root.address("proxy", override: override) : nil
        let key = "proxy-credentials"
        let credentials = environment["COXSWAIN_PROXY_CREDENTIALS"]
        let named = try root.has(key) || credentials != nil ? root.string(key, override: credentials) : nil
        guard let named else { return address.map { ProxyAddress(host: $0.host, port: $0.port) } }
        // Not printed: somebody may have written the very thing.
        guard !named.contains(":") else {
            throw root.error(
                at: key,
                "\(key) names a file, and no file is named so; write user:password into a file of its own")
        }
        guard let address else {
            throw root.error(at: key, "\(key) without a proxy; give its address as proxy")
        }
        return ProxyAddress(
            host: address.host, port: address.port, credentialsFile: file.resolve(named))
    }

    package func connection(as member: Member) -> TLSCoordinatorConnection {
        TLSCoordinatorConnection(address: coordinator, serverName: serverName, proxy: proxy, member: member)
    }
}

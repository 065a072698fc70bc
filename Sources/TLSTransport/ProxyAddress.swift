/// An HTTP proxy through which a client tunnels (CONNECT).
package struct ProxyAddress: Sendable, Hashable {
    package var host: String
    package var port: Int
    /// The file with the user and password that it wants, read at each connection; nil if it wants none.
    package var credentialsFile: String?

    package init(host: String, port: Int, credentialsFile: String? = nil) {
        (self.host, self.port, self.credentialsFile) = (host, port, credentialsFile)
    }

    func credentials() throws(TransportError) -> ProxyCredentials? {
        guard let credentialsFile else { return nil }
        return try ProxyCredentials(file: credentialsFile)
    }
}

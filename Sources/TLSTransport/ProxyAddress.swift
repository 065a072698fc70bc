/// An HTTP proxy through which a client tunnels (CONNECT).
package struct ProxyAddress: Sendable, Hashable {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        (self.host, self.port) = (host, port)
    }
}

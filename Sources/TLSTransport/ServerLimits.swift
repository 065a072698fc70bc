/// What a server puts up with.
package struct ServerLimits: Sendable {
    package var bodyBytesMax: Int
    /// Request line and header fields together.
    package var headerBytesMax: Int
    package var headerFieldsMax: Int
    package var handshakeSeconds: Int
    /// Without a byte in either direction, between requests, within a body or within an answer; not while an
    /// answer is being made: a long poll may take its time.
    package var idleSeconds: Int
    /// From a head's first byte to its last.
    package var headerSeconds: Int
    package var connectionsPerIdentityMax: Int
    /// Connections of one address (IPv6: of one /64 network) that have not shown a certificate yet.
    package var handshakesPerAddressMax: Int
    package var connectionsMax: Int
    /// For the answers under way when the server is asked to stop.
    package var shutdownSeconds: Int

    package init(
        bodyBytesMax: Int = 64 << 20, headerBytesMax: Int = 16 << 10, headerFieldsMax: Int = 64,
        handshakeSeconds: Int = 10, idleSeconds: Int = 60, headerSeconds: Int = 10,
        connectionsPerIdentityMax: Int = 8, handshakesPerAddressMax: Int = 64, connectionsMax: Int = 512,
        shutdownSeconds: Int = 10
    ) {
        (self.bodyBytesMax, self.headerBytesMax) = (bodyBytesMax, headerBytesMax)
        (self.headerFieldsMax, self.handshakeSeconds) = (headerFieldsMax, handshakeSeconds)
        (self.idleSeconds, self.headerSeconds) = (idleSeconds, headerSeconds)
        (self.connectionsPerIdentityMax, self.connectionsMax) = (connectionsPerIdentityMax, connectionsMax)
        self.handshakesPerAddressMax = handshakesPerAddressMax
        self.shutdownSeconds = shutdownSeconds
    }
}

import NIOCore
import NIOPosix

/// Why the network said no, in the words of somebody who has to repair it.
func networkReason(_ error: any Error) -> String {
    switch error {
    case let error as IOError: systemErrorText(error.errnoCode)
    case ChannelError.connectTimeout: "no answer from that address"
    case let error as NIOConnectionError:
        // One for each address that the name stands for; without any, the name did not resolve.
        error.connectionErrors.first.map { networkReason($0.error) }
            ?? "the name \(error.host) does not resolve"
    default: "\(error)"
    }
}

/// `192.0.2.1:443` or `[2001:db8::1]:443`.
func addressText(_ address: SocketAddress) -> String {
    guard let ip = address.ipAddress, let port = address.port else { return "\(address)" }
    return ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
}

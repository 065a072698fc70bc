/// Why a request got no answer.
package enum TransportError: Error, Hashable, CustomStringConvertible, Sendable {
    /// No connection, or it broke before a whole answer: name resolution, route, firewall, the other side is
    /// down.
    case unreachable(String)
    /// One of the two sides does not accept the other's certificate, or they have no protocol in common.
    case refused(String)
    case timedOut
    /// The connection ended in the middle of an answer.
    case truncated
    case tooLarge
    case proxy(String)
    /// Our own files or settings.
    case setup(String)
    /// The asking task was cancelled, or the client closed.
    case cancelled

    package var description: String {
        switch self {
        case .unreachable(let reason), .refused(let reason), .setup(let reason): reason
        case .proxy(let reason): "the proxy gave no way through: \(reason)"
        case .timedOut: "no answer in time; the other side, or the network between, is slow or silent"
        case .truncated:
            "the connection was cut in the middle of an answer; try again, and look at what lies between"
        case .tooLarge: "the answer is larger than this program takes"
        case .cancelled: "the request was given up"
        }
    }
}

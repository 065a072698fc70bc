/// What a node tells its admin when it cannot do something.
package enum NodeError: Error, Hashable, Sendable, CustomStringConvertible {
    case ask(String, hint: String)

    package var description: String {
        switch self {
        case .ask(let reason, _): reason
        }
    }

    package var hint: String {
        switch self {
        case .ask(_, let hint): hint
        }
    }
}

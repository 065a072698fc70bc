import Federation
import Testing

/// The case of a protocol error, without its words.
enum ProtocolErrorKind: Hashable, Sendable {
    case malformed, untrusted, outOfPlace, incompatible, refused, failed

    init(_ error: ProtocolError) {
        switch error {
        case .malformed: self = .malformed
        case .untrusted: self = .untrusted
        case .outOfPlace: self = .outOfPlace
        case .incompatible: self = .incompatible
        case .refused: self = .refused
        case .broken, .failed: self = .failed
        }
    }
}

/// Records an issue unless the closure throws a protocol error of this kind whose sentence contains `phrase`.
func expectRefusal(
    _ kind: ProtocolErrorKind, _ phrase: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("accepted; \(kind) was expected", sourceLocation: sourceLocation)
    } catch let error as ProtocolError {
        #expect(ProtocolErrorKind(error) == kind, "\(error)", sourceLocation: sourceLocation)
        #expect("\(error)".contains(phrase), sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error) is no protocol error", sourceLocation: sourceLocation)
    }
}

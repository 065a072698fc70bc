import COpenSSL

/// Why a key, a certificate or a computation with them was refused.
package enum CryptographyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Text or bytes that are not what they should be.
    case unreadable(what: String, reason: String)
    /// Readable, but against our rules.
    case notAccepted(what: String, reason: String)
    /// A certificate that does not prove who it says it is.
    case certificateRefused(subject: String, CertificateRefusal)
    /// libcrypto could not do what it should always do: no memory, or a configuration without the algorithm.
    case failed(operation: String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let what, let reason): "\(what) cannot be read (\(reason))"
        case .notAccepted(let what, let reason): "\(what) is not accepted: \(reason)"
        case .certificateRefused(let subject, let refusal):
            "the certificate of \(subject) is refused: \(refusal)"
        case .failed(let operation, let reason):
            "OpenSSL could not \(operation) (\(reason)); check the system's OpenSSL configuration"
        }
    }

    static func failed(to operation: String) -> CryptographyError {
        .failed(operation: operation, reason: takeErrorQueue())
    }
}

/// Empties this thread's OpenSSL error queue into one phrase; call `ERR_clear_error()` before what it should
/// explain.
func takeErrorQueue() -> String {
    var reasons: [String] = []
    while case let code = ERR_get_error(), code != 0 {
        let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
        if !reasons.contains(reason) { reasons.append(reason) }
    }
    return reasons.isEmpty ? "no reason given" : reasons.joined(separator: ", ")
}

/// Throws what is in the error queue unless an OpenSSL call returned 1.
func require(_ result: Int32, _ operation: String) throws(CryptographyError) {
    if result != 1 { throw .failed(to: operation) }
}

/// Unwraps what an OpenSSL call allocated, or throws what is in the error queue.
@discardableResult
func require<Pointer>(_ pointer: Pointer?, _ operation: String) throws(CryptographyError) -> Pointer {
    guard let pointer else { throw .failed(to: operation) }
    return pointer
}

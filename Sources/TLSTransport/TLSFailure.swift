import COpenSSL
import Cryptography

/// Why a TLS connection did not come about or ended.
enum TLSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// We refuse the other side's certificate.
    case certificateRefused(holder: String, CertificateRefusal)
    case noCertificate
    /// The other side ends the connection with this alert (RFC 8446, section 6.2).
    case alert(Int)
    case noCommonVersion
    case notTLS
    case handshakeTimedOut
    case closedDuringHandshake
    /// The transport ended without close_notify: what came may be cut short.
    case truncated
    /// Another of OpenSSL's errors, in its words.
    case other(String)

    var description: String {
        switch self {
        case .certificateRefused(let holder, let refusal):
            "the certificate of \(holder) is refused: \(refusal)"
        case .noCertificate: "no certificate: the other side presents none"
        case .alert(let number): Self.words(ofAlert: number)
        case .noCommonVersion: "TLS version: the other side does not offer TLS 1.3"
        case .notTLS: "the other side does not speak TLS"
        case .handshakeTimedOut: "the TLS handshake took too long"
        case .closedDuringHandshake: "the other side hung up during the TLS handshake"
        case .truncated: "the connection ended without a goodbye (close_notify)"
        case .other(let words): "TLS error: \(words)"
        }
    }

    var isAlert: Bool {
        if case .alert = self { true } else { false }
    }

    /// What the other side means: nearly always that something is wrong with *our* certificate.
    private static func words(ofAlert number: Int) -> String {
        switch number {
        case 42: "the other side finds our certificate bad (not valid yet, or malformed)"
        case 43: "the other side does not accept our certificate for this use"
        case 44: "our certificate is revoked, says the other side"
        case 45: "our certificate has expired, says the other side (or its revocation list has)"
        case 46: "the other side does not accept our certificate"
        case 48: "unknown CA: the other side does not know the authority that signed our certificate"
        case 70: "TLS version: the other side does not take TLS 1.3"
        case 116: "the other side asks for a certificate and got none"
        default: "the other side refuses the connection (TLS alert \(number))"
        }
    }

    /// Empties this thread's error queue; the oldest entry is the cause, the others its echoes.
    static func fromErrorQueue() -> TLSFailure {
        let code = ERR_get_error()
        defer { ERR_clear_error() }
        guard code != 0 else { return .other("no reason given") }
        let reason = ERR_GET_REASON(code)
        if ERR_GET_LIB(code) == ERR_LIB_SSL {
            switch reason {
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noCertificate
            case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_VERSION_TOO_LOW:
                return .noCommonVersion
            case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_UNKNOWN_PROTOCOL: return .notTLS
            case SSL_AD_REASON_OFFSET..<SSL_AD_REASON_OFFSET + 256:
                return .alert(Int(reason - SSL_AD_REASON_OFFSET))
            default: break
            }
        }
        return .other(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
    }
}

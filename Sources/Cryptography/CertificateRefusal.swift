import COpenSSL
import Glibc

/// Why a certificate does not count, in words that tell a hospital's IT what to do.
package enum CertificateRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Times are seconds since 1970.
    case expired(Int)
    case notYetValid(Int)
    case revoked
    case unknownAuthority(issuer: String)
    case revocationListExpired(Int)
    case revocationListNotYetValid
    case noRevocationList(issuer: String)
    case missingUsage
    case wrongName(expected: String)
    /// Another of OpenSSL's verification errors, in its words.
    case other(String)

    package var description: String {
        switch self {
        case .expired(let time): "it expired on \(calendarDay(time)); ask the consortium office for a new one"
        case .notYetValid(let time):
            "it is not valid before \(calendarDay(time)); check this computer's clock"
        case .revoked: "it is revoked"
        case .unknownAuthority(let issuer):
            "unknown CA: its issuer \(issuer) is not the consortium's authority"
        case .revocationListExpired(let time):
            "the revocation list expired on \(calendarDay(time)); get the consortium office's current one"
        case .revocationListNotYetValid: "the revocation list is not valid yet; check this computer's clock"
        case .noRevocationList(let issuer): "there is no revocation list of its issuer \(issuer)"
        case .missingUsage: "its extended key usage does not allow this use"
        case .wrongName(let expected): "it is not for \(expected)"
        case .other(let words): "\(words)"
        }
    }

    /// OpenSSL's verdict in our words.
    ///
    /// `code` is an `X509_V_ERR_…` about `certificate`, which need not be the leaf;
    /// `expectedName` is the server name asked for, if any.
    package init(
        verifyCode code: Int, certificate: Certificate, revocationListExpires: Int,
        expectedName: String? = nil
    ) {
        let issuer = String(certificate.issuer.prefix(120))  // a stranger may have chosen it
        switch Int32(truncatingIfNeeded: code) {
        case X509_V_ERR_CERT_HAS_EXPIRED: self = .expired(certificate.notAfter)
        case X509_V_ERR_CERT_NOT_YET_VALID: self = .notYetValid(certificate.notBefore)
        case X509_V_ERR_CERT_REVOKED: self = .revoked
        case X509_V_ERR_CRL_HAS_EXPIRED: self = .revocationListExpired(revocationListExpires)
        case X509_V_ERR_CRL_NOT_YET_VALID: self = .revocationListNotYetValid
        case X509_V_ERR_UNABLE_TO_GET_CRL: self = .noRevocationList(issuer: issuer)
        case X509_V_ERR_INVALID_PURPOSE: self = .missingUsage
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_CERT_SIGNATURE_FAILURE,
            X509_V_ERR_CERT_UNTRUSTED:
            self = .unknownAuthority(issuer: issuer)
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            self = .wrongName(expected: expectedName ?? "the name asked for")
        default: self = .other(String(cString: X509_verify_cert_error_string(code)))
        }
    }
}

/// The UTC day of a time in seconds since 1970, as `2026-03-01`.
package func calendarDay(_ time: Int) -> String {
    var seconds = time_t(time)
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "\(time) s" }
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
}

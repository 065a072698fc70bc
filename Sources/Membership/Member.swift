package import Cryptography
package import Federation
import Foundation
package import TLSTransport

/// A member of the consortium on this machine: its certificate and key, and whom it trusts.
package struct Member: Sendable {
    package let identity: SPIFFEID
    package let files: TLSIdentityFiles
    package let signer: Signer

    /// Loads and checks the identity files.
    ///
    /// Throws if a file is missing or not what it should be, if the private key can be read by others, or if certificate and
    /// key do not belong together.
    package init(files: TLSIdentityFiles, consortium: String) throws(MembershipError) {
        self.files = files
        try Self.requirePrivate(files.privateKey)
        let certificateText = try Self.read(files.certificateChain, "certificate")
        let keyText = try Self.read(files.privateKey, "private key")
        do {
            let certificate = try Certificate(pem: certificateText)
            let key = try PrivateKey(pem: keyText)
            signer = Signer(certificate: certificate, key: key)
            let probe = Array("coxswain key check".utf8)
            guard certificate.isValidSignature(try key.sign(probe), of: probe) else {
                throw MembershipError.unusable(
                    "\(files.privateKey) is not the key of \(files.certificateChain)")
            }
            guard let identity = certificate.spiffeID, identity.consortium == consortium else {
                throw MembershipError.unusable(
                    "\(files.certificateChain) names no member of \(consortium); ask the consortium's office for a certificate"
                )
            }
            self.identity = identity
        } catch let error as MembershipError {
            throw error
        } catch {
            throw .unusable("\(error)")
        }
    }

    /// Whom to believe at a time: the trust anchors and revocation list as they are on disk now.
    package func trustView(at time: Int) throws(MembershipError) -> TrustView {
        do {
            let trust = try TrustStore(
                rootsPEM: Self.read(files.trustRoots, "authority"),
                crlPEM: Self.read(files.revocationList, "revocation list"))
            return TrustView(trust: trust, consortium: identity.consortium, time: time)
        } catch let error as MembershipError {
            throw error
        } catch {
            throw .unusable("\(error)")
        }
    }

    private static func read(_ path: String, _ what: String) throws(MembershipError) -> String {
        // One sentence for every cause.
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw .unreadable(path: path, what: what, reason: nil)
        }
        return text
    }

    private static func requirePrivate(_ path: String) throws(MembershipError) {
        // A missing file is named by `read`.
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue else { return }
        guard mode & 0o077 == 0 else {
            throw .unusable("\(path) can be read by others; run \"chmod 600 \(path)\"")
        }
    }
}

/// Why a member cannot act or reach the coordinator.
package enum MembershipError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, what: String, reason: String?)
    case unusable(String)
    /// The coordinator's answer was no.
    case rejected(status: Int, reason: String, hint: String?)
    case unreachable(String)

    package var description: String {
        switch self {
        case .unreadable(let path, let what, let reason):
            "the \(what) \(path) cannot be read" + (reason.map { ": \($0)" } ?? "")
        case .unusable(let reason), .rejected(_, let reason, _): reason
        case .unreachable(let reason): "cannot reach the coordinator: \(reason)"
        }
    }

    package var hint: String? {
        switch self {
        case .rejected(_, _, let hint): hint
        case .unreadable, .unusable, .unreachable: nil
        }
    }
}

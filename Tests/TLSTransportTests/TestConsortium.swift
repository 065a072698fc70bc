import Cryptography
import Foundation
import Synchronization
import TLSTransport
import TestConsortia

/// A consortium with its files in a directory of its own, which goes when the value goes.
final class TestConsortium: Sendable {
    let now: Int
    let authority: CertificateAuthority
    private let consortium: Consortium
    let directory: URL
    private let listNumber = Mutex(1)

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "coxswain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        now = Int(Date().timeIntervalSince1970)
        consortium = try Consortium(at: now)
        authority = consortium.authority
        try write(authority.certificate.pem, "ca.pem")
        try revoke([])
    }

    deinit {
        // It is temporary: what cannot be removed does no harm.
        try? FileManager.default.removeItem(at: directory)
    }

    /// Replaces the revocation list.
    func revoke(_ certificates: [Certificate], days: Int = 30) throws {
        let number = listNumber.withLock { number in
            number += 1
            return number
        }
        try write(consortium.revocations(certificates, number: number, days: days), "crl.pem")
    }

    /// The files of a party with a new key; `start` in days from now.
    @discardableResult
    func party(
        _ role: SPIFFEID.Role, file: String? = nil, dnsNames: [String] = ["localhost"],
        ipAddresses: [String] = ["127.0.0.1"], start: Int = 0, days: Int = 365,
        authority other: CertificateAuthority? = nil
    ) throws -> TLSIdentityFiles {
        let name = file ?? role.name ?? "coordinator"
        let key = try PrivateKey.generate()
        let certificate = try consortium.certificate(
            role, key: key, from: now + start * Consortium.day, days: days, dnsNames: dnsNames,
            ipAddresses: ipAddresses, by: other)
        try write(key.pem, "\(name).key")
        try write(certificate.pem, "\(name).pem")
        return TLSIdentityFiles(
            certificateChain: path("\(name).pem"), privateKey: path("\(name).key"),
            trustRoots: path("ca.pem"),
            revocationList: path("crl.pem"))
    }

    func certificate(_ files: TLSIdentityFiles) throws -> Certificate {
        try Certificate(pem: String(contentsOfFile: files.certificateChain, encoding: .utf8))
    }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    /// In one step, as an administrator should: written beside, then renamed.
    func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: directory.appendingPathComponent(name), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path(name))
    }
}

package import Cryptography
import Foundation

/// The consortium's certificate office: a folder with the authority, its register of certificates, and the revocation list.
///
/// `authority.key` can sign in the consortium's name; keep the folder on a machine that is not the coordinator.
package struct CertificateOffice: Sendable {
    package let directory: String
    private let authority: CertificateAuthority

    /// How long authority and revocation lists hold, in days.
    private static let authorityDays = 3650
    private static let listDays = 30

    /// One certificate in the register.
    package struct Entry: Codable, Hashable, Sendable {
        package var serial: String
        package var identity: SPIFFEID
        package var notAfter: Int
        package var revokedAt: Int?
    }

    private struct Register: Codable {
        var listNumber = 0
        var issued: [Entry] = []
    }

    /// Makes a new office in a folder that does not exist or is empty.
    package static func create(in directory: String, consortium: String, at time: Int) throws
        -> CertificateOffice
    {
        let authority = try CertificateAuthority.create(consortium: consortium, at: time, days: authorityDays)
        try makeFolder(directory, option: "--ca")
        guard try contents(of: directory).isEmpty else {
            throw MembershipError.unusable("\(directory) is not empty; an office is made in a new folder")
        }
        let office = CertificateOffice(directory: directory, authority: authority)
        try office.write(authority.key.pem, to: "authority.key", isSecret: true)
        try office.write(authority.certificate.pem, to: "authority.pem", isSecret: false)
        try office.publish(Register(), at: time)
        return office
    }

    private static func makeFolder(_ path: String, option: String) throws(MembershipError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            let reason = systemReason(of: error) ?? "\(error)"
            throw .unusable("the folder \(path) cannot be made (\(reason)); name another with \(option)")
        }
    }

    private static func contents(of folder: String) throws(MembershipError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw .unusable("the folder \(folder) cannot be read: \(systemReason(of: error) ?? "\(error)")")
        }
    }

    package init(directory: String) throws {
        func read(_ name: String) throws -> String {
            guard let text = try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8) else {
                throw MembershipError.unusable(
                    "\(directory) has no readable \(name); make an office with \"coxswain ca init\"")
            }
            return text
        }
        self.directory = directory
        authority = try CertificateAuthority(
            key: try PrivateKey(pem: try read("authority.key")),
            certificate: try Certificate(pem: try read("authority.pem")))
    }

    private init(directory: String, authority: CertificateAuthority) {
        (self.directory, self.authority) = (directory, authority)
    }

    package var consortium: String { authority.consortium }

    package func issued() throws -> [Entry] { try register().issued }

    /// Issues a certificate with a new key and writes them, with authority and revocation list, into a folder.
    package func issue(
        _ role: SPIFFEID.Role, dnsNames: [String], ipAddresses: [String], days: Int, to folder: String,
        at time: Int
    ) throws -> Certificate {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var register = try register()
        let key = try PrivateKey.generate()
        let certificate = try authority.issue(
            for: SPIFFEID(consortium: consortium, role: role), key: key, dnsNames: dnsNames,
            ipAddresses: ipAddresses,
            at: time, days: days)
        guard !FileManager.default.fileExists(atPath: "\(folder)/identity.key") else {
            throw MembershipError.unusable(
                "\(folder) already holds an identity; name another folder with --out")
        }
        try Self.makeFolder(folder, option: "--out")
        // The key first: where it cannot be written nothing is registered, and without a certificate it is worth nothing.
        try Self.write(key.pem, to: "\(folder)/identity.key", isSecret: true)
        register.issued.append(
            Entry(
                serial: certificate.serial, identity: SPIFFEID(consortium: consortium, role: role),
                notAfter: certificate.notAfter))
        do {
            try publish(register, at: time)
        } catch {
            unlink("\(folder)/identity.key")  // so that the same command can be tried again
            throw error
        }
        try Self.write(certificate.pem, to: "\(folder)/identity.pem", isSecret: false)
        for shared in ["authority.pem", "revocations.pem"] {
            let text = try ConfigurationFile(path: "\(directory)/\(shared)", what: "file").text
            try Self.write(text, to: "\(folder)/\(shared)", isSecret: false)
        }
        return certificate
    }

    /// Revokes certificates by serial number or, all of a member's, by SPIFFE id; publishes a new list.
    package func revoke(_ reference: String, at time: Int) throws -> [Entry] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var register = try register()
        let matches = register.issued.indices.filter { index in
            let entry = register.issued[index]
            return entry.revokedAt == nil
                && (entry.serial.lowercased() == reference.lowercased() || "\(entry.identity)" == reference)
        }
        guard !matches.isEmpty else {
            throw MembershipError.unusable(
                "no valid certificate has the serial number or id \"\(reference)\"; see \"coxswain ca list\"")
        }
        for index in matches { register.issued[index].revokedAt = time }
        try publish(register, at: time)
        return matches.map { register.issued[$0] }
    }

    /// Publishes a fresh revocation list, which every member needs before the old one runs out.
    package func renewList(at time: Int) throws {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        try publish(try register(), at: time)
    }

    /// One change at a time: a certificate missing in the register could never be revoked.
    private func lock() throws -> RunLock { try RunLock(on: "\(directory)/register.json", waiting: true) }

    private func register() throws -> Register {
        let file = try ConfigurationFile(path: "\(directory)/register.json", what: "register")
        do {
            return try JSONDecoder().decode(Register.self, from: Data(file.text.utf8))
        } catch {
            throw MembershipError.unusable(
                "the register \(file.path) is damaged; restore it from the office's backup")
        }
    }

    private func publish(_ register: Register, at time: Int) throws {
        var register = register
        register.listNumber += 1
        let revoked = register.issued.compactMap { entry in entry.revokedAt.map { (entry.serial, $0) } }
        let list = try authority.revocationList(
            revoked: revoked, number: register.listNumber, at: time, days: Self.listDays)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(
            String(decoding: try encoder.encode(register), as: UTF8.self), to: "register.json",
            isSecret: false)
        try write(list, to: "revocations.pem", isSecret: false)
    }

    private func write(_ text: String, to name: String, isSecret: Bool) throws {
        try Self.write(text, to: "\(directory)/\(name)", isSecret: isSecret)
    }

    /// Writes beside the file and renames, so that a reader sees the old text or the new one; a secret is never readable
    /// by others, not even for a moment.
    private static func write(_ text: String, to path: String, isSecret: Bool) throws {
        let temporary = "\(path).new"
        let mode: mode_t = isSecret ? 0o600 : 0o644
        unlink(temporary)  // of a program that was killed
        // Not by FileManager, which makes the file first and sets its permissions afterwards.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno)).lowercased()
            throw MembershipError.unusable("cannot write \(temporary): \(reason)")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            guard fchmod(file.fileDescriptor, mode) == 0 else { throw CocoaError(.fileWriteNoPermission) }
            try file.write(contentsOf: Data(text.utf8))
            try file.synchronize()
        } catch {
            throw MembershipError.unusable(
                "cannot write \(temporary): \(systemReason(of: error) ?? "\(error)")")
        }
        guard rename(temporary, path) == 0 else { throw MembershipError.unusable("cannot write \(path)") }
    }
}

import Cryptography
import Federation
import Foundation
import Membership
import TLSTransport
import Testing

struct CertificateOfficeTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "coxswain-\(UUID().uuidString)")
    private let now = 1_800_000_000

    private func files(in name: String) -> TLSIdentityFiles {
        let folder = folder.appendingPathComponent(name).path
        return TLSIdentityFiles(
            certificateChain: "\(folder)/identity.pem", privateKey: "\(folder)/identity.key",
            trustRoots: "\(folder)/authority.pem", revocationList: "\(folder)/revocations.pem")
    }

    private func office() throws -> CertificateOffice {
        try CertificateOffice.create(
            in: folder.appendingPathComponent("office").path, consortium: "trial", at: now)
    }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func mode(_ name: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: path(name))
        return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func `an issued identity loads, is trusted, and its key is its owner's alone`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let certificate = try office().issue(
            .node("north"), dnsNames: [], ipAddresses: [], days: 30, to: path("north"), at: now)
        let member = try Member(files: files(in: "north"), consortium: "trial")
        #expect(member.identity == SPIFFEID(consortium: "trial", role: .node("north")))
        #expect(member.signer.certificate == certificate)
        try member.trustView(at: now).trust.validate(certificate, at: now)
        #expect(try mode("north/identity.key") == 0o600)
        #expect(try mode("office/authority.key") == 0o600)
        #expect(try mode("office") == 0o700)
    }

    /// In a process of its own, with a umask and a folder that keep nobody out.
    @Test func `a key is never readable by others, not even while it is written`() async {
        await #expect(processExitsWith: .success) {
            let tests = CertificateOfficeTests()
            defer { try? FileManager.default.removeItem(at: tests.folder) }
            umask(0)
            let office = try tests.office()
            let folder = tests.path("open")
            mkdir(folder, 0o777)
            let watch = Task.detached { KeyWatch.exposedKeys(in: folder) }
            for number in 0..<40 {
                _ = try office.issue(
                    .node("north-\(number)"), dnsNames: [], ipAddresses: [], days: 30, to: folder,
                    at: tests.now)
                rename("\(folder)/identity.key", "\(folder)/\(number)")
            }
            _ = FileManager.default.createFile(atPath: "\(folder)/end", contents: nil)
            #expect(await watch.value == 0)
        }
    }

    @Test func `a revoked member is on the new list, others are not`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let office = try office()
        let north = try office.issue(
            .node("north"), dnsNames: [], ipAddresses: [], days: 30, to: path("north"), at: now)
        let south = try office.issue(
            .node("south"), dnsNames: [], ipAddresses: [], days: 30, to: path("south"), at: now)
        let revoked = try office.revoke("spiffe://trial/node/north", at: now + 60)
        #expect(revoked.map(\.serial) == [north.serial])
        try FileManager.default.removeItem(atPath: path("south/revocations.pem"))
        try FileManager.default.copyItem(
            atPath: path("office/revocations.pem"), toPath: path("south/revocations.pem"))
        let trust = try Member(files: files(in: "south"), consortium: "trial").trustView(at: now + 60).trust
        #expect(trust.isRevoked(north))
        #expect(!trust.isRevoked(south))
        #expect(throws: MembershipError.self) {
            try office.revoke("spiffe://trial/node/north", at: now + 120)
        }
    }

    @Test func `nothing is overwritten`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let office = try office()
        _ = try office.issue(
            .node("north"), dnsNames: [], ipAddresses: [], days: 30, to: path("north"), at: now)
        #expect(throws: MembershipError.self) {
            try office.issue(
                .node("south"), dnsNames: [], ipAddresses: [], days: 30, to: path("north"), at: now)
        }
        #expect(throws: MembershipError.self) {
            try CertificateOffice.create(in: path("office"), consortium: "trial", at: now)
        }
        #expect(try office.issued().count == 1)
    }

    @Test
    func `nothing is registered where the identity cannot be written, or left where it cannot be registered`()
        throws
    {
        defer { try? FileManager.default.removeItem(at: folder) }
        let office = try office()
        try Data().write(to: folder.appendingPathComponent("file"))
        func issue(to name: String) throws {
            _ = try office.issue(
                .node("north"), dnsNames: [], ipAddresses: [], days: 30, to: path(name), at: now)
        }
        let error = #expect(throws: MembershipError.self) { try issue(to: "file/north") }
        #expect(
            error?.description.contains("cannot be made (not a directory); name another with --out") == true)
        #expect(try office.issued().isEmpty)
        // A folder in the place of the register's next text: it cannot be written.
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("office/register.json.new"), withIntermediateDirectories: true)
        #expect(throws: MembershipError.self) { try issue(to: "north") }
        #expect(!FileManager.default.fileExists(atPath: path("north/identity.key")))
        try FileManager.default.removeItem(at: folder.appendingPathComponent("office/register.json.new"))
        try issue(to: "north")
        #expect(try office.issued().count == 1)
    }

    @Test
    func `an identity is refused if others can read its key, or if it is another's or another consortium's`()
        throws
    {
        defer { try? FileManager.default.removeItem(at: folder) }
        let office = try office()
        for site in ["north", "south"] {
            _ = try office.issue(
                .node(site), dnsNames: [], ipAddresses: [], days: 30, to: path(site), at: now)
        }
        #expect(throws: MembershipError.self) { try Member(files: files(in: "north"), consortium: "another") }
        let mixed = TLSIdentityFiles(
            certificateChain: path("north/identity.pem"), privateKey: path("south/identity.key"),
            trustRoots: path("north/authority.pem"), revocationList: path("north/revocations.pem"))
        #expect(throws: MembershipError.self) { try Member(files: mixed, consortium: "trial") }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o640], ofItemAtPath: path("north/identity.key"))
        let error = #expect(throws: MembershipError.self) {
            try Member(files: files(in: "north"), consortium: "trial")
        }
        #expect(error?.description.hasSuffix("run \"chmod 600 \(path("north/identity.key"))\"") == true)
    }

    @Test(arguments: [
        ("coordinator.example.org:7443", "coordinator.example.org", 7443), ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:443", "::1", 443),
    ])
    func `an address has a host and a port`(text: String, host: String, port: Int) {
        let address = NetworkAddress(text)
        #expect(address?.host == host)
        #expect(address?.port == port)
        #expect(address?.description == text)
    }

    @Test func `a final dot of a host is left out, as certificates have no such names`() {
        #expect(NetworkAddress("LocalHost.:1")?.host == "LocalHost")
    }

    @Test(arguments: [
        "", "host", ":1", "host:", "host:x", "host:70000", "https://host:1", "a b:1", "user:secret@host:1",
        "user@host:1", "http:host:1", ".:1", "host..:x", "::1:443", "[host]:1", "a\u{0}:1",
    ])
    func `other texts are no address`(text: String) {
        #expect(NetworkAddress(text) == nil)
    }
}

/// Looks at a folder again and again, as somebody with another account would.
private enum KeyWatch {
    /// How often a private key that others may read was seen before a file `end` was.
    static func exposedKeys(in folder: String) -> Int {
        var count = 0
        while true {
            guard let stream = opendir(folder) else { return count }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name == "end" { return count }
                if isExposedKey("\(folder)/\(name)") { count += 1 }
            }
        }
    }

    private static func isExposedKey(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 != 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 64)
        let length = read(descriptor, &bytes, bytes.count)
        return length > 0 && String(decoding: bytes.prefix(length), as: UTF8.self).contains("PRIVATE KEY")
    }
}

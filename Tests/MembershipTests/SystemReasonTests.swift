import Foundation
import Membership
import Testing

/// Errors of the system and its library as sentences, and files that are no text of ours.
struct SystemReasonTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "reason-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func write(_ bytes: [UInt8], to name: String = "file.yaml") throws -> String {
        let url = folder.appending(path: name)
        try Data(bytes).write(to: url)
        return url.path
    }

    private func caught(_ body: () throws -> Void) -> (any Error)? {
        do { try body() } catch { return error }
        return nil
    }

    /// What Foundation throws describes itself by domains and codes.
    @Test func `no error of the library is told as it describes itself`() throws {
        let file = try write([])
        let errors: [(any Error)?] = [
            caught {
                _ = try FileManager.default.createDirectory(
                    atPath: "/proc/x", withIntermediateDirectories: true)
            },
            caught {
                _ = try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
            },
            caught {
                _ = try FileManager.default.createDirectory(
                    atPath: "\(file)/x", withIntermediateDirectories: true)
            },
            caught { _ = try FileManager.default.contentsOfDirectory(atPath: "\(file).none") },
            caught { _ = try FileManager.default.attributesOfItem(atPath: "\(file).none") },
            caught { _ = try Data(contentsOf: URL(fileURLWithPath: "\(file).none")) },
            caught { _ = try Data(contentsOf: folder) },
            caught { _ = try String(contentsOfFile: try write([0xFF, 0x41]), encoding: .utf8) },
            caught { try Data([1]).write(to: URL(fileURLWithPath: "/proc/x/y")) },
            caught { _ = try FileHandle(forReadingFrom: URL(fileURLWithPath: "\(file).none")) },
            caught { _ = try JSONDecoder().decode([Int].self, from: Data("{\"secret\": 1}".utf8)) },
            caught { _ = try JSONDecoder().decode([Int].self, from: Data("{".utf8)) },
            POSIXError(.ENOSPC), CocoaError(.fileWriteOutOfSpace), CocoaError(.userCancelled),
            NSError(domain: NSPOSIXErrorDomain, code: 13),
        ]
        for error in errors {
            let error = try #require(error)
            let said = sentence(of: error)
            for word in ["Domain", "Code=", "UserInfo", "NS", "Error(", "secret", "codingPath", "doesn"] {
                #expect(!said.contains(word), "\(said)")
            }
            #expect(systemReason(of: error)?.isEmpty == false, "\(error)")
        }
        #expect(sentence(of: POSIXError(.ENOSPC)) == "the system says: no space left on device")
        let missing = try #require(errors[5])
        #expect(sentence(of: missing) == "\(file).none: no such file or directory")
        #expect(sentence(of: MembershipError.unusable("ours")) == "ours")
    }

    private static let encodings: [(bytes: [UInt8], words: String)] = [
        ([0x61, 0x00, 0x3A, 0x00, 0x0A, 0x00], "is not UTF-8 text, but UTF-16"),
        ([0xFF, 0xFE, 0x61, 0x00], "is not UTF-8 text, but UTF-16"),
        ([0xFE, 0xFF, 0x00, 0x61], "is not UTF-8 text, but UTF-16"),
        ([0x61, 0x0A, 0x67, 0x72, 0xFC, 0xDF, 0x65, 0x0A], "perhaps Latin-1"),
    ]

    @Test(arguments: encodings)
    func `a file in another encoding is told by what it is`(bytes: [UInt8], words: String) throws {
        let path = try write(bytes)
        let error = #expect(throws: MembershipError.self) {
            try ConfigurationFile(path: path, what: "study file")
        }
        let said = try #require(error?.description)
        #expect(said.contains(words) && said.contains("the study file \(path)"), "\(said)")
        #expect(said.contains("Latin-1") == said.hasPrefix("line 2 of "))
    }

    @Test func `what cannot be read says why`() throws {
        for (path, reason) in [
            (folder.appending(path: "none").path, "no such file or directory"),
            (folder.path, "is a directory"),
            (try write([]) + "/x", "not a directory"),
        ] {
            let error = #expect(throws: MembershipError.self) {
                try ConfigurationFile(path: path, what: "policy")
            }
            #expect(error?.description == "the policy \(path) cannot be read: \(reason)")
        }
        let device = #expect(throws: MembershipError.self) { try ConfigurationFile(path: "/dev/zero") }
        #expect(device?.description == "the configuration /dev/zero is larger than 16 MiB")
    }

    /// An office whose folder cannot be made, or whose register is damaged.
    @Test func `a certificate office says what is wrong with its folder`() throws {
        let file = try write([])
        for (path, reason) in [
            ("/proc/x", "no such file or directory"), (file, "file exists"), ("\(file)/x", "not a directory"),
        ] {
            let error = #expect(throws: MembershipError.self) {
                try CertificateOffice.create(in: path, consortium: "trial", at: 1_800_000_000)
            }
            #expect(
                error?.description
                    == "the folder \(path) cannot be made (\(reason)); name another with --ca")
        }
        let place = folder.appending(path: "office").path
        let office = try CertificateOffice.create(in: place, consortium: "trial", at: 1_800_000_000)
        for text in ["", "{", "[]", "{\"issued\": 3}"] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(place)/register.json"))
            let error = #expect(throws: MembershipError.self) { try office.issued() }
            #expect(error?.description.contains("register.json is damaged; restore it") == true)
        }
    }
}

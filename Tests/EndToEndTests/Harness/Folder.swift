import Foundation

/// A folder of files; names are relative to it.
struct Folder: Sendable {
    let path: String

    /// A new one under the system's temporary folder, private to its owner.
    static func temporary() throws -> Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "coxswain-\(UUID().uuidString)"
        ).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return Folder(path: path)
    }

    func callAsFunction(_ name: String) -> String { name.hasPrefix("/") ? name : "\(path)/\(name)" }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self(name)) }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: self(name))) }

    /// The text of a file; empty if there is none yet.
    func text(_ name: String) -> String {
        FileManager.default.contents(atPath: self(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Writes beside the file and renames, as whoever replaces a certificate or a policy should.
    func write(_ text: String, to name: String) throws {
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: self(name)).deletingLastPathComponent(),
            withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: self(name)), options: .atomic)
    }

    /// Copies a file over another, or where there is none.
    func copy(_ source: String, to name: String) throws {
        try bytes(source).write(to: URL(fileURLWithPath: self(name)), options: .atomic)
    }

    func permissions(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: self(name))
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    /// All files and folders below, by name relative to this folder.
    func names() -> [String] {
        (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted()
    }

    func remove() {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            print("\(path) was not removed: \(error)")
        }
    }
}

package import Federation
import Foundation
package import TLSTransport

/// A YAML configuration file on disk, with what is relative to its place.
package struct ConfigurationFile: Sendable {
    package let path: String
    package let text: String

    /// `what` names the file in the error of one that cannot be read.
    package init(path: String, what: String = "configuration") throws(MembershipError) {
        let bytes: Data
        do {
            // A pipe may be read, and a device without an end is not.
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            bytes = try file.read(upToCount: Self.byteCountMax + 1) ?? Data()
        } catch {
            throw .unreadable(path: path, what: what, reason: systemReason(of: error))
        }
        guard bytes.count <= Self.byteCountMax else {
            throw .unusable("the \(what) \(path) is larger than \(Self.byteCountMax >> 20) MiB")
        }
        text = try Self.text(bytes, "\(what) \(path)")
        self.path = URL(fileURLWithPath: path).path
    }

    private static let byteCountMax = 16 << 20

    /// The bytes as UTF-8; what else they may be is said.
    private static func text(_ bytes: Data, _ name: String) throws(MembershipError) -> String {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.prefix(1024).contains(0)
        {
            throw .unusable("the \(name) is not UTF-8 text, but UTF-16 or no text at all; save it as UTF-8")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
            throw .unusable(
                "line \(line + 1) of the \(name) is not UTF-8 text, but perhaps Latin-1 (Windows-1252); save the file as UTF-8"
            )
        }
        return text
    }

    /// The folder that relative paths in the file start from.
    package var directory: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    package func resolve(_ name: String) -> String {
        name.hasPrefix("/")
            ? name : URL(fileURLWithPath: directory).appendingPathComponent(name).standardized.path
    }

    package func document() throws(DocumentError) -> YAMLMapping {
        try YAMLDocument(text: text, file: path).root
    }

    /// Reads `identity: {certificate, key, authority, revocations}`: paths of PEM files.
    package func identity(in root: YAMLMapping) throws(DocumentError) -> TLSIdentityFiles {
        let mapping = try root.mapping("identity")
        let files = TLSIdentityFiles(
            certificateChain: resolve(try mapping.string("certificate")),
            privateKey: resolve(try mapping.string("key")),
            trustRoots: resolve(try mapping.string("authority")),
            revocationList: resolve(try mapping.string("revocations")))
        try mapping.finish()
        return files
    }
}

/// `host:port`, with an IPv6 host in brackets.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    /// Nil unless the text has a host and a port from 0 to 65535, and nothing else; a final dot of the host is left out.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        guard let host = Self.host(String(text[..<colon])) else { return nil }
        (self.host, self.port) = (host, port)
    }

    /// A name or an IPv4 address, or an IPv6 address in brackets, without them; nil for other texts.
    static func host(_ text: String) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            // An IPv6 address, perhaps with the network interface it is of (RFC 4007, section 11).
            let inner = text.dropFirst().dropLast()
            let number = inner.prefix { $0 != "%" }
            let isAddress =
                number.count { $0 == ":" } > 1
                && number.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
            return isAddress ? String(inner) : nil
        }
        let name = text.hasSuffix(".") ? text.dropLast() : text[...]
        let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "-._".contains($0) }
        return isName ? String(name) : nil
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension YAMLMapping {
    /// An address, or its override from the environment.
    package func address(_ key: String, override: String? = nil) throws(DocumentError) -> NetworkAddress {
        let text = try string(key, override: override)
        let origin = override == nil ? "" : ", which the environment has for \(key),"
        // Before anything of it is printed.
        guard !text.contains("@") else {
            throw error(
                at: key,
                "the address\(origin) holds a user or password; write host:port alone, and what a proxy wants to know into the file proxy-credentials"
            )
        }
        // The form in which others write a proxy's address.
        var bare = text[...]
        if key == "proxy", bare.hasPrefix("http://") {
            bare = bare.dropFirst(7)
            if bare.hasSuffix("/") { bare = bare.dropLast() }
        }
        guard let address = NetworkAddress(String(bare)) else {
            // What stands where a proxy's address should is not printed: it may be its password.
            throw error(
                at: key,
                key == "proxy"
                    ? "what proxy says\(origin) is not an address; write for instance \"proxy.example.org:3128\""
                    : "\"\(text)\"\(origin) is not an address; write for instance \"coordinator.example.org:7443\""
            )
        }
        return address
    }

    /// The name of a host, or nil if the key is absent.
    package func hostName(_ key: String) throws(DocumentError) -> String? {
        guard let text = try optionalString(key) else { return nil }
        let bare = text.contains(":") && !text.hasPrefix("[") ? "[\(text)]" : text
        guard let host = NetworkAddress.host(bare) else {
            throw error(
                at: key, "what \(key) says is not the name of a host, such as \"coordinator.example.org\"")
        }
        return host
    }

    /// A required string, or its override from the environment, with which the file need not have it.
    package func string(_ key: String, override: String?) throws(DocumentError) -> String {
        guard let override else { return try string(key) }
        _ = try optionalString(key)
        return override
    }

    /// How much is logged: the key `log-level`, its override from the environment, or `info`.
    package func logLevel(override: String?) throws(DocumentError) -> String {
        let text = try optionalString("log-level")
        return override ?? text ?? "info"
    }
}

package import Federation
import Foundation
package import TLSTransport

/// A YAML configuration file on disk, with what is relative to its place.
package struct ConfigurationFile: Sendable {
    package let path: String
    package let text: String

    /// `what` names the file in the error of one that cannot be read.
    package init(path: String, what: String = "configuration") throws(MembershipError) {
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .unreadable(path: path, what: what)
        }
        self.path = URL(fileURLWithPath: path).path
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

    /// Nil unless the text has a host and a port from 0 to 65535.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, !host.contains("/"), !host.contains(" ") else { return nil }
        (self.host, self.port) = (host, port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension YAMLMapping {
    /// An address, or its override from the environment.
    package func address(_ key: String, override: String? = nil) throws(DocumentError) -> NetworkAddress {
        let text = try string(key, override: override)
        guard let address = NetworkAddress(text) else {
            let origin = override == nil ? "" : ", which the environment has for \(key),"
            throw error(
                at: key,
                "\"\(text)\"\(origin) is not an address; write for instance \"coordinator.example.org:7443\"")
        }
        return address
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

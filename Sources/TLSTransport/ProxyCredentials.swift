import COpenSSL
import Glibc

/// A user and password for a proxy, as its Basic authentication wants them (RFC 7617); never printed.
///
/// They stand in a file of their own, of one line `user:password`, that its owner alone may read.
struct ProxyCredentials: Sendable {
    /// The value of the field `Proxy-Authorization` (RFC 9110, section 11.7.2).
    let fieldValue: String

    private static let byteCountMax = 1024

    init(file path: String) throws(TransportError) {
        guard !TextFile.isOpenToAnybodyElse(path) else {
            throw .setup(
                "\(path), with the proxy's password, can be read by others; run \"chmod 600 \(path)\"")
        }
        var line = try TextFile.content(of: path)[...]
        while line.last?.isNewline == true { line.removeLast() }
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let isPlain = line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard parts.count == 2, !parts[0].isEmpty, isPlain, line.utf8.count <= Self.byteCountMax else {
            throw .setup("\(path) is not one line of the form user:password")
        }
        fieldValue = "Basic \(Self.base64(Array(line.utf8)))"
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: 4 * ((bytes.count + 2) / 3) + 1)
        let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }
}

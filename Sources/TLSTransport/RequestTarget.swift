/// A request's path and query, checked (RFC 9112, section 3.2.1: the origin form).
///
/// A path takes `A-Z a-z 0-9 - . _ ~` in segments that are neither empty nor `.` nor `..` (`/` alone is
/// fine), so that nothing behind has to decode it. Query values are percent-decoded UTF-8; a name may stand
/// once.
struct RequestTarget: Hashable, Sendable {
    let path: String
    let query: [String: String]

    init?(_ target: String) {
        let halves = target.utf8.split(
            separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(decoding: halves[0], as: UTF8.self)
        guard Self.isPath(path), let query = Self.query(halves.dropFirst().first ?? "".utf8[...]) else {
            return nil
        }
        (self.path, self.query) = (path, query)
    }

    private static func isPath(_ path: String) -> Bool {
        guard path.utf8.first == UInt8(ascii: "/") else { return false }
        if path == "/" { return true }
        return path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy { segment in
                !segment.isEmpty && segment.allSatisfy(isPlain) && !segment.elementsEqual(".".utf8)
                    && !segment.elementsEqual("..".utf8)
            }
    }

    private static func query(_ text: Substring.UTF8View) -> [String: String]? {
        var query: [String: String] = [:]
        for item in text.split(separator: UInt8(ascii: "&")) {
            let halves = item.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(halves[0]),
                let value = decoded(halves.dropFirst().first ?? "".utf8[...]),
                query.updateValue(value, forKey: name) == nil
            else { return nil }
        }
        return query
    }

    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(value(ofDigit:)),
                let low = rest.popFirst().flatMap(value(ofDigit:))
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return byte < 128 && (character.isLetter || character.isNumber || "-._~".contains(character))
    }

    private static func value(ofDigit byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}

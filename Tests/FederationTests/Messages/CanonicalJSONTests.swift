import Cryptography
import Federation
import ReferenceStudies
import Testing

/// One spelling for each message, and no other is read.
struct CanonicalJSONTests {
    private static let digest = SHA256Digest(of: "x".utf8)

    private static func decode<Value: Codable>(_ type: Value.Type, _ text: String) throws -> Value {
        try CanonicalJSON.decode(type, from: Array(text.utf8))
    }

    private static func text(_ value: some Encodable) -> String {
        String(decoding: CanonicalJSON.bytes(value), as: UTF8.self)
    }

    /// Each of these means a statement that is written as `honest`, or means nothing.
    @Test(arguments: [
        (
            "white space",
            #"{"analysis":"a", "beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        (
            "line end",
            "{\"analysis\":\"a\",\"beta\":[0.5,-2],\"context\":\"CONTEXT\",\"kind\":\"likelihood\",\"lanes\":4}\n"
        ),
        ("order", #"{"beta":[0.5,-2],"analysis":"a","context":"CONTEXT","kind":"likelihood","lanes":4}"#),
        (
            "unknown key",
            #"{"analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4,"x":1}"#
        ),
        (
            "duplicate key",
            #"{"analysis":"a","analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        ("exponent", #"{"analysis":"a","beta":[5e-1,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#),
        (
            "trailing zero",
            #"{"analysis":"a","beta":[0.50,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        (
            "point zero",
            #"{"analysis":"a","beta":[0.5,-2.0],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        (
            "too many digits",
            #"{"analysis":"a","beta":[0.50000000000000000001,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        ("plus", #"{"analysis":"a","beta":[+0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#),
        (
            "overflow",
            #"{"analysis":"a","beta":[1e999,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        ("nan", #"{"analysis":"a","beta":[NaN,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#),
        (
            "text for number",
            #"{"analysis":"a","beta":["0.5",-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        ("null", #"{"analysis":"a","beta":null,"context":"CONTEXT","kind":"likelihood","lanes":4}"#),
        (
            "fraction",
            #"{"analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4.0}"#
        ),
        (
            "upper-case hex",
            #"{"analysis":"a","beta":[0.5,-2],"context":"UPPER","kind":"likelihood","lanes":4}"#
        ),
        (
            "escape",
            #"{"analysis":"\u0061","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        (
            "escaped slash",
            #"{"analysis":"a\/","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
        ),
        ("missing key", #"{"analysis":"a","beta":[0.5,-2],"kind":"likelihood","lanes":4}"#),
        (
            "comment",
            #"{"analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}/**/"#
        ),
        (
            "trailing comma",
            #"{"analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4,}"#
        ),
        (
            "two values",
            #"{"analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}{}"#
        ),
        ("nothing", ""),
    ])
    func `another spelling is refused`(_ what: String, _ template: String) throws {
        let digest = Self.digest.hex
        let text = template.replacing("CONTEXT", with: digest).replacing("UPPER", with: digest.uppercased())
        #expect(throws: ProtocolError.self) { try Self.decode(QueryStatement.self, text) }
    }

    @Test func `the one spelling is read`() throws {
        let text = #"{"analysis":"a","beta":[0.5,-2],"context":"CONTEXT","kind":"likelihood","lanes":4}"#
            .replacing("CONTEXT", with: Self.digest.hex)
        #expect(Self.text(try Self.decode(QueryStatement.self, text)) == text)
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: ProtocolError.self) {
            try CanonicalJSON.decode([Double].self, from: [0x5B, 0xFF, 0x5D])
        }
    }

    @Test func `texts of any kind are carried, and slashes are not escaped`() throws {
        let refusal = Refusal(
            session: Self.digest, site: "site-1",
            reason: "größer \"3 cm\" \\ a/b \u{1}\t\u{2028} 腫瘍 \u{1F600}")
        #expect(try Self.decode(Refusal.self, Self.text(refusal)) == refusal)
        #expect(Self.text(refusal).contains("a/b"))
    }

    @Test(arguments: [
        0.1, 0.0, 1.0, -1.0, 1e15, 1e16, 123456789012345680, 1e21, 1e22, 1e23, .leastNonzeroMagnitude,
        .leastNormalMagnitude,
        .greatestFiniteMagnitude, 0.30000000000000004, 1 / 3.0, 4.35e-5, 1e-7,
    ])
    func `a coefficient comes back with every bit`(_ value: Double) throws {
        let back = try Self.decode([Double].self, Self.text([value]))
        #expect(back.map(\.bitPattern) == [value.bitPattern])
    }

    /// RFC 8785 has one zero.
    @Test func `a negative zero is zero`() throws {
        #expect(Self.text([-0.0]) == "[0]")
        #expect(throws: ProtocolError.self) { try Self.decode([Double].self, "[-0]") }
    }

    /// Protocol 1 took the numbers from Foundation.
    @Test(arguments: ["[1e-05]", "[-0]", "[1e+16]", "[0.50]", "[2.0]"])
    func `a spelling that an older program stored is read where it is stored, and not off the wire`(
        _ text: String
    )
        throws
    {
        #expect(throws: ProtocolError.self) { try Self.decode([Double].self, text) }
        let stored = try CanonicalJSON.decode([Double].self, fromStored: Array(text.utf8))
        #expect(stored == [Double(text.dropFirst().dropLast()) ?? .nan])
    }

    @Test(arguments: ["[1,]", "{}", "[\"a\"]", "[1] x", ""])
    func `what is stored is still all that is there`(_ text: String) {
        #expect(throws: ProtocolError.self) {
            try CanonicalJSON.decode([Double].self, fromStored: Array(text.utf8))
        }
        let loose = #"{"reason":"r","session":"\#(Self.digest.hex)","site":"s","x":1}"#
        #expect(throws: ProtocolError.self) {
            try CanonicalJSON.decode(Refusal.self, fromStored: Array(loose.utf8))
        }
    }

    @Test func `random coefficients come back with every bit, and their neighbours as neighbours`() throws {
        var random = SeededGenerator(4)
        let values = (0..<2000).map { _ in Double(bitPattern: random.next()) }.filter(\.isFinite)
        for value in values {
            let beta = [value, value.nextUp, value.nextDown].filter(\.isFinite)
            #expect(
                try Self.decode([Double].self, Self.text(beta)).map(\.bitPattern) == beta.map(\.bitPattern))
            #expect(Set(beta.map { Self.text([$0]) }).count == Set(beta).count)
        }
    }

    @Test(arguments: ["abc", "0g", "+f", " 0", "0x", "-1", "é"])
    func `hex is pairs of digits`(_ text: String) {
        #expect(throws: ProtocolError.self) { try Self.decode([HexBytes].self, "[\"\(text)\"]") }
    }

    @Test(arguments: [
        "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==\\n", "AAAAAAAAAAAAAAAAAAAAAB==", "AAAAAAAAAAAAAAAAAAAAAA", "*",
    ])
    func `lanes are base64 of whole lanes in its one spelling`(_ text: String) throws {
        #expect(throws: ProtocolError.self) { try Self.decode([MaskedVector].self, "[\"\(text)\"]") }
        #expect(
            try Self.decode([MaskedVector].self, #"["AAAAAAAAAAAAAAAAAAAAAA=="]"#) == [
                MaskedVector(lanes: [0])
            ])
    }

    @Test func `a message nested without end is refused`() {
        let depth = 100_000
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(throws: ProtocolError.self) { try Self.decode([Double].self, text) }
    }
}

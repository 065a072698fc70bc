import JSONText
import Testing

/// What is read as JSON, by the grammar of RFC 8259, and what is not.
struct ParserTests {
    private static func tree(_ text: String) throws -> JSONTree { try JSONTree(parsing: Array(text.utf8)) }

    @Test(
        arguments: [
            ("null", JSONTree.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
            ("-12", .integer(-12)), ("1.0", .number(1)), ("-0", .number(-0.0)), ("1e3", .number(1000)),
            ("9223372036854775807", .integer(.max)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("\"\"", .string("")), (#""\ud83d\ude00\/\b\f\n\r\t""#, .string("\u{1F600}/\u{8}\u{C}\n\r\t")),
            ("[]", .array([])), ("[ 1 , [ ] ]", .array([.integer(1), .array([])])), ("{}", .object([:])),
            (#"{"a" : {"b":null}}"#, .object(["a": .object(["b": .null])])),
        ])
    func `a document is read`(text: String, tree: JSONTree) throws { #expect(try Self.tree(text) == tree) }

    @Test(
        arguments: [
            "", " ", "nul", "tru", "True", "NaN", "Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+",
            "0x10", "1_000", "1e999", "-1e999", "\"", "\"\\\"", "\"a", "\"\u{1}\"", "\"\n\"", #""\x""#,
            #""\u12""#,
            #""\u12g4""#, #""\ud83d""#, #""\ud83dx""#, #""\ud83d\u0041""#, #""\ude00""#, "[", "[1", "[1,",
            "[1,]",
            "[,1]", "[1 2]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{1:1}",
            "{\"a\" 1}",
            "[] []", "1 2", "{}{}", "// 1", "/**/1", "'a'", "\u{FEFF}1", "]", "}", ",", ":",
        ])
    func `what is no document is refused`(_ text: String) {
        #expect(throws: JSONFault.self) { try Self.tree(text) }
    }

    @Test func `a key stands once, also where two spellings are one text`() {
        #expect(throws: JSONFault.self) { try Self.tree(#"{"a":1,"a":1}"#) }
        #expect(throws: JSONFault.self) { try Self.tree(#"{"a":1,"\u0061":1}"#) }
        #expect(throws: JSONFault.self) { try Self.tree("{\"\u{E9}\":1,\"e\u{301}\":1}") }
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xEF, 0xBB, 0xBF, 0x31],
    ])
    func `what is not UTF-8 is refused`(_ bytes: [UInt8]) {
        #expect(throws: JSONFault.self) { try JSONTree(parsing: bytes) }
    }

    @Test func `depth has a bound, and no document can exhaust the stack`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try Self.tree(nested(64)) }
        #expect(throws: JSONFault.self) { try Self.tree(nested(65)) }
        #expect(throws: JSONFault.self) { try Self.tree(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONFault.self) { try Self.tree(String(repeating: "{\"a\":", count: 1_000_000)) }
    }
}

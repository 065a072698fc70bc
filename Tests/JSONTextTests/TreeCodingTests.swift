import JSONText
import Testing

/// Values through a tree and back, above all those of which JSON has no obvious form.
struct TreeCodingTests {
    /// A number whose own missing value is `null`.
    private enum Measured: Codable, Hashable {
        case value(Double)
        case missing

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            self = container.decodeNil() ? .missing : .value(try container.decode(Double.self))
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .value(let value): try container.encode(value)
            case .missing: try container.encodeNil()
            }
        }
    }

    private struct Record: Codable, Hashable {
        var own: Measured
        var perhaps: Measured?
        var number: Double?
        var text: String?
        var isSet: Bool?
        var count: Int?
        var small: UInt8?
        var list: [Measured]
        var counts: [String: Int]
    }

    @Test func `an optional of a type that writes itself as null is three things, and comes back as it was`()
        throws
    {
        for perhaps in [Measured?.none, .some(.missing), .some(.value(1))] {
            let record = Record(
                own: .missing, perhaps: perhaps, list: [.missing, .value(2)], counts: ["ö": 1])
            let tree = try JSONTree(encoding: record)
            #expect(try JSONTree(parsing: tree.canonicalBytes).decoded(as: Record.self) == record)
        }
        let present = try JSONTree(
            encoding: Record(own: .missing, perhaps: .some(.missing), list: [], counts: [:]))
        #expect(
            String(decoding: present.canonicalBytes, as: UTF8.self)
                == #"{"counts":{},"list":[],"own":null,"perhaps":null}"#)
    }

    /// An optional's nil is written by leaving the key out, so `null` is another spelling.
    @Test(arguments: ["number", "text", "isSet", "count", "small"])
    func `null is not the nil of a type that has no null`(key: String) {
        let text = "{\"counts\":{},\"list\":[],\"own\":null,\"\(key)\":null}"
        #expect(throws: DecodingError.self) {
            try JSONTree(parsing: Array(text.utf8)).decoded(as: Record.self)
        }
    }

    @Test func `doubles that JSON lacks have names`() throws {
        let tree = try JSONTree(encoding: [Double.infinity, -.infinity, .nan, 0])
        #expect(String(decoding: tree.canonicalBytes, as: UTF8.self) == #"["Inf","-Inf","NaN",0]"#)
        let back = try tree.decoded(as: [Double].self)
        #expect(back[0] == .infinity && back[1] == -.infinity && back[2].isNaN && back[3] == 0)
    }

    @Test func `an integer is read where it fits, and a fraction is no integer`() throws {
        #expect(try JSONTree.integer(255).decoded(as: UInt8.self) == 255)
        #expect(throws: DecodingError.self) { try JSONTree.integer(256).decoded(as: UInt8.self) }
        #expect(throws: DecodingError.self) { try JSONTree.integer(-1).decoded(as: UInt.self) }
        #expect(throws: DecodingError.self) { try JSONTree.number(1).decoded(as: Int.self) }
        #expect(throws: EncodingError.self) { try JSONTree(encoding: [UInt64.max]) }
        #expect(try JSONTree(encoding: Int.max) == .integer(.max))
    }

    /// Several containers of one encoder are one object, as a type with a kind of its own writes it.
    @Test func `what a type writes into one place in several steps is one object`() throws {
        struct Tagged: Encodable {
            enum Key: String, CodingKey { case kind }
            var body: Record

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode("record", forKey: .kind)
                try body.encode(to: encoder)
            }
        }
        let tree = try JSONTree(
            encoding: Tagged(body: Record(own: .value(1), count: 2, list: [], counts: [:])))
        #expect(
            String(decoding: tree.canonicalBytes, as: UTF8.self)
                == #"{"count":2,"counts":{},"kind":"record","list":[],"own":1}"#)
    }

    @Test(arguments: ["[1,\"a\"]", "{\"a\":1}", "1", "\"x\"", "null", "[[]]"])
    func `a tree of another type is refused`(_ text: String) {
        #expect(throws: DecodingError.self) {
            try JSONTree(parsing: Array(text.utf8)).decoded(as: [Int].self)
        }
    }
}

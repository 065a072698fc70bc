import JSONText
import Testing

/// RFC 8785, by its own examples: what is signed must be the same bytes for everybody and for ever.
struct CanonicalFormTests {
    /// RFC 8785, appendix B, whole but for NaN and infinity, which have no form.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"), (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func `a double is written as ECMAScript writes it`(bits: UInt64, text: String) {
        #expect(shortestText(of: Double(bitPattern: bits)) == text)
    }

    /// Boundaries between the forms, worked out by ECMA-262 section 6.1.6.1.20.
    @Test(
        arguments: [
            (1e-6, "0.000001"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"), (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.2345678901234568e20, "123456789012345680000"), (1.234e21, "1.234e+21"), (0.5, "0.5"),
            (-2, "-2"),
            (100, "100"), (1e16, "10000000000000000"), (12.25, "12.25"), (4.35e-5, "0.0000435"),
            (0.1 + 0.2, "0.30000000000000004"), (1e-5, "0.00001"), (-1e-10, "-1e-10"),
        ] as [(Double, String)])
    func `the forms change where ECMAScript changes them`(value: Double, text: String) {
        #expect(shortestText(of: value) == text)
    }

    /// RFC 8785, section 3.2.2 and its result in 3.2.4.
    @Test func `the example of the standard is the bytes of the standard`() throws {
        let text = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let canonical =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
            + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(try JSONTree(parsing: Array(text.utf8)).canonicalBytes == Array(canonical.utf8))
    }

    /// RFC 8785, section 3.2.3: keys by their UTF-16 code units, so that U+1F600 stands before U+FB33.
    @Test func `keys stand in the order of their code units`() throws {
        let text = #"""
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}
            """#
        let canonical = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"\u{1F600}\":5,\"\u{FB33}\":3}"
        let bytes = try JSONTree(parsing: Array(text.utf8)).canonicalBytes
        #expect(String(decoding: bytes, as: UTF8.self).unicodeScalars.elementsEqual(canonical.unicodeScalars))
    }

    @Test func `every control character has its one escape, and nothing else has any`() {
        let escapes = (0..<0x20).map { code in
            switch code {
            case 8: "\\b"
            case 9: "\\t"
            case 10: "\\n"
            case 12: "\\f"
            case 13: "\\r"
            default: "\\u00" + (code < 16 ? "0" : "") + String(code, radix: 16)
            }
        }
        for (code, escape) in escapes.enumerated() {
            let character = Character(Unicode.Scalar(UInt8(code)))
            #expect(quotedText(of: "a\(character)b") == "\"a\(escape)b\"")
        }
        let plain = "\u{7F}\u{80}/'<>&\u{2028}\u{2029}\u{FEFF}é腫\u{1F600}"
        #expect(Array(quotedText(of: plain).utf8) == Array("\"\(plain)\"".utf8))
        #expect(quotedText(of: "\"\\") == #""\"\\""#)
    }

    @Test func `random doubles are read back bit for bit and written again as they were`() throws {
        var state: UInt64 = 7
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Double(bitPattern: state ^ (state >> 29))
            guard value.isFinite, value != 0 else { continue }
            let text = shortestText(of: value)
            let tree = try JSONTree(parsing: Array(text.utf8))
            #expect(try tree.decoded(as: Double.self).bitPattern == value.bitPattern, "\(text)")
            #expect(tree.canonicalBytes == Array(text.utf8))
            #expect(text.utf8.count <= 25)
        }
    }
}

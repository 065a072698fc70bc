import Survival
import Testing

/// What others wrote is shown with every character that is not seen, or moves others, written out.
struct VisibleTextTests {
    private static let scalars = (0...0x10FFFF as ClosedRange<UInt32>).compactMap(Unicode.Scalar.init)

    @Test func `nothing that is ignored, reorders text or acts on a terminal is shown as it is`() {
        let bidirectional: [UInt32] = [0x061C, 0x200E, 0x200F] + (0x202A...0x202E) + (0x2066...0x2069)
        let unseen = Self.scalars.filter { scalar in
            scalar.properties.isDefaultIgnorableCodePoint || scalar.properties.generalCategory == .control
                || scalar.properties.generalCategory == .format || bidirectional.contains(scalar.value)
                || [.lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
        }
        #expect(unseen.count > 4000)
        for scalar in unseen where scalar != "\n" {
            #expect(!scalar.isSeen, "\(scalar.value)")
            #expect(String(scalar).visible == scalar.writtenOut)
            #expect(String(scalar).masked == "\u{FFFD}")
        }
    }

    /// Letters that look like a blank: fillers, an empty Braille pattern, musical and interlinear controls, a joiner of graphemes.
    @Test(
        arguments: [
            0x061C, 0x180E, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F, 0x2800, 0xFFF9, 0xFFFA, 0xFFFB, 0x1D173,
            0x17B4,
            0x00AD, 0x200B, 0x2060, 0xFEFF, 0xE0041, 0xFE0F, 0x180B, 0x2028, 0x2029, 0x85, 0x7F, 0x1B, 0xE000,
        ] as [UInt32])
    func `what looks like nothing or a blank is written out, alone and inside a word`(_ value: UInt32) throws
    {
        let scalar = try #require(Unicode.Scalar(value))
        for text in ["a\(scalar)b", "\(scalar)", "a \(scalar) b"] {
            #expect(!text.visible.unicodeScalars.contains(scalar))
            #expect(!text.masked.unicodeScalars.contains(scalar))
            #expect(!text.visibleLine.unicodeScalars.contains(scalar))
        }
    }

    @Test func `letters, signs and blanks of all scripts stay`() {
        for text in ["Grüße, β₁ ≤ 0.5 µg/L", "肝細胞癌", "Ελληνικά", "מחקר", "أ", "e\u{301}", "a b"] {
            #expect(text.visible == text && text.masked == text)
        }
    }
}

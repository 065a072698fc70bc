extension String {
    /// With every character that acts on a terminal, reorders or hides text, or is not seen at all, written out as `\u{202e}`;
    /// line feeds excepted.
    ///
    /// What others wrote must neither act on a terminal nor look like something else: controls, direction marks and overrides,
    /// zero-width characters, separators of lines, invisible letters. The one place that decides which these are.
    package var visible: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            text += scalar == "\n" || scalar.isSeen ? String(scalar) : scalar.writtenOut
        }
    }

    /// The same with U+FFFD for each such character, line feeds included: where there is room for one sign only.
    package var masked: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isSeen ? $0 : "\u{FFFD}" }))
    }

    /// A text of JSON with each such character in the form that JSON has for it: the same to every reader of JSON, and on a terminal
    /// harmless.
    package var visibleJSON: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            guard scalar != "\n", !scalar.isSeen else {
                text.unicodeScalars.append(scalar)
                return
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }

    /// On one line, with single blanks and no character that is not seen; the form in which others' words stand inside ours.
    package var visibleLine: String {
        split(whereSeparator: { $0.isNewline || $0 == "\t" || $0.isBlank }).map { String($0).visible }
            .joined(separator: " ")
    }
}

extension Character {
    /// A blank of any width.
    fileprivate var isBlank: Bool {
        unicodeScalars.allSatisfy { $0.properties.generalCategory == .spaceSeparator }
    }
}

extension Unicode.Scalar {
    /// Whether it is seen as itself.
    package var isSeen: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            false
        // Zero-width joiners, variation selectors, fillers of scripts, tags; and the Braille pattern without a dot.
        default: !properties.isDefaultIgnorableCodePoint && value != 0x2800
        }
    }

    /// `\u{202e}`.
    package var writtenOut: String { "\\u{\(String(value, radix: 16))}" }
}

/// A file in the plain part of YAML: mappings, lists and texts.
///
/// What a reader cannot see at a glance is refused: anchors and aliases, tags, several documents, repeated
/// keys, invisible characters. So is what could exhaust a node: more than 1 MiB, or more than 16 levels of
/// nesting.
package struct YAMLDocument {
    package let root: YAMLMapping

    static let byteCountMax = 1 << 20
    static let depthMax = 16

    /// Parses `text`; `file` names it in errors.
    ///
    /// `allowsUnseen`: invisible characters may be there as escapes (`"\u202E"`), which everybody sees. Only for files of one's own,
    /// such as a dictionary guessed from columns that are so named: what is sent to others may not hold them.
    package init(text: String, file: String, allowsUnseen: Bool = false) throws(DocumentError) {
        guard text.utf8.count <= Self.byteCountMax else {
            throw DocumentError(file: file, message: "the file is larger than \(Self.byteCountMax) bytes")
        }
        // A byte order mark, as some editors put it, is no part of the text.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        try YAMLScreening.refuseInvisible(in: text, file: file)
        try YAMLScreening.refuseManyAliases(in: text, file: file)
        let value = try YAMLReader(text: text, file: file, allowsUnseen: allowsUnseen).read()
        guard case .mapping(let root) = value else {
            throw DocumentError(
                file: file, line: value.place.line, column: value.place.column,
                message: "a mapping of keys to values is needed, not \(value.kind)")
        }
        self.root = root
    }
}

/// A node of a document, without anything that is particular to YAML.
enum YAMLValue {
    case scalar(String, isPlain: Bool, YAMLPlace)
    case list([YAMLValue], YAMLPlace)
    case mapping(YAMLMapping)

    var place: YAMLPlace {
        switch self {
        case .scalar(_, _, let place), .list(_, let place): place
        case .mapping(let mapping): mapping.place
        }
    }

    var kind: String {
        switch self {
        case .scalar: "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The text of a scalar; nil for one that YAML calls null (nothing at all, `~` or `null`) and for
    /// everything else.
    var text: String? {
        guard case .scalar(let text, let isPlain, _) = self else { return nil }
        return isPlain && ["", "~", "null"].contains(text) ? nil : text
    }

    var isNull: Bool {
        if case .scalar = self { text == nil } else { false }
    }
}

/// Line and column, from 1.
struct YAMLPlace: Hashable {
    var line: Int
    var column: Int
}

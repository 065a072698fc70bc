import Foundation
import Survival
import Yams

/// Parses a YAML text into our values.
struct YAMLReader: Sendable {
    var text: String
    var file: String
    /// That of `YAMLDocument`.
    var allowsUnseen = false

    /// libyaml stops at 1000 levels of nesting, and Yams calls itself once for each: in all less than 4 MiB
    /// of stack.
    ///
    /// A server's threads may have less, so that parsing has a thread of its own.
    private static let stackByteCount = 16 << 20

    /// The result of the other thread.
    ///
    /// Unchecked, because the semaphore orders the one write before the one read.
    private final class Outcome: @unchecked Sendable {
        var result: Result<YAMLValue, DocumentError>?
    }

    func read() throws(DocumentError) -> YAMLValue {
        let (outcome, done) = (Outcome(), DispatchSemaphore(value: 0))
        let thread = Thread {
            outcome.result = Result { () throws(DocumentError) in try parse() }
            done.signal()
        }
        thread.stackSize = Self.stackByteCount
        thread.start()
        done.wait()
        guard let result = outcome.result else {
            preconditionFailure("the thread signals after it has a result")
        }
        return try result.get()
    }

    private func parse() throws(DocumentError) -> YAMLValue {
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            guard let node = try parser.singleRoot() else {
                throw DocumentError(file: file, line: 1, column: 1, message: "the file is empty")
            }
            // Nodes refer to their anchors weakly; the parser keeps them.
            return try withExtendedLifetime(parser) {
                try YAMLTranslation(file: file, allowsUnseen: allowsUnseen).value(node, depth: 0)
            }
        } catch let error as DocumentError {
            throw error
        } catch {
            throw DocumentError(error, in: text, file: file)
        }
    }
}

/// Turns Yams' nodes into ours.
private struct YAMLTranslation {
    var file: String
    var allowsUnseen: Bool

    func value(_ node: Node, depth: Int, isKey: Bool = false) throws(DocumentError) -> YAMLValue {
        let place = YAMLPlace(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        guard depth < YAMLDocument.depthMax else {
            throw error(place, "more than \(YAMLDocument.depthMax) levels of nesting")
        }
        try refuseDecoration(of: node, isKey: isKey, at: place)
        switch node {
        case .scalar(let scalar):
            if !allowsUnseen, let name = YAMLScreening.invisibleCharacter(in: scalar.string) {
                throw error(place, "the text has the invisible character \(name)")
            }
            return .scalar(scalar.string, isPlain: scalar.style == .plain, place)
        case .sequence(let sequence):
            var items: [YAMLValue] = []
            for item in sequence { items.append(try value(item, depth: depth + 1)) }
            return .list(items, place)
        case .mapping(let mapping):
            var entries: [YAMLMapping.Entry] = []
            for (key, content) in mapping {
                guard case .scalar = key,
                    case .scalar(let name, _, let place) = try value(key, depth: depth, isKey: true)
                else { throw error(place, "a key of this mapping is no text, but a list or a mapping") }
                entries.append(.init(key: name, place: place, value: try value(content, depth: depth + 1)))
            }
            return .mapping(YAMLMapping(file: file, place: place, entries: entries))
        case .alias:
            throw error(place, "anchors (&name) and aliases (*name) are not read; write the value out")
        }
    }

    /// Refuses anchors, and tags other than those that Yams itself gives to texts in quotes and to keys.
    private func refuseDecoration(of node: Node, isKey: Bool, at place: YAMLPlace) throws(DocumentError) {
        guard node.anchor == nil else {
            throw error(place, "anchors (&name) and aliases (*name) are not read; write the value out")
        }
        let (tag, own) =
            switch node {
            case .scalar(let scalar): (scalar.tag, isKey || scalar.style != .plain ? Tag.Name.str : .implicit)
            case .sequence(let sequence): (sequence.tag, .implicit)
            case .mapping(let mapping): (mapping.tag, .implicit)
            case .alias(let alias): (alias.tag, .implicit)
            }
        guard [Tag.Name.implicit.rawValue, own.rawValue].contains(tag.rawValue) else {
            throw error(place, "tags (!name) are not read; leave it out")
        }
    }

    private func error(_ place: YAMLPlace, _ message: String) -> DocumentError {
        DocumentError(file: file, line: place.line, column: place.column, message: message)
    }
}

extension DocumentError {
    /// What libyaml says, in our form; it knows no more than the place and a phrase.
    fileprivate init(_ error: any Error, in text: String, file: String) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let message = [context?.text, problem].compactMap(\.self).joined(separator: ": ")
            self.init(file: file, line: mark.line, column: mark.column, message: "not YAML: \(message)")
        case .composer(_, let problem, let mark, _):
            let isSecond = problem.contains("another document")
            self.init(
                file: file, line: mark.line, column: mark.column,
                message: isSecond ? "a second document begins here; a file holds one" : "not YAML: \(problem)"
            )
        case .duplicatedKeysInMapping(let keys, let context):
            self.init(
                file: file, line: context.mark.line, column: context.mark.column,
                message: "the key \(quoted(keys.first ?? "")) is there twice")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.count(where: \.isNewline) + 1
            self.init(file: file, line: offset == nil ? nil : line, message: "not YAML: \(problem)")
        case .memory: self.init(file: file, message: "more than \(YAMLDocument.depthMax) levels of nesting")
        default: self.init(file: file, message: "not YAML")
        }
    }
}

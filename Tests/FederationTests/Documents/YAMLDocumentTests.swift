import Federation
import Foundation
import Testing

@Suite struct YAMLDocumentTests {
    private func root(_ text: String) throws -> YAMLMapping {
        try YAMLDocument(text: text, file: "study.yaml").root
    }

    private func refusal(_ text: String) -> String? {
        do {
            _ = try root(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `values are read by key and kind`() throws {
        let root = try root(
            """
            # A comment.
            title: "Größe ≥ 3 cm"
            count: 12
            width: 0.5
            yes-or-no: true
            norway: no
            sites: [hospital-1, 007, no, ~x, "~"]
            at: [12, 2.5e1, -3]
            endpoint: {time: months, event: died}
            define:
              poor: response in ["SD", "PD"]
              old: >-
                age > 65
                and ecog >= 2
            analyses:
              - {id: a}
              - id: b
            nothing:
            """)
        #expect(try root.string("title") == "Größe ≥ 3 cm")
        #expect(try root.int("count") == 12)
        #expect(try root.string("count") == "12")
        #expect(try root.number("width") == 0.5)
        #expect(try root.bool("yes-or-no"))
        #expect(try root.string("norway") == "no")
        #expect(try root.strings("sites") == ["hospital-1", "007", "no", "~x", "~"])
        #expect(try root.numbers("at") == [12, 25, -3])
        #expect(try root.mapping("endpoint").string("event") == "died")
        let pairs = try root.pairs("define")
        #expect(pairs.map(\.name) == ["poor", "old"])
        #expect(pairs.map(\.text) == ["response in [\"SD\", \"PD\"]", "age > 65 and ecog >= 2"])
        #expect(pairs.map(\.line) == [11, 12])
        let analyses = try root.mappings("analyses")
        #expect(try analyses.map { try $0.string("id") } == ["a", "b"])
        #expect(analyses.map(\.line) == [16, 17])
        #expect(try root.optionalString("nothing") == nil)
        #expect(try root.optionalString("absent") == nil)
        #expect(try root.optionalMapping("absent") == nil)
        #expect(throws: Never.self) { try root.finish() }
    }

    @Test func `an unknown key is refused with line, column and a suggestion`() throws {
        let root = try root("study: x\nendpoint:\n    time: months\n    evnt: died\n    tim: days\n")
        let endpoint = try root.mapping("endpoint")
        _ = (try endpoint.string("time"), try endpoint.optionalString("event"))
        let error = #expect(throws: DocumentError.self) { try endpoint.finish() }
        #expect(error?.description == "study.yaml:4:5: unknown key \"evnt\"; did you mean \"event\"?")
        #expect(error?.line == 4)
        #expect(error?.column == 5)
    }

    @Test func `a key that is far from all others gets no suggestion`() throws {
        let root = try root("study: x\nfrobnicate: 1\n")
        _ = try root.string("study")
        let error = #expect(throws: DocumentError.self) { try root.finish() }
        #expect(error?.description == "study.yaml:2:1: unknown key \"frobnicate\"")
    }

    @Test func `a missing key is named, or its misspelling`() throws {
        let missing = #expect(throws: DocumentError.self) { try root("title: x").string("study") }
        #expect(missing?.description == "study.yaml:1:1: the key \"study\" is missing")
        let misspelt = #expect(throws: DocumentError.self) { try root("title: x\nstduy: y").string("study") }
        #expect(misspelt?.description == "study.yaml:2:1: unknown key \"stduy\"; did you mean \"study\"?")
    }

    @Test func `a key that was only looked for is not taken for read`() throws {
        let root = try root("terms: [a]\neach: [b]\nempty:")
        #expect(root.has("terms") && root.has("each") && !root.has("empty"))
        _ = try root.strings("terms")
        let error = #expect(throws: DocumentError.self) { try root.finish() }
        #expect(error?.description == "study.yaml:2:1: the key \"each\" has no use here")
        _ = try root.strings("each")
        let empty = #expect(throws: DocumentError.self) { try root.finish() }
        #expect(empty?.description == "study.yaml:3:1: the key \"empty\" has no value")
    }

    @Test(arguments: [
        ("a: x", "study.yaml:1:4: \"x\" is not a whole number"),
        ("a: 1.5", "study.yaml:1:4: \"1.5\" is not a whole number"),
        ("a: [1]", "study.yaml:1:4: \"a\" needs a single value, not a list"),
        ("a: {b: 1}", "study.yaml:1:4: \"a\" needs a single value, not a mapping"),
        ("a:", "study.yaml:1:3: \"a\" has no value"), ("a: ~", "study.yaml:1:4: \"a\" has no value"),
    ])
    func `a value of the wrong kind is refused at its place`(text: String, message: String) {
        let error = #expect(throws: DocumentError.self) { try root(text).int("a") }
        #expect(error?.description == message)
    }

    @Test func `numbers are finite, truth is true or false, lists are lists`() {
        for text in ["a: .nan", "a: .inf", "a: inf", "a: nan", "a: 1,5", "a: 1e999"] {
            #expect(throws: DocumentError.self) { try root(text).number("a") }
        }
        for text in ["a: yes", "a: 1", "a: True"] {
            #expect(throws: DocumentError.self) { try root(text).bool("a") }
        }
        for text in ["a: x", "a: [x, [y]]", "a: [x, ~]", "a: [x, {y: z}]", "a:\n  -\n"] {
            #expect(throws: DocumentError.self) { try root(text).strings("a") }
        }
        for text in ["a: {b: c}", "a: [{b: c}, d]"] {
            #expect(throws: DocumentError.self) { try root(text).mappings("a") }
        }
        #expect(throws: DocumentError.self) { try root("a: [b]").mapping("a") }
        #expect(throws: DocumentError.self) { try root("a: {b: [c]}").pairs("a") }
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3", "the key \"a\" is there twice"),
        ("a: {b: 1, b: 2}", "the key \"b\" is there twice"),
        ("1: x\n\"1\": y", "the key \"1\" is there twice"),
        ("a: &x 1", "anchors (&name)"), ("a: &x [1]\nb: *x", "anchors (&name)"),
        ("a: &x {b: 1}", "anchors (&name)"),
        ("a: {<<: 1}\nb: &x 2", "anchors (&name)"), ("a: !!str 1", "tags (!name)"),
        ("a: !secret x", "tags (!name)"),
        ("a: !x [1]", "tags (!name)"), ("a: !x {b: 1}", "tags (!name)"), ("a: *x", "undefined alias"),
        ("a: 1\n---\nb: 2", "study.yaml:2:1: a second document"), ("", "study.yaml:1:1: the file is empty"),
        ("# nothing", "the file is empty"),
        ("- a\n- b", "study.yaml:1:1: a mapping of keys to values is needed, not a list"),
        ("text", "not a single value"), ("a: [1", "study.yaml:2:1: not YAML"), ("a: \"x", "not YAML"),
        ("a:\tb: c", "not YAML"), ("a: b\n c: d", "study.yaml:2:3: not YAML"),
        ("[a, b]: c", "a key of this mapping is no text"),
        ("? {a: b}\n: c", "a key of this mapping is no text"), ("a: \"\\u202E\"", "U+202E"),
        ("a: b # \u{202E}", "study.yaml:1:8: the invisible character U+202E"), ("a\u{200B}: b", "U+200B"),
        ("a: \u{0}", "U+0000"), ("a: \"\\0\"", "U+0000"), ("a: \"\\u2028\"", "U+2028"),
    ])
    func `what a reader cannot see at a glance is refused`(text: String, message: String) {
        #expect(refusal(text)?.contains(message) == true, "\(refusal(text) ?? "accepted")")
    }

    @Test func `a byte order mark, Windows line ends and scripts with joiners are fine`() throws {
        #expect(try root("\u{FEFF}a: 1\r\nb: 2\r\n").int("b") == 2)
        #expect(try root("a: \u{0645}\u{06CC}\u{200C}\u{062E}").string("a").unicodeScalars.count == 4)
        #expect(try root("a: x * y and *z\nb: R & D").string("a") == "x * y and *z")
    }

    @Test(arguments: [
        String(repeating: "[", count: 17) + String(repeating: "]", count: 17),
        String(repeating: "{a: ", count: 17) + "1" + String(repeating: "}", count: 17),
        "\n" + (0..<20).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        String(repeating: "- ", count: 900) + "x",
        String(repeating: "[", count: 200_000),
        String(repeating: "- ", count: 100_000) + "x",
        String(repeating: "a: {", count: 100_000),
    ])
    func `deep nesting is refused`(value: String) {
        let text = value.hasPrefix("-") ? value : "x: " + value
        let message = refusal(text)
        #expect(
            message?.contains("levels of nesting") == true || message?.contains("not YAML") == true,
            "\(message ?? "accepted")")
    }

    /// Nesting is a matter of the stack, and a server's threads have small ones.
    @Test func `deep nesting does not exhaust a stack of half a mebibyte`() {
        let text = "x: " + String(repeating: "[", count: 990) + String(repeating: "]", count: 990)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            _ = try? YAMLDocument(text: text, file: "deep")
            done.signal()
        }
        thread.stackSize = 512 << 10
        thread.start()
        done.wait()
    }

    /// Unrefused, the key at the end stands for 2 to the 60th texts, all of which the search for repeated
    /// keys would visit.
    @Test func `nested aliases are refused before they multiply`() {
        var text = "a0: &a0 [x, x]\n"
        for level in 1...60 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        text += "? *a60\n: x\n"
        #expect(refusal(text)?.contains("aliases (*name)") == true)
    }

    @Test func `a large file is refused, a long one is read`() throws {
        #expect(refusal("a: " + String(repeating: "x", count: 1 << 20))?.contains("larger than") == true)
        let lines = (0..<20_000).map { "key-\($0): value \($0)" }.joined(separator: "\n")
        #expect(try root(lines).keys.count == 20_000)
    }
}

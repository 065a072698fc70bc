import Federation
import Survival
import Testing

@Suite struct DataDictionaryYAMLTests {
    private static let text = """
        dictionary: hcc-extrahepatic
        version: 2
        title: Hepatocellular carcinoma
        person: patient
        variables:
          patient: {type: identifier, column: patient_id, required: true}
          age: {type: integer, label: age at diagnosis, unit: year, range: [18, 110]}
          tumour_cm:
            type: number
            range: [0.1, 40]
            resolution: 0.1
            missing: ["-9", NA, ""]
          afp: {type: number, range: [0, .inf]}
          crp: {type: number}
          died: {type: boolean, measured: follow-up, filter: false, term: false}
          response:
            type: category
            levels: {CR: complete response, no: "none, größer", "1": one}
            reference: no
          group: {type: category, levels: [1, 0.5, "no change", "≥3 cm"]}
        """

    @Test func `every key of a dictionary is understood`() throws {
        let dictionary = try DataDictionary(yaml: Self.text, file: "d.yaml")
        let expected = DataDictionary(
            name: "hcc-extrahepatic", version: 2, title: "Hepatocellular carcinoma", person: "patient",
            variables: [
                .init(name: "patient", kind: .identifier, column: "patient_id", isRequired: true),
                .init(
                    name: "age", label: "age at diagnosis",
                    kind: .number(lower: 18, upper: 110, resolution: 1), unit: "year"),
                .init(
                    name: "tumour_cm", kind: .number(lower: 0.1, upper: 40, resolution: 0.1),
                    missing: ["-9", "NA", ""]),
                .init(name: "afp", kind: .number(lower: 0, upper: .infinity, resolution: nil)),
                .init(name: "crp", kind: .number(lower: -.infinity, upper: .infinity, resolution: nil)),
                .init(
                    name: "died", kind: .boolean, isAllowedInFilters: false, isAllowedInTerms: false,
                    isMeasuredAfterTimeZero: true),
                .init(
                    name: "response", kind: .category(levels: ["CR", "no", "1"], reference: "no"),
                    levelLabels: ["CR": "complete response", "no": "none, größer", "1": "one"]),
                .init(
                    name: "group",
                    kind: .category(levels: ["1", "0.5", "no change", "≥3 cm"], reference: "1")),
            ])
        #expect(dictionary == expected)
    }

    private static let head = "dictionary: d\nversion: 1\nperson: id\nvariables:\n  id: {type: identifier}\n"

    @Test(arguments: [
        (head + "  x: {type: nmber}", "d.yaml:6:13: there is no type \"nmber\"; did you mean \"number\"?"),
        (
            head + "  x: {type: text}",
            "d.yaml:6:13: there is no type \"text\"; use number, integer, category, boolean, identifier"
        ),
        (head + "  x: {typ: number}", "d.yaml:6:7: unknown key \"typ\"; did you mean \"type\"?"),
        (
            head + "  x: {type: number, rnge: [1, 2]}",
            "d.yaml:6:21: unknown key \"rnge\"; did you mean \"range\"?"
        ),
        (
            head + "  x: {type: boolean, range: [0, 1]}",
            "d.yaml:6:29: a variable of type boolean has no range"
        ),
        (
            head + "  x: {type: integer, resolution: 2}",
            "d.yaml:6:34: a variable of type integer has no resolution"
        ),
        (
            head + "  x: {type: number, levels: [a, b]}",
            "d.yaml:6:29: a variable of type number has no levels"
        ),
        (head + "  x: {type: number, range: [1]}", "d.yaml:6:28: a range is two numbers"),
        (head + "  x: {type: number, range: [1, b]}", "d.yaml:6:28: a range is two numbers"),
        (head + "  x: {type: number, range: [2, 1]}", "d.yaml:6:6: variable \"x\" needs a range"),
        (head + "  x: {type: category}", "d.yaml:6:6: the key \"levels\" is missing"),
        (head + "  x: {type: category, levels: [a]}", "d.yaml:6:6: variable \"x\" needs two levels"),
        (
            head + "  x: {type: category, levels: [a, b], reference: c}",
            "the reference \"c\" of variable \"x\" is not among"
        ),
        (head + "  x: {type: number, required: yes}", "d.yaml:6:31: \"yes\" is neither true nor false"),
        (
            head + "  x: {type: number, measured: later}",
            "\"later\" is neither \"baseline\" nor \"follow-up\""
        ),
        (head + "  x: {type: number}\n  x: {type: boolean}", "the key \"x\" is there twice"),
        (head + "  x: number", "d.yaml:6:6: \"x\" needs a mapping"),
        ("dictionary: D 1\n" + head.dropFirst(14), "d.yaml:1:13: a dictionary's name"),
        (String(head.replacing("version: 1", with: "version: 0")), "d.yaml:2:10: a dictionary's version"),
        (
            String(head.replacing("person: id", with: "person: ids")),
            "d.yaml:3:9: there is no variable \"ids\""
        ),
        (head + "extra: 1", "d.yaml:6:1: unknown key \"extra\""),
    ])
    func `a fault is reported by line and column`(text: String, message: String) {
        let error = #expect(throws: DocumentError.self) { try DataDictionary(yaml: text, file: "d.yaml") }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "accepted")")
    }

    /// What `coxswain fit --print-dictionary` writes.
    @Test func `a dictionary that was written reads back as it was`() throws {
        let dictionary = try DataDictionary(yaml: Self.text, file: "d.yaml")
        #expect(try DataDictionary(yaml: dictionary.yaml(), file: "written.yaml") == dictionary)
        let names = [
            "yes", "no", "null", "~", "a: b", "# c", "\"q\"", "back\\slash", "1", "-9", "grüße",
            "row of the file", "[x]",
            "{y}", "true", "*z", "&w", "!t", "%d", "@e", "1e3", "0x1F", "2020-01-01", "plain", "NaN", ".inf",
            "a,b", "'",
        ]
        let odd = DataDictionary(
            name: "odd", version: 3, person: "row of the file",
            variables: [.init(name: "row of the file", kind: .identifier)]
                + names.filter { $0 != "row of the file" }.map { name in
                    .init(
                        name: name, kind: .category(levels: names, reference: names[3]), unit: name,
                        column: "c \(name)",
                        missing: ["NA", "", "\\N"])
                })
        let text = odd.yaml(remarks: ["x\ny": "it has\nno name"])
        #expect(try DataDictionary(yaml: text, file: "written.yaml") == odd)
    }

    /// A direction override in a header became `\u{202e}`, which is no escape of YAML.
    @Test func `characters that nobody sees are written as escapes, which one's own file may have`() throws {
        let unseen =
            (1..<0x20).map { $0 } + [0x7F, 0x85, 0x9B, 0xA0, 0xAD, 0x61C, 0x180B, 0x200B, 0x200C, 0x200D]
            + [
                0x200E, 0x202E, 0x2028, 0x2029, 0x2060, 0x2066, 0x2800, 0x3164, 0xE000, 0xFE0F, 0xFEFF,
                0xE0041, 0x10FFFF,
            ]
        let names =
            unseen.compactMap(Unicode.Scalar.init).map { "a\(Character($0))b" } + ["zürich", "🩺", "x"]
        let codes = names.filter { !$0.contains(where: \.isNewline) }.sorted()
        let odd = DataDictionary(
            name: "odd", version: 1, person: "id",
            variables: [
                .init(name: "id", kind: .identifier, missing: codes),
                .init(
                    name: "x\u{202E}y", label: "l\u{202E}",
                    kind: .category(levels: codes, reference: codes[3]), unit: "u\u{202E}",
                    column: "c\u{202E}"),
            ])
        let text = odd.yaml(remarks: ["c\u{202E}": "it has \u{1B}[2J"])
        #expect(text.visible == text, "nothing in it is left to be made visible")
        #expect(text.contains(#""x\u202Ey": {type: category"#) && text.contains(#""a\U000E0041b""#))
        #expect(try DataDictionary(yaml: text, file: "written.yaml", allowsUnseen: true) == odd)
        let error = #expect(throws: DocumentError.self) { try DataDictionary(yaml: text, file: "sent.yaml") }
        #expect(error?.description.contains("the text has the invisible character U+") == true)
        #expect(throws: DocumentError.self) {
            try DataDictionary(
                yaml: text.replacing(#"\u202E"#, with: "\u{202E}"), file: "raw.yaml", allowsUnseen: true)
        }
    }
}

import Cryptography
import Foundation
import TestFiles
import Testing

@testable import CohortStore

/// RFC 4180 and the files that people really have.
struct CSVScannerTests {
    /// All records of a text with the lines they begin on, or the fault that ended the reading.
    private func scan(_ bytes: [UInt8]) throws -> (records: [[String]], lines: [Int], fault: CSVFault?) {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, to: "file.csv")
        var records: [[String]] = []
        var lines: [Int] = []
        do throws(CSVFault) {
            var scanner = try CSVScanner(path: path)
            while try scanner.next() {
                records.append(
                    (0..<scanner.fieldCount).map { String(decoding: scanner.field($0), as: UTF8.self) })
                lines.append(scanner.recordLine)
            }
            #expect(scanner.digest() == SHA256Digest(of: bytes))
            return (records, lines, nil)
        } catch {
            return (records, lines, error)
        }
    }

    @Test(arguments: [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2\r", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,", [["a", "b"], ["1", ""]]),
        ("a\n,\n", [["a"], ["", ""]]),
        ("\u{FEFF}a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("\"a\",\"b\"\n\"1\",2\n", [["a", "b"], ["1", "2"]]),
        ("a\n\"say \"\"hello\"\"\"\n", [["a"], ["say \"hello\""]]),
        ("a\n\"\"\n", [["a"], [""]]),
        ("a\n\"\"\"\"\n", [["a"], ["\""]]),
        ("a,b\n\"x,y\",z\n", [["a", "b"], ["x,y", "z"]]),
        ("a,b\n\"x\ny\r\nz\",w\n", [["a", "b"], ["x\ny\r\nz", "w"]]),
        ("a,b\n\"x\ry\",w\n", [["a", "b"], ["x\ry", "w"]]),
        ("a,b\n\n\r\n1,2\n\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n 1 ,\t2\n", [["a", "b"], [" 1 ", "\t2"]]),
        ("grüße,名\né,x\n", [["grüße", "名"], ["é", "x"]]),
        ("a,b\n\"1\"", [["a", "b"], ["1"]]),
        ("a\nx;y\n", [["a"], ["x;y"]]),
    ])
    func `records are cut as RFC 4180 says`(text: String, records: [[String]]) throws {
        let found = try scan(Array(text.utf8))
        #expect(found.fault == nil)
        #expect(found.records == records)
    }

    @Test(arguments: [
        ("a\n\"open", CSVFault.unclosedQuote(line: 2)),
        ("a\nx\n\"open\n\n", .unclosedQuote(line: 3)),
        ("a\n\"x\"y\n", .textAfterQuote(line: 2)),
        ("a\n\"x\" \n", .textAfterQuote(line: 2)),
        ("a\n\"x\ny\"z\n", .textAfterQuote(line: 3)),
        ("a\nx\"y\n", .quoteInsideField(line: 2)),
        ("a\n \"x\"\n", .quoteInsideField(line: 2)),
        ("a\rb\r", .bareCarriageReturn(line: 1)),
        ("a\nx\ry\n", .bareCarriageReturn(line: 2)),
        ("", .empty),
        ("PK\u{3}\u{4}rest", .foreign(.workbook)),
        ("a;b\n1;2\n", .separator(.semicolons)),
        ("\"a,b\";c\n", .separator(.semicolons)),
        ("a\tb\n1\t2\n", .separator(.tabs)),
        ("a|b\n1|2\n", .separator(.pipes)),
    ])
    func `a file that is no CSV is refused where it stops being one`(text: String, fault: CSVFault) throws {
        #expect(try scan(Array(text.utf8)).fault == fault)
    }

    @Test(arguments: [[0xFF, 0xFE, 0x61, 0x00], [0xFE, 0xFF, 0x00, 0x61] as [UInt8]])
    func `UTF-16 is recognised by its mark`(bytes: [UInt8]) throws {
        #expect(try scan(bytes).fault == .encoding(.utf16))
    }

    @Test func `lines are those of an editor, also after line ends in quotes and blank lines`() throws {
        let found = try scan(Array("a\n\"x\ny\"\n\nz\r\n\"p\r\nq\"\nlast".utf8))
        #expect(found.records == [["a"], ["x\ny"], ["z"], ["p\r\nq"], ["last"]])
        #expect(found.lines == [1, 2, 5, 6, 8])
    }

    /// The chunk ends inside a quoted field, between CR and LF, and between two quotes, at some of these
    /// lengths.
    @Test func `records are the same wherever a chunk of the file ends`() throws {
        for padding in (CSVScanner.chunkBytes - 40)...(CSVScanner.chunkBytes + 5) {
            // Three lines of filler, each of less than a field's limit, make up the padding.
            var filler = ""
            var left = padding
            while left > 0 {
                let length = min(left, 60_000)
                filler += String(repeating: "x", count: length - 1) + "\n"
                left -= length
            }
            let found = try scan(Array((filler + "\"a\"\"b\r\n\",c\r\n\"\",d\r\n").utf8))
            #expect(found.fault == nil)
            #expect(found.records.suffix(2) == [["a\"b\r\n", "c"], ["", "d"]])
        }
    }

    @Test func `whatever is written by the rules of RFC 4180 is read back`() throws {
        var generator = SeededGenerator(state: 4180)
        let pieces = ["a", "b", ",", "\"", "\n", "\r\n", "\r", " ", ";", "é", "名"]
        for _ in 0..<300 {
            var records: [[String]] = []
            var text = ""
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let fields = (0..<Int.random(in: 2...4, using: &generator)).map { _ in
                    (0..<Int.random(in: 0...5, using: &generator))
                        .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
                }
                records.append(fields)
                let written = fields.map { field in
                    let isPlain = field.utf8.allSatisfy { !",\"\r\n".utf8.contains($0) }
                    if isPlain && Bool.random(using: &generator) { return field }
                    return "\"" + field.replacing("\"", with: "\"\"") + "\""
                }
                text += written.joined(separator: ",") + (Bool.random(using: &generator) ? "\n" : "\r\n")
            }
            // The comma of the first line keeps the text from looking like another separator's.
            let found = try scan(Array(("x,y\n" + text).utf8))
            #expect(found.fault == nil)
            #expect(found.records == [["x", "y"]] + records)
        }
    }

    @Test func `bytes without any rule end in records or in a fault`() throws {
        var generator = SeededGenerator(state: 7)
        let alphabet = Array(",\"\n\r\u{0};a".utf8) + [0xFF]
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            let found = try scan(bytes)
            let length = found.records.joined().reduce(0) { $0 + $1.utf8.count }
            #expect(length <= 3 * bytes.count)
            #expect(found.lines == found.lines.sorted())
        }
    }

    @Test func `a field may be as long as the limit and no longer`() throws {
        let longest = String(repeating: "x", count: CSVFault.fieldBytesMax)
        #expect(try scan(Array("a\n\(longest)\n".utf8)).records == [["a"], [longest]])
        #expect(try scan(Array("a\n\(longest)x\n".utf8)).fault == .fieldTooLong(line: 2))
        #expect(try scan(Array("a\n\"\(longest)x\"\n".utf8)).fault == .fieldTooLong(line: 2, quote: 2))
    }

    @Test func `a line longer than the limit is refused, quoted or not`() throws {
        let half = String(repeating: "x", count: CSVFault.recordBytesMax / 2)
        let fields = Array(repeating: String(repeating: "x", count: CSVFault.fieldBytesMax), count: 17)
        #expect(try scan(Array("a\n\(fields.joined(separator: ","))\n".utf8)).fault == .lineTooLong(line: 2))
        let unclosed = CSVFault.lineTooLong(line: 2, quote: 2)
        #expect(try scan(Array("a\n\"\(half)\n\(half)x\"\n".utf8)).fault == unclosed)
        #expect(try scan(Array("a\n\"\(half)\(half)".utf8)).fault == unclosed)
    }

    @Test func `a missing file, a folder and a device are told apart from an empty file`() throws {
        let folder = try TemporaryFolder()
        for (path, fault) in [
            (folder.file("none.csv"), CSVFault.missing), (folder.path, .notAFile), ("/dev/null", .notAFile),
        ] {
            #expect(throws: fault) { _ = try CSVScanner(path: path).fieldCount }
        }
    }

    @Test func `NUL bytes and bytes outside ASCII are noticed in the record that has them`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("a\nx\u{0}y\n\u{0}\n\"\u{0}\"\né\nz\n".utf8), to: "file.csv")
        var scanner = try CSVScanner(path: path)
        var seen: [[Bool]] = []
        while try scanner.next() { seen.append([scanner.hasZeroByte, scanner.hasHighByte]) }
        #expect(
            seen == [
                [false, false], [true, false], [true, false], [true, false], [false, true], [false, false],
            ])
    }
}

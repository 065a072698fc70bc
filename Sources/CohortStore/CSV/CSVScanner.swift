import Cryptography

/// Cuts a file into records and fields by RFC 4180, one record in memory at a time.
///
/// Quoted fields, doubled quotes, line ends inside quotes, CR LF or LF, a last line without an end, a UTF-8
/// BOM. Lines with nothing in them are skipped and counted. Spaces belong to their field (§2.4).
///
/// A record that lies in one chunk of the file and has no quotes, as nearly all have, is cut where it lies; any other is put
/// together in a buffer of its own. Fields are slices of either, until the next record.
struct CSVScanner: ~Copyable {
    static let chunkBytes = 1 << 18

    private enum State { case fieldStart, plain, quoted, quoteClosed, carriageReturn }

    private var file: PatientFile
    private var position = 0
    private let record: UnsafeMutableBufferPointer<UInt8>
    private var length = 0
    /// Where the current record's fields end, from `start` on.
    private var ends = UnsafeMutableBufferPointer<Int>.allocate(capacity: 64)
    /// How many of them there are.
    private(set) var fieldCount = 0
    private var start: UnsafePointer<UInt8>?
    /// What lies between a field and the next: a comma in the file, nothing in the buffer.
    private var gap = 0
    private var line = 1
    private var quoteLine = 0
    private var highBits: UInt8 = 0
    /// Whether the record has a quoted field: a line with only `""` is not blank.
    private var hasQuotes = false

    /// The line, from 1, on which the current record begins.
    private(set) var recordLine = 0
    private(set) var blankLineCount = 0
    private(set) var hasZeroByte = false

    init(path: String) throws(CSVFault) {
        var file = try PatientFile(path: path, chunkBytes: CSVScanner.chunkBytes)
        try file.refill()
        position = try file.inspectStart()
        self.file = file
        record = .allocate(capacity: CSVFault.recordBytesMax)
        start = UnsafePointer(record.baseAddress)
    }

    deinit {
        record.deallocate()
        ends.deallocate()
    }

    /// Whether some field of the record has a byte outside ASCII.
    var hasHighByte: Bool { highBits >= 0x80 }

    /// A field of the current record, unquoted; valid until `next()`.
    @inline(__always)
    borrowing func field(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        precondition(index >= 0 && index < fieldCount)
        let first = index == 0 ? 0 : ends[index - 1] + gap
        return UnsafeBufferPointer(start: start.map { $0 + first }, count: ends[index] - first)
    }

    /// SHA-256 of the whole file; call it after `next()` returned false.
    mutating func digest() -> SHA256Digest { file.finish() }

    /// Reads the next record that is not blank; false at the end of the file.
    mutating func next() throws(CSVFault) -> Bool {
        while try readRecord() {
            guard fieldCount == 1, ends[0] == 0, !hasQuotes else { return true }
            blankLineCount += 1
        }
        return false
    }

    private mutating func readRecord() throws(CSVFault) -> Bool {
        (fieldCount, length, highBits, hasZeroByte, hasQuotes, recordLine) = (0, 0, 0, false, false, line)
        if cutInPlace() { return true }
        (fieldCount, start, gap) = (0, UnsafePointer(record.baseAddress), 0)
        var state = State.fieldStart
        while true {
            if position == file.count {
                try file.refill()
                position = 0
                if file.count == 0 { return try endOfFile(state) }
            }
            if state == .plain || state == .quoted { try copyRun(quoted: state == .quoted) }
            guard position < file.count else { continue }
            let byte = file.bytes[position]
            position += 1
            guard let following = try step(state, byte) else { return true }
            state = following
        }
    }

    /// Cuts the next record where it lies; false, and nothing read, if it has quotes or NULs, does not end in this chunk, or is at fault.
    private mutating func cutInPlace() -> Bool {
        guard let chunk = file.bytes.baseAddress else { return false }
        let (first, last) = (chunk + position, chunk + file.count)
        var (next, field, high) = (first, first, UInt8(0))
        while next < last {
            let byte = next.pointee
            high |= byte
            next += 1
            // All bytes with a meaning are below "-": NUL, LF, CR, the quote and the comma.
            if byte >= 0x2D { continue }
            var end = next - 1
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "\n"): break
            case UInt8(ascii: "\r"):
                guard next < last, next.pointee == UInt8(ascii: "\n") else { return false }
                (end, next) = (next - 1, next + 1)
            case UInt8(ascii: "\""), 0: return false
            default: continue
            }
            guard end - field <= CSVFault.fieldBytesMax else { return false }
            appendEnd(end - first)
            field = next
            guard byte == UInt8(ascii: ",") else {
                (start, gap, highBits) = (first, 1, high)
                position += next - first
                line += 1
                return true
            }
        }
        return false
    }

    @inline(__always)
    private mutating func appendEnd(_ end: Int) {
        if fieldCount == ends.count { makeRoomForEnds() }
        ends[fieldCount] = end
        fieldCount += 1
    }

    private mutating func makeRoomForEnds() {
        let larger = UnsafeMutableBufferPointer<Int>.allocate(capacity: 2 * ends.count)
        _ = larger.update(fromContentsOf: ends)
        ends.deallocate()
        ends = larger
    }

    /// Copies the bytes up to the next one that may mean something.
    private mutating func copyRun(quoted: Bool) throws(CSVFault) {
        let bytes = file.bytes
        let end = min(bytes.count, position + record.count - length)
        var (next, target, high) = (position, length, highBits)
        while next < end {
            let byte = bytes[next]
            // All bytes with a meaning are below "-": NUL, LF, CR, the quote and the comma.
            if byte < 0x2D && CSVScanner.hasMeaning(byte, quoted: quoted) { break }
            record[target] = byte
            high |= byte
            next += 1
            target += 1
        }
        (position, length, highBits) = (next, target, high)
        if length == record.count { throw lineTooLong(isQuoted: quoted) }
    }

    private static func hasMeaning(_ byte: UInt8, quoted: Bool) -> Bool {
        switch byte {
        case 0x00, 0x0A, 0x22: true
        case 0x0D, 0x2C: !quoted
        default: false
        }
    }

    /// What one byte with a meaning does; nil when it ends the record.
    private mutating func step(_ state: State, _ byte: UInt8) throws(CSVFault) -> State? {
        switch (state, byte) {
        case (.carriageReturn, UInt8(ascii: "\n")), (.fieldStart, UInt8(ascii: "\n")),
            (.plain, UInt8(ascii: "\n")), (.quoteClosed, UInt8(ascii: "\n")):
            line += 1
            try endField()
            return nil
        case (.carriageReturn, _): throw .bareCarriageReturn(line: line)
        case (.quoted, UInt8(ascii: "\"")): return .quoteClosed
        case (.quoted, _):
            if byte == UInt8(ascii: "\n") { line += 1 }
            try append(byte, isQuoted: true)
            return .quoted
        case (_, UInt8(ascii: ",")):
            try endField()
            return .fieldStart
        case (_, UInt8(ascii: "\r")): return .carriageReturn
        case (.fieldStart, UInt8(ascii: "\"")):
            (hasQuotes, quoteLine) = (true, line)
            return .quoted
        case (.quoteClosed, UInt8(ascii: "\"")):
            try append(byte, isQuoted: true)
            return .quoted
        case (.quoteClosed, _): throw .textAfterQuote(line: line)
        case (_, UInt8(ascii: "\"")): throw .quoteInsideField(line: line)
        case (_, _):
            try append(byte, isQuoted: false)
            return .plain
        }
    }

    private func lineTooLong(isQuoted: Bool) -> CSVFault {
        .lineTooLong(line: recordLine, quote: isQuoted ? quoteLine : nil)
    }

    private mutating func append(_ byte: UInt8, isQuoted: Bool) throws(CSVFault) {
        guard length < record.count else { throw lineTooLong(isQuoted: isQuoted) }
        record[length] = byte
        length += 1
        highBits |= byte
        if byte == 0 { hasZeroByte = true }
    }

    private mutating func endField() throws(CSVFault) {
        guard length - (fieldCount == 0 ? 0 : ends[fieldCount - 1]) <= CSVFault.fieldBytesMax else {
            throw .fieldTooLong(line: recordLine, quote: hasQuotes ? quoteLine : nil)
        }
        appendEnd(length)
    }

    private mutating func endOfFile(_ state: State) throws(CSVFault) -> Bool {
        if state == .quoted { throw .unclosedQuote(line: quoteLine) }
        if state == .fieldStart && fieldCount == 0 { return false }
        try endField()
        return true
    }
}

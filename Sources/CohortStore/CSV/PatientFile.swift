import Cryptography
import Foundation

/// A patient file read from start to end in chunks of constant size, with the SHA-256 of all its bytes.
struct PatientFile: ~Copyable {
    private let descriptor: Int32
    private let chunk: UnsafeMutableBufferPointer<UInt8>
    private var hasher: SHA256Hasher? = SHA256Hasher()
    /// Bytes of the chunk that are valid.
    private(set) var count = 0

    init(path: String, chunkBytes: Int) throws(CSVFault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            // "-" is what people write for standard input.
            if path == "-" { throw .notAFile }
            throw errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notAFile
        }
        self.descriptor = descriptor
        chunk = .allocate(capacity: chunkBytes)
    }

    deinit {
        chunk.deallocate()
        close(descriptor)
    }

    /// The valid bytes of the chunk, until the next `refill()`.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: chunk[..<count]) }

    /// Replaces the chunk by the next bytes of the file; `count` is 0 at its end.
    mutating func refill() throws(CSVFault) {
        count = 0
        while count < chunk.count {
            let space = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(chunk)[count...])
            let got = read(descriptor, space.baseAddress, space.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .unreadable }
            if got == 0 { break }
            count += got
        }
        let read = UnsafeRawBufferPointer(bytes)
        hasher?.update(read)
    }

    /// The digest of every byte read; the file must be at its end.
    mutating func finish() -> SHA256Digest {
        precondition(count == 0, "the file's digest was asked for before its end")
        guard let hasher = hasher.take() else { preconditionFailure("a file's digest can be taken once") }
        return hasher.finish()
    }

    /// Recognises what people hand in for CSV by mistake, from the first chunk; gives the bytes of a BOM to
    /// skip.
    borrowing func inspectStart() throws(CSVFault) -> Int {
        let bytes = bytes
        guard !bytes.isEmpty else { throw .empty }
        if let encoding = PatientFile.wideEncoding(bytes) { throw .encoding(encoding) }
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if let format = ForeignFormat(bytes.dropFirst(mark)) { throw .foreign(format) }
        try PatientFile.requireCommas(bytes)
        return mark
    }

    /// The encoding of text with several bytes to a character: by its mark, or by where its first characters have NULs.
    private static func wideEncoding(_ bytes: UnsafeBufferPointer<UInt8>) -> CSVFault.Encoding? {
        let marks: [([UInt8], CSVFault.Encoding)] = [
            ([0xFF, 0xFE, 0x00, 0x00], .utf32), ([0x00, 0x00, 0xFE, 0xFF], .utf32), ([0xFF, 0xFE], .utf16),
            ([0xFE, 0xFF], .utf16),
        ]
        if let (_, encoding) = marks.first(where: { bytes.starts(with: $0.0) }) { return encoding }
        let zeros = bytes.prefix(8).map { $0 == 0 }
        let forms: [([Bool], CSVFault.Encoding)] = [
            ([false, true, true, true], .utf32), ([true, true, true, false], .utf32),
            ([false, true, false, true], .utf16), ([true, false, true, false], .utf16),
        ]
        return forms.first { zeros.count == 8 && zeros == $0.0 + $0.0 }?.1
            ?? (isUTF16(bytes.prefix(512)) ? .utf16 : nil)
    }

    /// Whether bytes with NULs among them make text of two bytes to a character, with commas or ends of lines: a first line in
    /// Chinese has NULs beside these alone.
    private static func isUTF16(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard bytes.contains(0) else { return false }
        let start = bytes.startIndex
        let pairs = stride(from: start, to: bytes.endIndex - 1, by: 2).map { (bytes[$0], bytes[$0 + 1]) }
        let readings = [
            pairs.map { UInt16($0.0) | UInt16($0.1) << 8 }, pairs.map { UInt16($0.0) << 8 | UInt16($0.1) },
        ]
        return readings.contains { units in
            // A character of two units may be cut off at the end of the prefix.
            !units.contains(0) && units.count { $0 == 0x2C || $0 == 0x0A } > 1
                && (String(validating: units, as: UTF16.self)
                    ?? String(validating: units.dropLast(), as: UTF16.self))
                    != nil
        }
    }

    /// Refuses a first line that has semicolons, tabs or vertical bars, and no comma, outside quotes.
    private static func requireCommas(_ bytes: UnsafeBufferPointer<UInt8>) throws(CSVFault) {
        var isQuoted = false
        var found: CSVFault.Separator?
        for byte in bytes.prefix(while: { $0 != UInt8(ascii: "\n") }) {
            switch byte {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: return
            case UInt8(ascii: ";") where !isQuoted: found = .semicolons
            case UInt8(ascii: "\t") where !isQuoted: found = found ?? .tabs
            case UInt8(ascii: "|") where !isQuoted: found = found ?? .pipes
            default: continue
            }
        }
        if let found { throw .separator(found) }
    }
}

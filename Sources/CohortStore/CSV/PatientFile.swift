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
        guard descriptor >= 0 else { throw errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable }
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
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { throw .utf16 }
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { throw .workbook }
        try PatientFile.requireCommas(bytes)
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Refuses a first line that has semicolons or tabs, and no comma, outside quotes.
    private static func requireCommas(_ bytes: UnsafeBufferPointer<UInt8>) throws(CSVFault) {
        var isQuoted = false
        var (semicolons, tabs) = (false, false)
        for byte in bytes.prefix(while: { $0 != UInt8(ascii: "\n") }) {
            switch byte {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: return
            case UInt8(ascii: ";") where !isQuoted: semicolons = true
            case UInt8(ascii: "\t") where !isQuoted: tabs = true
            default: continue
            }
        }
        if semicolons { throw .separator(.semicolons) }
        if tabs { throw .separator(.tabs) }
    }
}

import Glibc

/// A text file's content and what tells that it has changed.
enum TextFile {
    /// Changes whenever the file is replaced, and nearly always when it is written into.
    struct Stamp: Hashable, Sendable {
        private let seconds, nanoseconds, size: Int
        private let inode: UInt

        /// Nil if there is no such file, which is a state like another.
        init?(path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            (size, inode) = (Int(status.st_size), UInt(status.st_ino))
        }
    }

    /// Whether users outside the file's group may read it.
    static func isOpenToOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o007 != 0
    }

    /// Whether anybody but the file's owner may read or write it.
    static func isOpenToAnybodyElse(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    /// The whole file, of at most 16 MiB.
    static func content(of path: String) throws(TransportError) -> String {
        guard let file = fopen(path, "re") else { throw .setup("cannot read \(path): \(lastSystemError())") }
        defer { fclose(file) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while content.count <= 16 << 20 {
            let count = fread(&piece, 1, piece.count, file)
            content += piece.prefix(count)
            guard count < piece.count else { continue }
            guard ferror(file) == 0 else { throw .setup("cannot read \(path): \(lastSystemError())") }
            return String(decoding: content, as: UTF8.self)
        }
        throw .setup("cannot read \(path): it has more than 16 MiB, so it is not what it should be")
    }
}

private func lastSystemError() -> String { systemErrorText(errno) }

/// The system's words for an error number, such as "permission denied".
func systemErrorText(_ number: CInt) -> String { String(cString: strerror(number)).lowercased() }

import Foundation
package import GRDB

/// What is wrong with a database file.
package enum FileFault: Error, Hashable, Sendable {
    case missing
    case alreadyExists
    /// Not SQLite, or made by another program, or another kind of file of ours.
    case foreign(expected: String)
    case newer(found: Int, known: Int)
    case damaged
    case locked
    case denied
    /// Accounts other than owner and group may open it; the number is the file's permission bits.
    case exposed(mode: Int)
    case full
    /// The file system has no shared memory, so SQLite's write-ahead log does not work there.
    case noWriteAheadLog
    case openedReadOnly
    /// An SQLite result code that has no sentence of its own.
    case failed(code: Int)

    package func sentence(path: String) -> String {
        switch self {
        case .missing: "there is no file \(path)"
        case .alreadyExists: "\(path) exists already; choose another path, or use the file that is there"
        case .foreign(let expected): "\(path) is not a coxswain \(expected); nothing was changed"
        case .newer(let found, let known):
            "\(path) has schema version \(found) and this program knows \(known); install the newer coxswain"
        case .damaged: "\(path) is damaged; restore it from a backup"
        case .locked: "\(path) is in use by another program; try again when that has finished"
        case .denied:
            "\(path) cannot be opened by this account; it needs the file, and write access to its folder"
        case .exposed(let mode):
            "\(path) is open to every account of this machine (mode \(String(mode, radix: 8))); "
                + "run chmod 600 on it"
        case .full: "there is no space left for \(path); nothing was changed"
        case .noWriteAheadLog: "\(path) is on a file system without write-ahead logging; use a local disk"
        case .openedReadOnly: "\(path) was opened for reading; open it for import to change it"
        case .failed(let code): "\(path) cannot be used (SQLite result \(code)); nothing was changed"
        }
    }

    /// Whether trying again later would not help.
    package var isLasting: Bool {
        switch self {
        case .locked, .full: false
        default: true
        }
    }

    /// The fault behind whatever was thrown while a file was used.
    init(_ error: any Error) {
        self =
            switch error {
            case let fault as FileFault: fault
            case let error as DatabaseError: FileFault(error.extendedResultCode)
            default: .damaged  // a stored value did not decode
            }
    }

    /// The fault behind an SQLite result code.
    ///
    /// SQLite's own message is left out: it can quote SQL.
    package init(_ code: ResultCode) {
        // The index of the write-ahead log could not grow.
        guard code != .SQLITE_IOERR_SHMSIZE else {
            self = .full
            return
        }
        self =
            switch code.primaryResultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: .locked
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH: .denied
            case .SQLITE_FULL: .full
            default: .failed(code: Int(code.rawValue))
            }
    }

    init(errno code: Int32) {
        self =
            switch code {
            case ENOENT, ENOTDIR: .missing
            case ENOSPC, EDQUOT: .full
            default: .denied
            }
    }
}

/// The error of a store, which can be its file's.
package protocol FileFailure: Error, CustomStringConvertible {
    /// The file at a path has a fault.
    static func file(_ path: String, _ fault: FileFault) -> Self
    /// Whether trying again later would not help.
    var isLasting: Bool { get }
}

/// The error of a store that has none of its own.
package enum FileError: FileFailure, Hashable, Sendable {
    case file(String, FileFault)

    package var description: String {
        switch self {
        case .file(let path, let fault): fault.sentence(path: path)
        }
    }

    package var isLasting: Bool {
        switch self {
        case .file(_, let fault): fault.isLasting
        }
    }
}

import Foundation
import GRDB

/// What is wrong with a database file.
package enum FileFault: Hashable, Sendable {
    case missing
    case alreadyExists
    /// Not SQLite, or made by another program, or another kind of file of ours.
    case foreign(expected: String)
    case newer(found: Int, known: Int)
    case older(found: Int, known: Int)
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

    func sentence(path: String) -> String {
        switch self {
        case .missing: "there is no file \(path)"
        case .alreadyExists: "\(path) exists already; choose another path, or use the file that is there"
        case .foreign(let expected): "\(path) is not a coxswain \(expected); nothing was changed"
        case .newer(let found, let known):
            "\(path) has schema version \(found) and this program knows \(known); install the newer coxswain"
        case .older(let found, let known):
            "\(path) has schema version \(found) and this program needs \(known); import once to bring it up"
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

    /// The fault behind an SQLite result code.
    ///
    /// SQLite's own message is left out: it can quote SQL.
    init(_ code: ResultCode) {
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
}

import Foundation
import Survival

/// The `sqlite3` program and its `.import`, into a table of the store's columns and checks, with the store's journal.
struct ImportingShell {
    private static let path = "/usr/bin/sqlite3"
    private let file: MadeUpFile
    private let database: String

    /// Nil where it is not installed.
    init?(file: MadeUpFile, database: String) {
        guard FileManager.default.isExecutableFile(atPath: ImportingShell.path) else { return nil }
        (self.file, self.database) = (file, database)
    }

    func importFile() throws -> Usage {
        try FileManager.default.removeDatabase(at: database)
        let process = Process()
        let input = Pipe()
        process.executableURL = URL(fileURLWithPath: ImportingShell.path)
        process.arguments = ["-batch", "-bail", database]
        (process.standardInput, process.standardOutput) = (input, FileHandle.nullDevice)
        return try Usage.ofChild {
            try process.run()
            input.fileHandleForWriting.write(Data(commands.utf8))
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
            precondition(process.terminationStatus == 0, "sqlite3 did not import the file")
        }
    }

    private var commands: String {
        """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        PRAGMA wal_autocheckpoint = 0;
        CREATE TABLE patients (\(file.dictionary.variables.map(column).joined(separator: ", "))) STRICT;
        .import --csv --skip 1 \(file.url.path) patients
        PRAGMA wal_checkpoint(TRUNCATE);
        """
    }

    private func column(_ variable: DataDictionary.Variable) -> String {
        switch variable.kind {
        case .boolean:
            "\(variable.name) INTEGER NOT NULL CHECK (\(variable.name) = 0 OR \(variable.name) = 1)"
        case .number: "\(variable.name) REAL\(variable.isRequired ? " NOT NULL" : "")"
        case .identifier, .category: "\(variable.name) TEXT NOT NULL"
        }
    }
}

extension FileManager {
    /// Removes a database with its log, if it is there.
    func removeDatabase(at path: String) throws {
        for suffix in ["", "-wal", "-shm"] where fileExists(atPath: path + suffix) {
            try removeItem(atPath: path + suffix)
        }
    }
}

/// What some work took.
struct Usage {
    var cpu: Double
    var wall: Double

    static func of(_ work: () throws -> Void) rethrows -> Usage {
        let (cpu, wall) = (processSeconds(), wallSeconds())
        try work()
        return Usage(cpu: processSeconds() - cpu, wall: wallSeconds() - wall)
    }

    /// Of work that waits for a child.
    static func ofChild(_ work: () throws -> Void) rethrows -> Usage {
        let (cpu, wall) = (childSeconds(), wallSeconds())
        try work()
        return Usage(cpu: childSeconds() - cpu, wall: wallSeconds() - wall)
    }

    static func median(_ samples: [Usage]) -> Usage {
        Usage(cpu: middle(samples.map(\.cpu)), wall: middle(samples.map(\.wall)))
    }

    private static func childSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + 1e-6 * Double(time.tv_usec) }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

private func middle(_ values: [Double]) -> Double { median(values) }

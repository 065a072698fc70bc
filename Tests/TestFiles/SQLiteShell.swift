import Foundation

/// The `sqlite3` program: another process, and another person's way into our files.
package final class SQLiteShell {
    private static let path = "/usr/bin/sqlite3"
    package static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// Starts the program on a database; it waits for SQL.
    package init(_ database: String) throws {
        process.executableURL = URL(fileURLWithPath: SQLiteShell.path)
        process.arguments = ["-batch", "-bail", database]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    /// The program ended before it had run everything.
    package struct Stopped: Error {
        package var said: String
    }

    /// Sends SQL and waits until all of it ran; the program then holds whatever locks it took.
    package func run(_ sql: String) throws -> String {
        try input.fileHandleForWriting.write(contentsOf: Data("\(sql);\nSELECT 'done';\n".utf8))
        var said = ""
        while !said.hasSuffix("done\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Stopped(said: said) }
            said += String(decoding: data, as: UTF8.self)
        }
        return String(said.dropLast("done\n".count))
    }

    /// Ends the program as a crash would: no rollback, no release, no chance to tidy up.
    package func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Runs SQL in a program of its own; gives what it printed and how it ended.
    package static func once(_ database: String, _ sql: String) throws -> (output: String, status: Int32) {
        let shell = try SQLiteShell(database)
        try shell.input.fileHandleForWriting.write(contentsOf: Data("\(sql);\n".utf8))
        try shell.input.fileHandleForWriting.close()
        let data = try shell.output.fileHandleForReading.readToEnd() ?? Data()
        shell.process.waitUntilExit()
        return (String(decoding: data, as: UTF8.self), shell.process.terminationStatus)
    }
}

import Foundation

/// A program of this computer, run to its end.
struct Command {
    let status: Int32
    /// Standard output and error, as they came.
    let output: String

    static func isThere(_ name: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\(name)")
    }

    /// Without input, `input` is empty: programs that wait for it end.
    static func run(_ name: String, _ arguments: [String], input: String = "") async throws -> Command {
        try await onThread {
            let files = FileManager.default.temporaryDirectory
            let inputFile = files.appendingPathComponent("coxswain-input-\(UUID().uuidString)")
            let outputFile = files.appendingPathComponent("coxswain-output-\(UUID().uuidString)")
            try Data(input.utf8).write(to: inputFile)
            try Data().write(to: outputFile)
            defer {
                // They are temporary: what cannot be removed does no harm.
                for file in [inputFile, outputFile] { try? FileManager.default.removeItem(at: file) }
            }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/\(name)")
            process.arguments = arguments
            process.standardInput = try FileHandle(forReadingFrom: inputFile)
            let output = try FileHandle(forWritingTo: outputFile)
            (process.standardOutput, process.standardError) = (output, output)
            try process.run()
            process.waitUntilExit()
            return Command(
                status: process.terminationStatus,
                output: String(decoding: try Data(contentsOf: outputFile), as: UTF8.self))
        }
    }
}

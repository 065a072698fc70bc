import Foundation

/// R, kept running, so that its timings alternate with ours.
final class RSession {
    private let process = Process()
    private let requests = Pipe()
    private let answers = Pipe()
    let version: String

    /// Nil where Rscript or its survival package is not installed.
    init?(script: URL) {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["Rscript", script.path]
        (process.standardInput, process.standardOutput) = (requests, answers)
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        guard let line = Self.line(from: answers), line.hasPrefix("R ") else { return nil }
        version = line
    }

    func load(_ file: URL, rows: MadeUpRows) {
        _ = ask("load \(file.path) \(rows.rowCount) \(rows.columnCount)")
    }

    /// CPU seconds of one iteration.
    func iteration() -> Double { Double(ask("time").trimmingCharacters(in: .whitespaces)) ?? .nan }

    func end() {
        // At the end of its input R ends; if it has ended already, so much the better.
        try? requests.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private func ask(_ request: String) -> String {
        requests.fileHandleForWriting.write(Data((request + "\n").utf8))
        return Self.line(from: answers) ?? ""
    }

    private static func line(from pipe: Pipe) -> String? {
        var bytes: [UInt8] = []
        while let byte = try? pipe.fileHandleForReading.read(upToCount: 1)?.first {
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}

/// A whole fit in Python.
enum PythonPeer: String, CaseIterable {
    case lifelines
    case scikitSurvival = "scikit-survival"

    /// CPU seconds; nil where it is not installed.
    func fit(_ file: URL, rows: MadeUpRows, script: URL) -> Double? {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", script.path, rawValue, file.path, "\(rows.rowCount)", "\(rows.columnCount)",
        ]
        (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
        do { try process.run() } catch { return nil }
        let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Double(answer.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}

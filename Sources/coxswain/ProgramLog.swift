import Survival
import Foundation
import Logging
import Membership
import Synchronization

/// Logs go to standard error, one line an event.
enum ProgramLog {
    static func logger(_ name: String, level text: String) throws -> Logger {
        guard let level = Logger.Level(rawValue: text) else {
            throw MembershipError.unusable(
                "log-level \"\(text)\" is none of: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return Logger(label: name) { LineLog(label: $0, logLevel: level) }
    }
}

/// A log whose lines others may have caused: what acts on a terminal is written out, an event stays one line, and what comes
/// again and again is counted.
private struct LineLog: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let repetitions = Repetitions()

    /// Shared by a logger and its copies; by source, so that what strangers cause at the door leaves no other line out.
    private final class Repetitions: Sendable {
        let counted = Mutex<[String: RepeatedLines]>([:])
    }

    init(label: String, logLevel: Logger.Level) {
        (self.label, self.logLevel) = (label, logLevel)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let extra = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }.map {
            "\($0.key)=\($0.value) "
        }.joined()
        let message = "\(extra)[\(event.source)] \(event.message)".replacing("\n", with: " ").visible
        let lines =
            event.level < .notice
            ? [message]
            : repetitions.counted.withLock {
                $0[event.source, default: RepeatedLines()].lines(for: message, at: .now)
            }
        for line in lines { ProgramOutput.log("\(Self.now()) \(event.level) \(label): \(line)") }
    }

    private static func now() -> String { Date().formatted(.iso8601) }
}

/// Which lines of a log are written: the same one once, and then how often it came again.
///
/// A line that comes again within a minute is counted; the next one after that minute says the count, and the time in which it is
/// counted doubles, up to an hour. Lines that differ are bounded too, lest strangers fill a disk.
struct RepeatedLines {
    private struct Entry {
        var until: ContinuousClock.Instant
        var pause: Duration
        var count = 0
    }

    private var entries: [String: Entry] = [:]
    private var leftOut = 0

    static let pauseMin = Duration.seconds(60)
    static let pauseMax = Duration.seconds(3600)
    /// Different lines in the time that they are remembered.
    static let linesMax = 200

    /// What to write for a line that comes now: nothing, the line, or counts of earlier ones before it.
    mutating func lines(for line: String, at now: ContinuousClock.Instant) -> [String] {
        var written = forget(before: now, but: line)
        if var entry = entries[line] {
            guard now >= entry.until else {
                entries[line]?.count += 1
                return written
            }
            written.append("\(line)\(Self.times(entry.count + 1))")
            let pause = min(entry.pause * 2, Self.pauseMax)
            entry = Entry(until: now + pause, pause: pause)
            entries[line] = entry
            return written
        }
        guard entries.count < Self.linesMax else {
            leftOut += 1
            return written
        }
        entries[line] = Entry(until: now + Self.pauseMin, pause: Self.pauseMin)
        return written + [line]
    }

    /// Lines that have not come again are forgotten; of those that have, the count is said.
    private mutating func forget(before now: ContinuousClock.Instant, but line: String) -> [String] {
        var said: [String] = []
        for (other, entry) in entries where other != line && now >= entry.until {
            if entry.count > 0 { said.append("\(other)\(Self.times(entry.count))") }
            entries[other] = nil
        }
        if leftOut > 0, entries.count < Self.linesMax {
            said.append("\(leftOut) further lines, all different, were left out")
            leftOut = 0
        }
        return said.sorted()
    }

    private static func times(_ count: Int) -> String {
        " (repeated \(counted(count, "time")))"
    }
}

import Logging
import Synchronization

/// Keeps a logger's lines, and lets a test wait for one.
final class LogBook: Sendable {
    private struct State {
        var lines: [String] = []
        var waiting: [(id: Int, text: String, continuation: CheckedContinuation<String, Never>)] = []
        var waiterCount = 0
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock(\.lines) }

    var logger: Logger {
        var logger = Logger(label: "test", factory: { _ in Handler(book: self) })
        logger.logLevel = .debug
        return logger
    }

    /// The first line that has `text` in it, past or to come; after a minute, words that there is none.
    func line(with text: String) async -> String {
        let id = state.withLock { state in
            state.waiterCount += 1
            return state.waiterCount
        }
        let timer = Task {
            try? await Task.sleep(for: .seconds(60))  // cancelled: then nobody waits any more
            giveUp(id)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let line: String? = state.withLock { state in
                if let line = state.lines.first(where: { $0.contains(text) }) { return line }
                state.waiting.append((id, text, continuation))
                return nil
            }
            if let line { continuation.resume(returning: line) }
        }
    }

    private func giveUp(_ id: Int) {
        let waiter = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: "no line has \(waiter?.text ?? "")")
    }

    private func append(_ line: String) {
        let woken = state.withLock { state in
            state.lines.append(line)
            let woken = state.waiting.filter { line.contains($0.text) }
            state.waiting.removeAll { line.contains($0.text) }
            return woken
        }
        for (_, _, continuation) in woken { continuation.resume(returning: line) }
    }

    private struct Handler: LogHandler {
        let book: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            book.append("\(event.level): \(event.message)")
        }
    }
}

import Synchronization

/// The making of one answer, which ends early if nobody waits for it any more.
final class ResponseJob: Sendable {
    private enum State {
        case waiting
        case running(Task<HTTPAnswer, Never>)
        case cancelled
    }

    private let call: HTTPCall
    private let respond: @Sendable (HTTPCall) async -> HTTPAnswer
    private let deliver: @Sendable (HTTPAnswer) -> Void
    private let state = Mutex(State.waiting)

    init(
        call: HTTPCall, respond: @escaping @Sendable (HTTPCall) async -> HTTPAnswer,
        deliver: @escaping @Sendable (HTTPAnswer) -> Void
    ) {
        (self.call, self.respond, self.deliver) = (call, respond, deliver)
    }

    /// Runs in the server's task, so that what answers hears of a shutdown.
    func run() async {
        let task: Task<HTTPAnswer, Never>? = state.withLock { state in
            guard case .waiting = state else { return nil }
            let task = Task { await respond(call) }
            state = .running(task)
            return task
        }
        guard let task else { return }
        deliver(
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            })
    }

    func cancel() {
        state.withLock { state in
            if case .running(let task) = state { task.cancel() }
            state = .cancelled
        }
    }
}

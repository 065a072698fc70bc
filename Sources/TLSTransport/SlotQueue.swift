import Synchronization

/// A number of slots, handed on in the order of asking.
final class SlotQueue: Sendable {
    private struct State {
        var free: Int
        var asked = 0
        var waiting: [(ticket: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        /// Tickets that were given up before their holder began to wait.
        var givenUp: Set<Int> = []
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(free: count))
    }

    /// Returns with a slot, which must be given back; throws `timedOut` or `cancelled` without one.
    func take(until deadline: ContinuousClock.Instant) async throws(TransportError) {
        if takeFree() { return }
        let ticket = state.withLock { state in
            state.asked += 1
            return state.asked
        }
        let expiry = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)  // cancelled: the slot has come
            giveUp(ticket)
        }
        defer {
            expiry.cancel()
            state.withLock { _ = $0.givenUp.remove(ticket) }
        }
        let isTaken = await withTaskCancellationHandler {
            await withCheckedContinuation { wait($0, ticket) }
        } onCancel: {
            giveUp(ticket)
        }
        if !isTaken { throw Task.isCancelled ? .cancelled : .timedOut }
    }

    func giveBack() {
        let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }

    private func takeFree() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    private func wait(_ continuation: CheckedContinuation<Bool, Never>, _ ticket: Int) {
        let isTaken: Bool? = state.withLock { state in
            if state.givenUp.contains(ticket) { return false }
            if state.free > 0 {
                state.free -= 1
                return true
            }
            state.waiting.append((ticket, continuation))
            return nil
        }
        if let isTaken { continuation.resume(returning: isTaken) }
    }

    private func giveUp(_ ticket: Int) {
        let continuation: CheckedContinuation<Bool, Never>? = state.withLock { state in
            guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                state.givenUp.insert(ticket)
                return nil
            }
            return state.waiting.remove(at: place).continuation
        }
        continuation?.resume(returning: false)
    }
}

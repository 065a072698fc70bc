import Synchronization

/// Wakes those who wait for a change, as long polls do.
final class ChangeBell: Sendable {
    private struct State {
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var waiterCount = 0
        var isShutDown = false
    }

    private let state = Mutex(State())

    /// A value once `isNew` says so of it, or as it is when the wait is over; read again at every change.
    func value<Value>(
        within wait: Duration, where isNew: (Value) -> Bool, _ read: () throws -> Value
    ) async throws -> Value {
        var value = try read()
        let deadline = ContinuousClock.now + wait
        while !isNew(value), ContinuousClock.now < deadline, !state.withLock(\.isShutDown) {
            await next(until: deadline)
            value = try read()
        }
        return value
    }

    /// Tells all who wait that something has changed.
    func ring() {
        let woken = state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in woken.values { waiter.resume() }
    }

    /// Ends all waiting for good, so that a server can stop.
    func shutDown() {
        state.withLock { $0.isShutDown = true }
        ring()
    }

    private func next(until deadline: ContinuousClock.Instant) async {
        let id = state.withLock { state in
            state.waiterCount += 1
            return state.waiterCount
        }
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)  // cancelled when a change came first
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
        await withCheckedContinuation { continuation in
            let isShutDown = state.withLock { state in
                if !state.isShutDown { state.waiters[id] = continuation }
                return state.isShutDown
            }
            if isShutDown { continuation.resume() }
        }
        timer.cancel()
    }
}

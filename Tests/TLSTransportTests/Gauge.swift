import Synchronization

/// Counts who is inside.
final class Gauge: Sendable {
    private struct State {
        var now = 0
        var most = 0
        var entries = 0
    }

    private let state = Mutex(State())

    var most: Int { state.withLock(\.most) }
    var entries: Int { state.withLock(\.entries) }

    func enter() {
        state.withLock { state in
            state.now += 1
            state.entries += 1
            state.most = max(state.most, state.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }
}

import Testing

@testable import TLSTransport

@Suite(.timeLimit(.minutes(1))) struct SlotQueueTests {
    @Test func `never more than there are slots, and everybody gets one`() async {
        let slots = SlotQueue(count: 3)
        let gauge = Gauge()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    guard (try? await slots.take(until: .now + .seconds(60))) != nil else { return }
                    gauge.enter()
                    await Task.yield()
                    gauge.leave()
                    slots.giveBack()
                }
            }
        }
        #expect(gauge.most <= 3)
        #expect(gauge.entries == 100)
    }

    @Test func `who gives up leaves no slot behind`() async throws {
        let slots = SlotQueue(count: 1)
        try await slots.take(until: .now + .seconds(60))
        await #expect(throws: TransportError.timedOut) { try await slots.take(until: .now) }
        let waiting = Task { try await slots.take(until: .now + .seconds(60)) }
        waiting.cancel()
        await #expect(throws: TransportError.cancelled) { try await waiting.value }
        slots.giveBack()
        try await slots.take(until: .now + .seconds(60))
    }
}

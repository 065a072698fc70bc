import Dispatch
import Synchronization

/// A few threads that share numbered parts of a piece of work.
struct Workers {
    let count: Int

    /// Does every part once, and returns when all are done.
    ///
    /// Each worker takes the next part that nobody has taken.
    func run(_ parts: Int64, _ part: @Sendable (_ worker: Int32, _ part: Int64) -> Void) {
        guard count > 1, parts > 1 else {
            for index in 0..<parts { part(0, index) }
            return
        }
        let next = Atomic<Int64>(0)
        DispatchQueue.concurrentPerform(iterations: min(count, Int(parts))) { worker in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if index >= parts { return }
                part(Int32(worker), index)
            }
        }
    }
}

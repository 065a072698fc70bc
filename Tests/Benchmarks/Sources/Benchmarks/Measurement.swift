import Foundation
import MachineLimits

/// CPU seconds that the process has used so far, on all threads; on a busy machine steadier than the wall's clock.
func processSeconds() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }
func wallSeconds() -> Double { seconds(CLOCK_MONOTONIC) }

private func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

func measure(_ clock: () -> Double = processSeconds, _ work: () throws -> Void) rethrows -> Double {
    let before = clock()
    try work()
    return clock() - before
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? .nan : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

/// What one thread can do: bytes read, and multiply-adds, per second.
struct MachineLimit {
    /// Half a gigabyte, which no cache holds; kept for all measurements.
    nonisolated(unsafe) private static let memory: UnsafeMutablePointer<Double> = {
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, 1 << 21, count * 8) == 0, let raw else { fatalError("no memory") }
        madvise(raw, count * 8, 14)  // MADV_HUGEPAGE: the kernel's rows lie on huge pages too
        let memory = raw.bindMemory(to: Double.self, capacity: count)
        memory.initialize(repeating: 1, count: count)
        return memory
    }()
    private static let count = 1 << 26
    private(set) var bytesPerSecond: [Double] = []
    private(set) var operationsPerSecond: [Double] = []

    mutating func sample() {
        var (sum, operations) = (0.0, 0.0)
        bytesPerSecond.append(Double(Self.count * 8) / measure { sum = limits_read(Self.memory, Self.count) })
        let used = measure { operations = limits_multiply(2_000_000) }
        operationsPerSecond.append(operations / used)
        precondition(sum > 0)
    }

    /// Seconds that a pass takes at best.
    func floor(bytes: Double, operations: Double) -> Double {
        max(bytes / median(bytesPerSecond), operations / median(operationsPerSecond))
    }
}

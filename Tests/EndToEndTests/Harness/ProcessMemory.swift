import Foundation

/// What a running process of ours has in its writable memory: stacks, heaps, and what was freed and not yet used again.
enum ProcessMemory {
    /// Reads `/proc/PID/mem`; a process may read the memory of those that it started.
    static func read(_ process: ChildProcess) throws -> Data {
        let maps = try String(contentsOfFile: "/proc/\(process.identifier)/maps", encoding: .utf8)
        let descriptor = open("/proc/\(process.identifier)/mem", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure("the memory of \(process.name) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var memory = Data()
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 1, fields[1].hasPrefix("rw") else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { Int($0, radix: 16) }
            guard bounds.count == 2 else { continue }
            memory.append(region(from: bounds[0], count: bounds[1] - bounds[0], of: descriptor))
        }
        return memory
    }

    /// As much of a region as can be read; parts of it may be gone since the list was made.
    private static func region(from start: Int, count: Int, of descriptor: Int32) -> Data {
        var bytes = Data(count: count)
        let length = bytes.withUnsafeMutableBytes { buffer in
            var done = 0
            while done < count {
                let length = pread(
                    descriptor, buffer.baseAddress?.advanced(by: done), count - done, start + done)
                guard length > 0 else { break }
                done += length
            }
            return done
        }
        return bytes.prefix(length)
    }
}

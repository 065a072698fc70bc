import Foundation

/// Memory for a column that is about to be filled, at once and in pages of 2 MB, where the kernel has them.
///
/// To touch memory for the first time, 4 kB at a time, costs as much as to fill it.
enum LargePages {
    /// For all that an array has room for.
    ///
    /// It is advice, and changes no byte: where the kernel does not take it, nothing is lost but speed.
    static func advise(_ array: inout [Double]) {
        let capacity = array.capacity
        array.withUnsafeMutableBufferPointer { buffer in
            advise(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: 8 * capacity))
        }
    }

    private static func advise(_ memory: UnsafeMutableRawBufferPointer) {
        guard let base = memory.baseAddress, memory.count >= 1 << 22 else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        // Outwards to whole pages, so that the columns' memory is one stretch.
        let start = Int(bitPattern: base) / page * page
        let end = (Int(bitPattern: base) + memory.count + page - 1) / page * page
        let pages = UnsafeMutableRawPointer(bitPattern: start)
        _ = madvise(pages, end - start, MADV_HUGEPAGE)
        _ = madvise(pages, end - start, MADV_POPULATE_WRITE)
    }
}

import Foundation

/// What libFuzzer calls with each input; the target is named by the environment variable `FUZZ_TARGET`.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target = ProcessInfo.processInfo.environment["FUZZ_TARGET"].flatMap(FuzzTarget.init(rawValue:))
    else { fatalError("FUZZ_TARGET names no target") }
    do {
        try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch { fatalError("\(error)") }
    return 0
}

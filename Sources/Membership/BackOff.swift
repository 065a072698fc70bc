/// Pauses that double from half a second to half a minute, each shortened at random so that members do not march in step.
package struct BackOff: Sendable {
    private var seconds = 0.5

    package init() {}

    package mutating func next() -> Duration {
        defer { seconds = min(seconds * 2, 30) }
        return .milliseconds(Int(seconds * Double.random(in: 0.5...1) * 1000))
    }

    package mutating func reset() { self = BackOff() }
}

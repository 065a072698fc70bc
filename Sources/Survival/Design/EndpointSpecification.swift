/// What is followed until when: each row is at risk in (start, time], and at its end `event` happened or not.
package struct EndpointSpecification: Sendable, Hashable {
    package var time: Expression
    /// nil: at risk from the beginning.
    package var start: Expression?
    package var event: Expression
    /// Only rows at risk at this time are in, and time counts from it; nil without a landmark.
    package var landmark: Double?
    /// A time, counted from time zero, at which everybody's follow-up ends: who is followed for longer is censored then; nil
    /// without such a time.
    package var censorAt: Double?

    package init(
        time: Expression, start: Expression? = nil, event: Expression, landmark: Double? = nil,
        censorAt: Double? = nil
    ) {
        (self.time, self.start, self.event) = (time, start, event)
        (self.landmark, self.censorAt) = (landmark, censorAt)
    }

    /// Whether rows of the analysis come under observation at times of their own; from a landmark on, all are.
    package var hasEntry: Bool { start != nil && landmark == nil }

    /// All that must not be missing in a row.
    package var expressions: [Expression] { [time, start, event].compactMap(\.self) }

    /// Refuses times that are no numbers, and an event that is no yes/no expression.
    package func validate(in scope: VariableScope) throws(ScopeError) {
        try scope.require(.number, of: time, as: "a number for the time")
        if let start { try scope.require(.number, of: start, as: "a number for the start") }
        try scope.require(.boolean, of: event, as: "a yes/no expression for the event")
    }
}

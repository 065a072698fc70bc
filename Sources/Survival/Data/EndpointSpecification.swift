/// What is followed until when: each row is at risk in (start, time], and at its end `event` happened or not.
package struct EndpointSpecification: Sendable, Hashable {
    package var time: Expression
    /// nil: at risk from the beginning.
    package var start: Expression?
    package var event: Expression

    package init(time: Expression, start: Expression? = nil, event: Expression) {
        (self.time, self.start, self.event) = (time, start, event)
    }

    /// All that must not be missing in a row.
    package var expressions: [Expression] { [time, start, event].compactMap(\.self) }

    /// Refuses times that are no numbers, and an event that is no yes/no expression.
    package func validate(in scope: VariableScope) throws(ScopeError) {
        try scope.require(.number, of: time, as: "a number for the time")
        if let start { try scope.require(.number, of: start, as: "a number for the start") }
        try scope.require(.boolean, of: event, as: "a yes/no expression for the event")
    }
}

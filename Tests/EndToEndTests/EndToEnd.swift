import Testing

/// Studies through real processes, one consortium at a time: each has a coordinator, four nodes and an operator.
@Suite(.serialized, .withLogs)
enum EndToEnd {}

/// The sentence of the error that the closure throws, or nil if it throws none.
func sentence(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch { return "\(error)" }
}

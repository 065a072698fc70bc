/// The error that a call throws, or nil.
package func failure<Failure: Error>(of body: () throws(Failure) -> Void) -> Failure? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

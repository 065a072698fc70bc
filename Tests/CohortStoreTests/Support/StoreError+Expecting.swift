import CohortStore

/// The error that a call throws, or nil.
func storeError(of body: () throws(StoreError) -> Void) -> StoreError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

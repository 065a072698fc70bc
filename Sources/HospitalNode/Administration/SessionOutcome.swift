/// How the ledger says that a session ended, where it is not the study's state.
enum SessionOutcome {
    /// Before the reason.
    static let unconfirmed = "result not confirmed: "
    /// Before a reason that was told, and before one that stays here.
    static let refused = "refused: "
    static let refusedWithoutReason = "refused without its reason: "

    /// Why a session was refused here, by its outcome; nil if it was not.
    static func refusal(in outcome: String) -> String? {
        for prefix in [refused, refusedWithoutReason] where outcome.hasPrefix(prefix) {
            return String(outcome.dropFirst(prefix.count))
        }
        return nil
    }
}

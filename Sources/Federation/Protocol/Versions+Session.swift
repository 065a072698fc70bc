package import Survival

extension Versions {
    /// Why a member cannot work with another one, and who has to be updated; nil if they can.
    ///
    /// A member that told no versions is older than any that does.
    package static func fault(
        _ member: String, _ told: Versions?, beside other: String, _ own: Versions
    ) -> String? {
        guard told != own else { return nil }
        let isOlder = told?.isOlder(than: own) ?? true
        let theirs = told.map { "\($0)" } ?? "too old to tell its protocol"
        return "\(member) runs another version of coxswain (\(theirs)) than \(other) (\(own)): "
            + "\(isOlder ? member : other) must be updated"
    }

    /// Why a session cannot be taken up by this program; nil if it can.
    package static func faultOfSession(begunUnder begun: Versions?) -> String? {
        guard begun != .current else { return nil }
        return
            "the session began under another version of coxswain (\(begun.map { "\($0)" } ?? "protocol 1")) "
            + "than the one that runs now (\(Versions.current)), and a session does not outlive an update"
    }
}

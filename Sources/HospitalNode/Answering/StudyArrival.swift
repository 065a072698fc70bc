import Cryptography
import Federation
import Ledger
import Logging

/// A study that this node does not know yet: its text is fetched, verified and kept; then whether it needs a person.
struct StudyArrival: WorkStage {
    private let item: WorkList.Item
    private var state = State.begun

    private enum State {
        case begun, fetching, arrived
    }

    let refuses = false

    init(of item: WorkList.Item) { self.item = item }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        switch state {
        case .begun:
            guard try records.entry(of: item.study) == nil else { return consider() }
            state = .fetching
            return [.fetch(.submission(of: item.study))]
        case .fetching: return try receive(event.message, records) + (consider() ?? [])
        case .arrived: return nil
        }
    }

    private mutating func consider() -> [StudyWork.Act]? {
        state = .arrived
        return item.state.isOver ? nil : [.considerApproval(item.study)]
    }

    private func receive(_ message: SignedMessage, _ records: some NodeRecords) throws -> [StudyWork.Act] {
        let hash = item.study
        let (submission, signer) = try message.open(
            as: StudySubmission.self, under: try records.trustView())
        guard case .operator = signer.role, submission.submitter == signer, message.payloadDigest == hash
        else {
            throw ProtocolError.untrusted("a study that is not signed by the operator it names was offered")
        }
        _ = try LocalStudy.read(message)
        return [
            .journal(.received(hash, message, from: signer)),
            .say(
                .info,
                "study \(hash.short) from \(signer) waits for a decision: coxswain node show \(hash.short)"),
        ]
    }
}

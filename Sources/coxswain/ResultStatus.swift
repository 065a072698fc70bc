import ArgumentParser
import Foundation
import Survival

extension ExitCode {
    /// The study failed, was cancelled, or was declined.
    static let studyNotFinished = ExitCode(2)
    /// Some analyses have no result; all that there is was written.
    static let analysesWithoutResult = ExitCode(3)
}

extension StudyResult {
    /// Says which analyses have no result, and throws the exit status for that; call it once all is written.
    func requireAnswers() throws {
        let failed = analyses.filter(\.isFailed).map(\.id)
        guard !failed.isEmpty else { return }
        FileHandle.say(
            "coxswain: note: \(failed.count) of \(analyses.count) analyses \(failed.count == 1 ? "has" : "have") no result: \(failed.joined(separator: ", "))"
        )
        throw ExitCode.analysesWithoutResult
    }
}

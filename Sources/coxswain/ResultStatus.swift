import Survival

extension StudyResult {
    /// Says which analyses have no result, and throws the exit status for that; call it once all is written.
    func requireAnswers() throws {
        let failed = analyses.filter(\.isFailed).map(\.id)
        guard !failed.isEmpty else { return }
        ProgramOutput.say(
            "coxswain: note: of \(counted(analyses.count, "analysis", "analyses")), \(failed.count == 1 ? "one has" : "\(failed.count) have") no result: \(failed.joined(separator: ", "))"
        )
        throw ExitStatus.analysesWithoutResult.code
    }
}

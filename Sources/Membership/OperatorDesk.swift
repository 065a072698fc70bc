import Cryptography
package import Federation
import Foundation
package import Survival
import TLSTransport

/// A study lead's dealings with the coordinator.
package struct OperatorDesk: Sendable {
    private let member: Member
    private let connection: CoordinatorConnection

    /// Reads `operator.yaml` and the identity it names.
    package init(config path: String, environment: [String: String] = ProcessInfo.processInfo.environment)
        throws
    {
        let file = try ConfigurationFile(path: path)
        let root = try file.document()
        let configuration = try MemberConfiguration(root, of: file, environment: environment)
        try root.finish()
        member = try Member(files: configuration.identity, consortium: configuration.consortium)
        guard case .operator = member.identity.role else {
            throw MembershipError.unusable(
                "\(configuration.identity.certificateChain) is not an operator's certificate")
        }
        connection = configuration.connection(as: member)
    }

    /// Says goodbye to the coordinator.
    package func close() async { await connection.close() }

    package func submit(study: String, dictionary: String) async throws -> StudyStatus {
        let submission = StudySubmission(study: study, dictionary: dictionary, submitter: member.identity)
        return try await connection.post(
            StudyStatus.self, "/v1/studies", SignedMessage(submission, by: member.signer))
    }

    package func list() async throws -> [StudyStatus] {
        try await connection.get([StudyStatus].self, "/v1/studies")
    }

    /// The newest study with this name, or the one whose hash begins with the text.
    package func find(_ reference: String) async throws -> StudyStatus {
        let studies = try await list()
        if let named = studies.last(where: { $0.name == reference }) { return named }
        let matches = studies.filter { $0.study.hex.hasPrefix(reference) }
        guard let only = matches.first, matches.count == 1 else {
            throw MembershipError.rejected(
                status: 404,
                reason: matches.isEmpty
                    ? "no study \"\(reference)\"" : "\"\(reference)\" means several studies",
                hint: "see \"coxswain study list\"")
        }
        return only
    }

    package func launch(_ reference: String) async throws -> StudyStatus {
        let study = try await find(reference).study
        return try await connection.post(StudyStatus.self, "/v1/studies/\(study.hex)/launch", nil)
    }

    package func cancel(_ reference: String) async throws -> StudyStatus {
        let study = try await find(reference).study
        return try await connection.post(StudyStatus.self, "/v1/studies/\(study.hex)/cancel", nil)
    }

    package func result(_ reference: String) async throws -> StudyResult {
        let study = try await find(reference).study
        return try await connection.get(StudyResult.self, "/v1/studies/\(study.hex)/result")
    }

    /// The study's status each time it changes, until `isEnough` says so.
    ///
    /// A coordinator that is away for a while, as for a restart, is waited for; `onTrouble` is told when that begins.
    package func follow(
        _ reference: String, onTrouble: (MembershipError) -> Void, _ isEnough: (StudyStatus) -> Bool
    ) async throws -> StudyStatus {
        var status = try await find(reference)
        var failures = 0
        while !isEnough(status) {
            do throws(MembershipError) {
                status = try await connection.get(
                    StudyStatus.self,
                    "/v1/studies/\(status.study.hex)/status?wait=25&after=\(status.version.hex)", waiting: 25)
                failures = 0
            } catch {
                guard case .unreachable = error, failures < Self.failuresMax else { throw error }
                if failures == 0 { onTrouble(error) }
                failures += 1
                try await Task.sleep(for: .seconds(2))
            }
        }
        return status
    }

    /// In a row, two seconds apart: about ten minutes.
    private static let failuresMax = 300
}

import Cryptography
package import Federation
import Foundation
package import Survival
import TLSTransport

/// A study lead's dealings with the coordinator.
package struct CoordinatorClient: Sendable {
    private let member: Member
    private let connection: any CoordinatorConnection

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

    /// The study that a person means (`StudyReference`).
    ///
    /// Of studies of one name one's own comes first. Throws if several are meant, and names their hashes: a study that was changed and
    /// submitted again is another one.
    package func find(_ reference: String) async throws -> StudyStatus {
        let matches = try await list().filter {
            StudyReference(reference).means($0.study, named: $0.name)
        }
        let own = matches.filter(isOwn)
        guard let only = own.first ?? matches.first else {
            throw MembershipError.rejected(
                status: 404, reason: "no study \"\(reference)\"", hint: "see \"coxswain study list\"")
        }
        guard own.count == 1 || matches.count == 1 else {
            let hashes = matches.map { "\($0.study.short) (\($0.state.rawValue))" }.joined(separator: ", ")
            throw MembershipError.rejected(
                status: 409, reason: "\"\(reference)\" means several studies: \(hashes)",
                hint: "give the beginning of the hash in place of the name")
        }
        return only
    }

    /// Whether this operator submitted a study: of others' the coordinator says only whether they wait, run or are over.
    package func isOwn(_ study: StudyStatus) -> Bool { study.submitter == member.identity }

    /// Where each hospital's audit log stood last, by its own signed word, as the coordinator keeps it.
    package func checkpoints() async throws -> [SignedMessage] {
        try await connection.get([SignedMessage].self, "/v1/checkpoints")
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
        _ reference: String, onTrouble: (MembershipError) throws -> Void,
        _ isEnough: (StudyStatus) throws -> Bool
    ) async throws -> StudyStatus {
        var status = try await find(reference)
        var failures = 0
        while try !isEnough(status) {
            do throws(MembershipError) {
                status = try await connection.get(
                    StudyStatus.self,
                    "/v1/studies/\(status.study.hex)/status?wait=25&after=\(status.version.hex)", waiting: 25)
                failures = 0
            } catch {
                guard case .unreachable = error, failures < Self.failuresMax else { throw error }
                if failures == 0 { try onTrouble(error) }
                failures += 1
                try await Task.sleep(for: .seconds(2))
            }
        }
        return status
    }

    /// In a row, two seconds apart: about ten minutes.
    private static let failuresMax = 300
}

import Cryptography
package import Federation
import Foundation
import Survival
package import TLSTransport

/// A member's way to the coordinator: calls, with errors as sentences.
package protocol CoordinatorConnection: Sendable {
    /// The body of the coordinator's answer to one call; throws what it refuses, and that it cannot be reached.
    func call(
        _ method: String, _ path: String, body: [UInt8], timeout: Duration
    ) async throws(MembershipError) -> [UInt8]

    func close() async
}

extension CoordinatorConnection {
    package func get<Value: Codable>(
        _ type: Value.Type, _ path: String, waiting seconds: Int = 0
    ) async throws(MembershipError) -> Value {
        let body = try await call("GET", path, body: [], timeout: .seconds(30 + seconds))
        return try Self.decode(type, body)
    }

    package func post<Value: Codable>(
        _ type: Value.Type, _ path: String, _ message: SignedMessage?
    ) async throws(MembershipError) -> Value {
        let body = try await call(
            "POST", path, body: message.map { CanonicalJSON.bytes($0) } ?? [], timeout: .seconds(60))
        return try Self.decode(type, body)
    }

    package func post(_ path: String, _ message: SignedMessage) async throws(MembershipError) {
        _ = try await call("POST", path, body: CanonicalJSON.bytes(message), timeout: .seconds(60))
    }

    private static func decode<Value: Codable>(
        _ type: Value.Type, _ body: [UInt8]
    ) throws(MembershipError) -> Value {
        do {
            return try CanonicalJSON.decode(type, from: body)
        } catch {
            throw .unusable(
                "the coordinator's answer makes no sense here (\(error)); it and this program must be the same version of coxswain"
            )
        }
    }
}

/// The way to the coordinator over mutual TLS.
package struct TLSCoordinatorConnection: CoordinatorConnection {
    private let client: MutualTLSClient

    /// `serverName` is the name in the coordinator's certificate if it differs from the host that is dialled.
    package init(
        address: NetworkAddress, serverName: String?, proxy: ProxyAddress?, member: Member
    ) {
        client = MutualTLSClient(
            host: address.host, port: address.port, serverName: serverName,
            expectedPeer: SPIFFEID(consortium: member.identity.consortium, role: .coordinator),
            identity: member.files,
            proxy: proxy)
    }

    package func close() async { await client.close() }

    /// Every call tells which versions the caller runs.
    private static func versions(after path: String) -> String {
        (path.contains("?") ? "&" : "?")
            + "protocol=\(Versions.current.protocol)&engine=\(Versions.current.engine)"
    }

    package func call(
        _ method: String, _ path: String, body: [UInt8], timeout: Duration
    ) async throws(MembershipError) -> [UInt8] {
        let answer: HTTPAnswer
        do {
            answer = try await client.send(
                method, path + Self.versions(after: path),
                contentType: body.isEmpty ? nil : "application/json", body: body,
                timeout: timeout)
        } catch {
            throw .unreachable("\(error)")
        }
        guard !(200..<300).contains(answer.status) else { return answer.body }
        // Another server's error page.
        let reply = try? CanonicalJSON.decode(ErrorReply.self, from: answer.body)
        throw .rejected(
            status: answer.status,
            reason: reply?.error ?? "the coordinator answered with status \(answer.status)",
            hint: reply?.hint)
    }
}

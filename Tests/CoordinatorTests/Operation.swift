import Foundation
import Testing
import Yams

/// One line of `Sources/Coordinator/openapi.yaml`: a method at a path, who may use it, and of whose studies.
struct Operation: Sendable, CustomTestStringConvertible {
    static let digest = String(repeating: "ab", count: 32)

    var method: String
    var path: String
    var roles: Set<String>
    /// `any`, `site` or `submitter`.
    var scope: String
    /// Largest body, a number or `answer`; 0 if there is none.
    var bodyBytesMax = "0"

    var testDescription: String { "\(method) \(path)" }

    /// The path with its parameters filled in.
    func at(study: String = digest, session: String = digest) -> String {
        path.replacing("{study}", with: study).replacing("{session}", with: session)
            .replacing("{round}", with: "1")
    }

    static let description = Result {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Coordinator/openapi.yaml").standardized
        let root = try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8))
        return try #require(root)["paths"]?.mapping?.flatMap { path, operations in
            ["get", "post", "put", "delete", "patch"].compactMap { method -> Operation? in
                guard let operation = operations[method], let path = path.string else { return nil }
                let roles = operation["x-roles"]?.array().compactMap(\.string) ?? []
                return Operation(
                    method: method.uppercased(), path: path, roles: Set(roles),
                    scope: operation["x-scope"]?.string ?? "",
                    bodyBytesMax: operation["x-body-bytes-max"]?.scalar?.string ?? "0")
            }
        } ?? []
    }

    /// Every operation of the description; a test shows that none is missing.
    static let all = (try? description.get()) ?? []
}

package import Cryptography

/// The head of a request, as far as an application decides by it; its sender is proven.
package struct HTTPRequestHeadView: Sendable {
    package var method: String
    /// Starts with `/`; no `%`, no empty, `.` or `..` segment.
    package var path: String
    package var query: [String: String]
    package var headers: [(String, String)]
    package var peer: SPIFFEID
    package var certificate: Certificate

    package init(
        method: String, path: String, query: [String: String], headers: [(String, String)], peer: SPIFFEID,
        certificate: Certificate
    ) {
        (self.method, self.path, self.query, self.headers) = (method, path, query, headers)
        (self.peer, self.certificate) = (peer, certificate)
    }
}

/// A whole request.
package struct HTTPCall: Sendable {
    package var head: HTTPRequestHeadView
    package var body: [UInt8]

    package init(head: HTTPRequestHeadView, body: [UInt8]) {
        (self.head, self.body) = (head, body)
    }
}

/// A whole answer.
package struct HTTPAnswer: Sendable, Hashable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]

    package init(status: Int, contentType: String, body: [UInt8]) {
        (self.status, self.contentType, self.body) = (status, contentType, body)
    }

    /// One line of plain text, for refusals that the transport makes itself.
    init(status: Int, sentence: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array("\(sentence)\n".utf8))
    }
}

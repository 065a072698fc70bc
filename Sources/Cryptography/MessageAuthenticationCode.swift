import COpenSSL

/// HMAC with SHA-256 under one key (RFC 2104), for one message after the other.
package final class MessageAuthenticationCode {
    private let context: OpaquePointer
    private var bytes = [UInt8](repeating: 0, count: 32)

    package init(key: [UInt8]) {
        let mac = EVP_MAC_fetch(nil, "HMAC", nil)
        defer { EVP_MAC_free(mac) }
        guard let context = EVP_MAC_CTX_new(mac), Self.start(context, key) else {
            fatalError("HMAC is missing: \(takeErrorQueue()); the system's OpenSSL is not usable")
        }
        self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// The code of a message that comes in two pieces; its 32 bytes are handed to `body`.
    package func withCode<Result>(
        of first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>,
        _ body: ([UInt8]) -> Result
    ) -> Result {
        var count = 0
        let isComplete =
            EVP_MAC_init(context, nil, 0, nil) == 1
            && EVP_MAC_update(context, first.baseAddress, first.count) == 1
            && EVP_MAC_update(context, second.baseAddress, second.count) == 1
            && EVP_MAC_final(context, &bytes, &count, bytes.count) == 1
        precondition(isComplete && count == bytes.count, "HMAC stopped")
        return body(bytes)
    }

    private static func start(_ context: OpaquePointer, _ key: [UInt8]) -> Bool {
        var digest = Array("SHA256".utf8CString)
        return digest.withUnsafeMutableBufferPointer { digest in
            let parameters = [
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(context, key, key.count, parameters) == 1
        }
    }
}

import Cryptography

/// A party's certificate, key and trust, read and checked.
struct TLSIdentity: Sendable {
    let id: SPIFFEID
    let certificate: Certificate
    let intermediates: [Certificate]
    let privateKey: PrivateKey
    let trust: TrustStore

    init(_ files: TLSIdentityFiles) throws(TransportError) {
        let chain = try Self.read(files.certificateChain) { text throws(CryptographyError) in
            try Certificate.chain(pem: text)
        }
        privateKey = try Self.read(files.privateKey) { text throws(CryptographyError) in
            try PrivateKey(pem: text)
        }
        let list = try TextFile.content(of: files.revocationList)
        trust = try Self.read(files.trustRoots) { roots throws(CryptographyError) in
            try TrustStore(rootsPEM: roots, crlPEM: list)
        }
        certificate = chain[0]
        intermediates = Array(chain.dropFirst())
        guard let id = certificate.spiffeID else {
            throw .setup(
                "\(files.certificateChain): the certificate \(certificate.subject) names no party (SPIFFE id)"
            )
        }
        self.id = id
    }

    private static func read<Value>(
        _ path: String, _ parse: (String) throws(CryptographyError) -> Value
    ) throws(TransportError) -> Value {
        let text = try TextFile.content(of: path)
        do throws(CryptographyError) { return try parse(text) } catch { throw .setup("\(path): \(error)") }
    }

    /// What will soon stop every connection, in sentences; `now` in seconds since 1970.
    func warnings(at now: Int) -> [String] {
        func words(_ time: Int) -> String { "\(time < now ? "expired" : "expires") on \(calendarDay(time))" }
        var warnings: [String] = []
        if trust.crlExpires < now + 7 * 86_400 {
            warnings.append(
                "the revocation list \(words(trust.crlExpires)), and then nobody is trusted; "
                    + "get the consortium office's current one")
        }
        if certificate.notAfter < now + 30 * 86_400 {
            warnings.append(
                "the certificate of \(id) \(words(certificate.notAfter)); "
                    + "ask the consortium office for a new one"
            )
        }
        return warnings
    }
}

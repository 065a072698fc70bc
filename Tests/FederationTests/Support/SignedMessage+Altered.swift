import Federation

extension SignedMessage {
    /// The same message with some of its parts replaced, as a forger would send it.
    func altered(
        type: String? = nil, payload: String? = nil, certificate: String? = nil, signature: HexBytes? = nil
    ) throws -> SignedMessage {
        let parts = Parts(
            type: type ?? self.type, payload: payload ?? self.payload,
            certificate: certificate ?? self.certificate,
            signature: signature ?? self.signature)
        return try CanonicalJSON.decode(SignedMessage.self, from: CanonicalJSON.bytes(parts))
    }

    private struct Parts: Encodable {
        var type: String
        var payload: String
        var certificate: String
        var signature: HexBytes
    }
}

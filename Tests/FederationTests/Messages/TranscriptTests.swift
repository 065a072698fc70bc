import Cryptography
import Federation
import Testing

/// The hash chain that masks are bound to, link by link.
struct TranscriptTests {
    private let study = SHA256Digest(of: "study".utf8)
    private let roster = SHA256Digest(of: "roster".utf8)
    private let request = SHA256Digest(of: "request".utf8)

    private func signed(_ payload: String) throws -> SignedMessage {
        let text = #"{"certificate":"","payload":"\#(payload)","signature":"","type":"ack"}"#
        return try CanonicalJSON.decode(SignedMessage.self, from: Array(text.utf8))
    }

    private func digest(_ parts: [UInt8]...) -> SHA256Digest { SHA256Digest(of: parts.flatMap { $0 }) }

    @Test func `a transcript begins with study, roster and what the acknowledgements say`() throws {
        let transcript = Transcript(
            study: study, roster: roster, acknowledgements: [try signed("a"), try signed("b")])
        let expected = digest(
            Array("coxswain/1/transcript".utf8), study.bytes, roster.bytes, SHA256Digest(of: "a".utf8).bytes,
            SHA256Digest(of: "b".utf8).bytes)
        #expect(transcript.digest == expected)
    }

    @Test func `each round adds its request and what the answers say`() throws {
        var transcript = Transcript(study: study, roster: roster, acknowledgements: [])
        let start = transcript.digest
        transcript.append(request: request, answers: [try signed("a"), try signed("b")])
        let expected = digest(
            start.bytes, request.bytes, SHA256Digest(of: "a".utf8).bytes, SHA256Digest(of: "b".utf8).bytes)
        #expect(transcript.digest == expected)
    }

    @Test func `masks are bound to the transcript and the request`() {
        let transcript = Transcript(study: study, roster: roster, acknowledgements: [])
        #expect(transcript.maskContext(request: request) == digest(transcript.digest.bytes, request.bytes))
    }
}

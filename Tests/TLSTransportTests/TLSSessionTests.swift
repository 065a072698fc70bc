import Cryptography
import Testing

@testable import TLSTransport

/// The two sides without a network: bytes are handed over as the test likes.
@Suite struct TLSSessionTests {
    let consortium: TestConsortium
    let client: TLSContext
    let server: TLSContext

    init() throws {
        consortium = try TestConsortium()
        server = try TLSContext(TLSIdentity(consortium.party(.coordinator)), .server)
        client = try TLSContext(TLSIdentity(consortium.party(.node("hospital-1"))), .client)
    }

    private func sessions() throws -> (client: TLSSession, server: TLSSession) {
        (
            try TLSSession(client, expecting: .server(name: "localhost", id: nil)),
            try TLSSession(server, expecting: .anyParty)
        )
    }

    private func ciphertext(_ session: TLSSession) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: session.ciphertextCount)
        let count = bytes.withUnsafeMutableBytes(session.takeCiphertext)
        return Array(bytes.prefix(count))
    }

    private func give(_ bytes: [UInt8], to session: TLSSession) {
        if !bytes.isEmpty { bytes.withUnsafeBytes(session.receive) }
    }

    private func read(_ session: TLSSession) -> (bytes: [UInt8], end: TLSSession.Reading) {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: TLSSession.recordBytesMax)
        while true {
            let (count, end) = room.withUnsafeMutableBytes(session.read)
            bytes += room.prefix(count)
            if let end { return (bytes, end) }
        }
    }

    /// Runs both handshakes until nobody has anything to say; `alter` sees every flight.
    private func shakeHands(
        _ client: TLSSession, _ server: TLSSession, alter: (inout [UInt8]) -> Void = { _ in }
    ) -> (client: TLSSession.Handshake, server: TLSSession.Handshake) {
        var clientStep = client.shakeHands()
        var serverStep = TLSSession.Handshake.wantsInput
        while client.ciphertextCount > 0 || server.ciphertextCount > 0 {
            var flight = ciphertext(client)
            alter(&flight)
            give(flight, to: server)
            if case .wantsInput = serverStep { serverStep = server.shakeHands() }
            flight = ciphertext(server)
            alter(&flight)
            give(flight, to: client)
            if case .wantsInput = clientStep { clientStep = client.shakeHands() }
        }
        return (clientStep, serverStep)
    }

    @Test func `each side learns who the other is`() throws {
        let (client, server) = try sessions()
        guard case (.finished(let coordinator), .finished(let node)) = shakeHands(client, server) else {
            Issue.record("the handshake did not finish")
            return
        }
        #expect(coordinator.id == SPIFFEID("spiffe://liver/coordinator"))
        #expect(node.id == SPIFFEID("spiffe://liver/node/hospital-1"))
    }

    @Test func `a message arrives whole however the bytes are cut`() throws {
        let message = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for size in [1, 5, 1000, 16_384, 100_000] {
            let (client, server) = try sessions()
            _ = shakeHands(client, server)
            var rest = message[...]
            while !rest.isEmpty {
                guard case .success(let count) = rest.withUnsafeBytes(client.write) else { break }
                rest = rest.dropFirst(count)
            }
            client.sayGoodbye()
            let sent = ciphertext(client)
            var received: [UInt8] = []
            for start in stride(from: 0, to: sent.count, by: size) {
                give(Array(sent[start..<min(start + size, sent.count)]), to: server)
                let (bytes, end) = read(server)
                received += bytes
                if case .failed(let failure) = end { Issue.record("\(failure) in pieces of \(size)") }
            }
            #expect(received == message, "in pieces of \(size)")
            guard case .closeNotify = read(server).end else {
                Issue.record("no goodbye in pieces of \(size)")
                continue
            }
        }
    }

    /// A small generator with a seed, so that a failure can be repeated.
    private struct Dice {
        var state: UInt64

        mutating func roll(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    @Test func `no damage to a handshake lets both sides finish`() throws {
        for seed in 0..<300 {
            let (client, server) = try sessions()
            var dice = Dice(state: UInt64(seed))
            var flights = 0
            let damaged = dice.roll(3)
            let ends = shakeHands(client, server) { flight in
                defer { flights += 1 }
                guard flights == damaged, !flight.isEmpty else { return }
                switch dice.roll(3) {
                case 0: flight[dice.roll(flight.count)] ^= UInt8(1 << dice.roll(8))
                case 1: flight.removeLast(1 + dice.roll(flight.count))
                default: flight.insert(UInt8(dice.roll(256)), at: dice.roll(flight.count))
                }
            }
            if case (.finished, .finished) = ends { Issue.record("both sides finished with seed \(seed)") }
        }
    }

    @Test func `random bytes are an error, never a crash`() throws {
        for seed in 0..<500 {
            let (_, server) = try sessions()
            var dice = Dice(state: UInt64(seed))
            // Half of them look like a handshake record.
            let noise = (0..<1 + dice.roll(400)).map { _ in UInt8(dice.roll(256)) }
            let record = [22, 3, 1, UInt8(noise.count >> 8), UInt8(noise.count & 255)]
            give(seed % 2 == 0 ? noise : record + noise, to: server)
            if case .finished = server.shakeHands() { Issue.record("finished with seed \(seed)") }
        }
    }

    @Test(arguments: ["", "a\u{0}b"])
    func `a server name must be one`(name: String) {
        #expect(throws: TransportError.setup("\"\(name)\" is not a server's name")) {
            try TLSSession(client, expecting: .server(name: name, id: nil))
        }
    }
}

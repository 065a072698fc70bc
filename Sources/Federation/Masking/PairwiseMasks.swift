package import Cryptography
import Foundation

/// One site's masks against every other site of a session: they cancel in the sum over the roster, and only there.
///
/// Each pair of sites shares a secret (X25519 of their ephemeral keys, through HKDF-SHA256 salted with the roster's hash).
/// For each round a key is expanded from it over the transcript so far and the request, and drives a ChaCha20 stream that
/// the site first in the roster adds and the other subtracts, modulo 2^128. Sites that saw different transcripts therefore
/// use different masks, and their sum is noise (Bonawitz et al., CCS 2017, without the recovery of dropped sites).
package struct PairwiseMasks: Sendable {
    private let peers: [Peer]

    private struct Peer: Sendable {
        var secret: [UInt8]
        var isAdded: Bool
    }

    /// `roster` holds every site's name and public key, this one included, in the roster's order.
    ///
    /// Throws if a key of the roster is not a usable X25519 point.
    package init(
        site: String, key: AgreementKey, roster: [(site: String, key: [UInt8])], session: SHA256Digest,
        study: SHA256Digest
    ) throws(CryptographyError) {
        var peers: [Peer] = []
        var isPastOwn = false
        for other in roster {
            if other.site == site {
                isPastOwn = true
                continue
            }
            let pair = isPastOwn ? [site, other.site] : [other.site, site]
            let secret = try hkdfSHA256(
                secret: try key.sharedSecret(with: other.key), salt: session.bytes,
                info: Array("coxswain/1/pair".utf8) + study.bytes + Array(pair.joined(separator: "|").utf8),
                count: 32)
            peers.append(Peer(secret: secret, isAdded: isPastOwn))
        }
        self.peers = peers
    }

    /// Adds this round's masks to a cleared vector, between two check lanes: a 1 before it and a 0 after it.
    package func mask(_ vector: ClearedVector, round context: SHA256Digest) throws(CryptographyError)
        -> MaskedVector
    {
        var lanes = [1] + vector.lanes.map { UInt128(bitPattern: $0) } + [0]
        for peer in peers {
            let key = try hkdfSHA256(
                secret: peer.secret, salt: [], info: Array("coxswain/1/round".utf8) + context.bytes, count: 32
            )
            var stream = try Keystream(key: key)
            let mask = try stream.next(lanes.count)
            for lane in lanes.indices {
                lanes[lane] = peer.isAdded ? lanes[lane] &+ mask[lane] : lanes[lane] &- mask[lane]
            }
        }
        return MaskedVector(lanes: lanes)
    }
}

/// A vector with its masks on: to anyone without the pair secrets it is uniform noise.
package struct MaskedVector: Hashable, Sendable {
    package let lanes: [UInt128]

    package init(lanes: [UInt128]) { self.lanes = lanes }

    /// Lanes as little-endian 16-byte words.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16 * lanes.count)
        for lane in lanes {
            withUnsafeBytes(of: lane.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Nil unless the bytes are whole lanes.
    package init?(bytes: [UInt8]) {
        guard bytes.count.isMultiple(of: 16) else { return nil }
        lanes = bytes.withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: 16).map {
                UInt128(littleEndian: buffer.loadUnaligned(fromByteOffset: $0, as: UInt128.self))
            }
        }
    }

    /// The sum over all sites of a session, with the masks gone.
    ///
    /// Throws `StudyError.sums` unless every vector has `count` lanes and the check lanes show that each site is in the sum
    /// once and that all masks cancelled.
    package static func sum(_ vectors: [MaskedVector], count: Int) throws(StudyError) -> [Double] {
        var total = [UInt128](repeating: 0, count: count + 2)
        for vector in vectors {
            guard vector.lanes.count == total.count else {
                throw .sums("a site's vector has a length that this round does not have")
            }
            for lane in total.indices { total[lane] &+= vector.lanes[lane] }
        }
        guard total.first == UInt128(vectors.count), total.last == 0 else {
            throw .sums(
                "the masks do not cancel: the sites did not all answer the same question of the same session")
        }
        return total[1..<(count + 1)].map { FixedPoint.decode(Int128(bitPattern: $0)) }
    }
}

extension MaskedVector: Codable {
    /// As base64 of the little-endian lanes.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let data = Data(base64Encoded: text), let vector = MaskedVector(bytes: Array(data)) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not base64 of whole lanes"))
        }
        self = vector
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bytes).base64EncodedString())
    }
}

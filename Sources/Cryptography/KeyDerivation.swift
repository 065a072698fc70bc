import COpenSSL

/// HKDF with SHA-256 (RFC 5869): `count` bytes, at most 255 × 32, bound to `info`.
package func hkdfSHA256(
    secret: [UInt8], salt: [UInt8], info: [UInt8], count: Int
) throws(CryptographyError) -> [UInt8] {
    ERR_clear_error()
    guard (1...255 * 32).contains(count), !secret.isEmpty else {
        throw .notAccepted(what: "the key derivation", reason: "it takes a secret and gives 1 to 8160 bytes")
    }
    var derived = [UInt8](repeating: 0, count: count)
    let done = coxswain_hkdf_sha256(
        secret, secret.count, salt, salt.count, info, info.count, &derived, derived.count)
    try require(done, "derive a key")
    return derived
}

/// From the operating system's random source, for the edges; pure code is handed its random bytes.
package func randomBytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
    ERR_clear_error()
    var bytes = [UInt8](repeating: 0, count: count)
    try require(RAND_bytes(&bytes, Int32(count)), "draw random bytes")
    return bytes
}

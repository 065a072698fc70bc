import COpenSSL

// Owners of OpenSSL objects: whatever throws half-way through an initialiser, the object is freed once.

struct OwnedKey: ~Copyable {
    let raw: OpaquePointer
    init(_ raw: OpaquePointer) { self.raw = raw }
    deinit { EVP_PKEY_free(raw) }
}

struct OwnedX509: ~Copyable {
    let raw: OpaquePointer
    init(_ raw: OpaquePointer) { self.raw = raw }
    deinit { X509_free(raw) }
}

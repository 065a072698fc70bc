/// Where a party keeps who it is and whom it trusts: paths of PEM files.
///
/// The chain starts with the party's own certificate; the key is unencrypted and readable by its user alone.
/// All four are read again when they change, so that a renewed certificate or a new revocation list needs no
/// restart. Put a new file in place by renaming, never by writing into the old one.
package struct TLSIdentityFiles: Sendable {
    package var certificateChain: String
    package var privateKey: String
    package var trustRoots: String
    package var revocationList: String

    package init(certificateChain: String, privateKey: String, trustRoots: String, revocationList: String) {
        (self.certificateChain, self.privateKey) = (certificateChain, privateKey)
        (self.trustRoots, self.revocationList) = (trustRoots, revocationList)
    }

    var paths: [String] { [certificateChain, privateKey, trustRoots, revocationList] }
}

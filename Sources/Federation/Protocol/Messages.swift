package import Cryptography
package import Survival

/// A message of the protocol; its type's name is part of what is signed.
///
/// Its bytes on the wire are canonical JSON (`CanonicalJSON`).
package protocol Message: Codable, Hashable, Sendable {
    static var type: String { get }
}

/// What an operator submits: study file, data dictionary, and who asks.
///
/// The SHA-256 of its canonical bytes is the study's identity; approval covers exactly these bytes.
package struct StudySubmission: Message {
    package static let type = "study"
    package var study: String
    package var dictionary: String
    package var submitter: SPIFFEID

    package init(study: String, dictionary: String, submitter: SPIFFEID) {
        (self.study, self.dictionary, self.submitter) = (study, dictionary, submitter)
    }
}

/// A hospital's word on a study.
package struct Decision: Message {
    package static let type = "decision"
    package var study: SHA256Digest
    package var site: String
    package var isApproved: Bool
    /// Why not, in the site's words; empty when approved.
    package var reason: String
    /// When the approval ends, in seconds since 1970; 0 when declined.
    package var until: Int
    package var policy: SHA256Digest
    /// Whether an approval that was told before is not in force any more, and nobody declined; nil otherwise.
    ///
    /// A changed policy and a new import of patients do that. Which of them it was stays at the hospital.
    package var isLapsed: Bool?

    package init(
        study: SHA256Digest, site: String, isApproved: Bool, reason: String, until: Int, policy: SHA256Digest,
        isLapsed: Bool? = nil
    ) {
        (self.study, self.site, self.isApproved) = (study, site, isApproved)
        (self.reason, self.until, self.policy) = (reason, until, policy)
        self.isLapsed = isLapsed
    }
}

/// The coordinator's opening of a session: who is asked, and which versions all of them must run.
package struct SessionOpening: Message {
    package static let type = "session"
    /// 32 random bytes, hex.
    package var session: SHA256Digest
    package var study: SHA256Digest
    package var sites: [String]
    /// The coordinator's; nil in a session of protocol 1.
    package var versions: Versions?

    package init(
        session: SHA256Digest, study: SHA256Digest, sites: [String], versions: Versions? = .current
    ) {
        (self.session, self.study, self.sites) = (session, study, sites)
        self.versions = versions
    }
}

/// A site's ephemeral key for a session.
package struct Hello: Message {
    package static let type = "hello"
    package var session: SHA256Digest
    package var study: SHA256Digest
    package var site: String
    /// X25519 public key, hex.
    package var key: HexBytes
    package var policy: SHA256Digest
    /// Where the site's audit log stands; an `AuditCheckpoint`.
    package var checkpoint: SignedMessage?
    /// The site's; nil in a session of protocol 1.
    package var versions: Versions?

    package init(
        session: SHA256Digest, study: SHA256Digest, site: String, key: HexBytes, policy: SHA256Digest,
        checkpoint: SignedMessage? = nil, versions: Versions? = .current
    ) {
        (self.session, self.study, self.site, self.key, self.policy) = (session, study, site, key, policy)
        (self.checkpoint, self.versions) = (checkpoint, versions)
    }
}

/// All hellos of a session, in the order of the opening's sites.
package struct Roster: Message {
    package static let type = "roster"
    package var opening: SignedMessage
    package var hellos: [SignedMessage]

    package init(opening: SignedMessage, hellos: [SignedMessage]) {
        (self.opening, self.hellos) = (opening, hellos)
    }

    package var hash: SHA256Digest { SHA256Digest(of: CanonicalJSON.bytes(self)) }
}

/// A site's word that it saw this roster and no other.
package struct RosterAcknowledgement: Message {
    package static let type = "ack"
    package var session: SHA256Digest
    package var site: String
    package var roster: SHA256Digest

    package init(session: SHA256Digest, site: String, roster: SHA256Digest) {
        (self.session, self.site, self.roster) = (session, site, roster)
    }
}

/// One round: the questions, and every site's signed part of the round before.
///
/// Round 1 carries the acknowledgements in place of parts. A request without statements closes the session: it only
/// delivers the last round's parts, so that each node can form the result by itself.
package struct RoundRequest: Message {
    package static let type = "round"
    package var session: SHA256Digest
    package var round: Int
    /// Hash chain over all that was said before; see `Transcript`.
    package var transcript: SHA256Digest
    package var statements: [QueryStatement]
    package var previous: [SignedMessage]

    package init(
        session: SHA256Digest, round: Int, transcript: SHA256Digest, statements: [QueryStatement],
        previous: [SignedMessage]
    ) {
        (self.session, self.round, self.transcript) = (session, round, transcript)
        (self.statements, self.previous) = (statements, previous)
    }

    package var digest: SHA256Digest { SHA256Digest(of: CanonicalJSON.bytes(self)) }
}

/// A site's masked part of a round.
package struct RoundAnswer: Message {
    package static let type = "answer"
    package var session: SHA256Digest
    package var round: Int
    package var site: String
    /// Digest of the request that it answers.
    package var request: SHA256Digest
    package var lanes: MaskedVector
    /// Where the site's audit log stood before this answer was entered; an `AuditCheckpoint`.
    package var checkpoint: SignedMessage?

    package init(
        session: SHA256Digest, round: Int, site: String, request: SHA256Digest, lanes: MaskedVector,
        checkpoint: SignedMessage? = nil
    ) {
        (self.session, self.round, self.site, self.request, self.lanes) = (
            session, round, site, request, lanes
        )
        self.checkpoint = checkpoint
    }
}

/// A site's word that a round waits there until a person releases it; the coordinator then waits for longer.
package struct RoundHeld: Message {
    package static let type = "held"
    package var session: SHA256Digest
    package var round: Int
    package var site: String

    package init(session: SHA256Digest, round: Int, site: String) {
        (self.session, self.round, self.site) = (session, round, site)
    }
}

/// A site's refusal to go on with a session; says why where everybody may know it, and nothing where its rows are why.
package struct Refusal: Message {
    package static let type = "refusal"
    package var session: SHA256Digest
    package var site: String
    package var reason: String

    /// All that is said of a refusal that depends on a hospital's rows.
    package static let withoutReason = ProtocolError.withoutReason

    package init(session: SHA256Digest, site: String, reason: String) {
        (self.session, self.site, self.reason) = (session, site, reason)
    }
}

/// Hash chain that binds each round's masks to everything said before it.
package struct Transcript: Hashable, Sendable {
    package private(set) var digest: SHA256Digest

    /// Begins with the study, the roster and the acknowledgements.
    package init(study: SHA256Digest, roster: SHA256Digest, acknowledgements: [SignedMessage]) {
        var bytes = Array("coxswain/1/transcript".utf8) + study.bytes + roster.bytes
        for acknowledgement in acknowledgements { bytes += acknowledgement.payloadDigest.bytes }
        digest = SHA256Digest(of: bytes)
    }

    /// Takes up a round's request and the signed answers to it, in the roster's order.
    package mutating func append(request: SHA256Digest, answers: [SignedMessage]) {
        var bytes = digest.bytes + request.bytes
        for answer in answers { bytes += answer.payloadDigest.bytes }
        digest = SHA256Digest(of: bytes)
    }

    /// What a round's masks are bound to.
    package func maskContext(request: SHA256Digest) -> SHA256Digest {
        SHA256Digest(of: digest.bytes + request.bytes)
    }
}

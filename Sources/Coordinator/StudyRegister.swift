import Cryptography
import Federation
import Survival

/// The studies of a coordinator as it knows them, in the order in which they came.
struct StudyRegister {
    private var studies: [SHA256Digest: Study] = [:]
    private(set) var order: [SHA256Digest] = []
    /// Studies of the database that could not be read at the start: left alone, and refused by name.
    private var unreadable: Set<SHA256Digest> = []
    private let door: SessionDoor

    /// A study as the coordinator knows it.
    struct Study {
        var submission: SignedMessage
        var submitter: SPIFFEID
        var plan: StudyPlan
        var state: StudyState
        var reason: String
        var decisions: [String: Decision] = [:]
        var session: CoordinatorSession?
        /// When a message of the session came last, in seconds since 1970.
        var since = 0
        /// The current request as sent, signed once, and its bytes, which all that fetch it share.
        var signedRequest: (round: Int, message: SignedMessage, bytes: [UInt8])?
    }

    /// `door` is told what the sessions take.
    init(door: SessionDoor) { self.door = door }

    subscript(hash: SHA256Digest) -> Study? { studies[hash] }

    var running: [(hash: SHA256Digest, study: Study)] {
        order.compactMap { hash in
            studies[hash].flatMap { $0.state == .running ? (hash, $0) : nil }
        }
    }

    /// Keeps a study as it is now.
    mutating func keep(_ study: Study, as hash: SHA256Digest) {
        let former = studies[hash]
        if former == nil { order.append(hash) }
        if let session = former?.session?.opening.session, session != study.session?.opening.session {
            door[session] = nil
        }
        studies[hash] = study
        guard let session = study.session else { return }
        door[session.opening.session] = SessionDoor.Entry(
            sites: session.opening.sites, round: session.round,
            answerBytesMax: BodyLimit.answer(lanes: session.laneCountMax))
    }

    /// Leaves out a study that is in the database and could not be read.
    mutating func leaveOut(_ hash: SHA256Digest) { unreadable.insert(hash) }

    func known(_ hash: SHA256Digest) throws -> Study {
        try requireReadable(hash)
        guard let study = studies[hash] else {
            throw RefusedRequest(.notFound, "no such study", hint: "see \"coxswain study list\"")
        }
        return study
    }

    /// Refuses a study that is stored here but could not be read.
    func requireReadable(_ hash: SHA256Digest) throws {
        guard !unreadable.contains(hash) else {
            throw RefusedRequest(
                .conflict, "study \(hash.short) is in the coordinator's database but cannot be read",
                hint:
                    "ask the coordinator's administrator: its log says why; or submit the study under another name"
            )
        }
    }

    /// A study of the operator who asks.
    func owned(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> Study {
        let study = try known(hash)
        guard study.submitter == peer else {
            throw RefusedRequest(.forbidden, "only the operator who submitted the study may do this")
        }
        return study
    }

    /// A study that names the hospital which asks.
    func known(_ hash: SHA256Digest, to site: String) throws -> Study {
        let study = try known(hash)
        guard study.plan.study.sites.contains(site) else {
            throw RefusedRequest(.notFound, "no such study")
        }
        return study
    }

    /// The study of a session in which the hospital that asks takes part.
    func study(of session: SHA256Digest, for site: String) throws -> (hash: SHA256Digest, study: Study) {
        for (hash, study) in studies where study.session?.opening.session == session {
            guard study.session?.opening.sites.contains(site) == true else { break }
            return (hash, study)
        }
        throw RefusedRequest(.notFound, "no such session")
    }
}

extension StudyRegister.Study {
    /// A study as it was submitted, without judging who signed it, which is done once, when it comes.
    init(_ message: SignedMessage, state: StudyState = .submitted, reason: String = "") throws {
        let content = try CanonicalJSON.decode(StudySubmission.self, from: Array(message.payload.utf8))
        let file = try StudyFile(yaml: content.study, file: "study")
        let dictionary = try DataDictionary(yaml: content.dictionary, file: "dictionary")
        self.init(
            submission: message, submitter: content.submitter,
            plan: try StudyPlan(study: file, dictionary: dictionary, hash: message.payloadDigest),
            state: state, reason: reason)
    }

    func decision(of site: String, at time: Int) -> SiteDecision {
        decisions[site].map { SiteDecision(of: $0, at: time) } ?? .pending
    }

    /// How long a hospital may hold a round for a person there, in seconds, unless the study's patience is longer: a week.
    static let holdSecondsMax = 7 * 86_400

    /// The sites that have let the study's patience run out; one that holds its round for a person has a week at least.
    func overdue(at now: Int) -> [String] {
        guard let session else { return [] }
        let (patience, waited) = (plan.study.patienceSeconds, now - since)
        return session.waitingFor.filter { site in
            let isHeld = session.holding.contains(site)
            return waited > (isHeld ? max(patience, Self.holdSecondsMax) : patience)
        }
    }

    /// Why the study fails for sites that are overdue; silence is named before slowness.
    func reproach(to overdue: [String]) -> String {
        let silent = overdue.filter { session?.holding.contains($0) != true }
        return silent.isEmpty
            ? "the round was held for too long at \(overdue.joined(separator: ", "))"
            : "no answer from \(silent.joined(separator: ", ")) within the study's patience"
    }
}

extension CoordinatorSession {
    var step: SessionStep {
        switch phase {
        case .gatheringKeys: .keys
        case .gatheringAcknowledgements: .roster
        case .round: .round
        case .finished, .refused, .failed: .closed
        }
    }

    var round: Int { request?.round ?? 0 }
}

import Cryptography
import Federation
import Logging
import Survival

/// All studies of a consortium at its coordinator: takes submissions, decisions and session messages, and drives rounds.
///
/// What it decides is in `CoordinatorSession` and `StudyRun`; here state is stored before it is acknowledged, and those who
/// wait are woken.
actor StudyCoordinator {
    let store: CoordinatorStore
    let signer: Signer
    let environment: Environment
    let logger: Logger
    private(set) var studies: [SHA256Digest: Study] = [:]
    nonisolated let door = SessionDoor()
    var order: [SHA256Digest] = []
    /// Studies of the database that could not be read at the start: left alone, and refused by name.
    var unreadable: Set<SHA256Digest> = []
    /// The hospitals that ever called here.
    var hospitals: [String: Hospital] = [:]
    /// When this process took the database up.
    var startedAt = 0
    /// Long polls that wait for a change.
    private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    private var waiterCount = 0
    var isShuttingDown = false

    /// What varies: the time, randomness, and whom to trust at present.
    struct Environment: Sendable {
        var trustView: @Sendable () throws -> TrustView
        var randomBytes: @Sendable () throws -> [UInt8]
    }

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

    init(store: CoordinatorStore, signer: Signer, environment: Environment, logger: Logger) {
        (self.store, self.signer, self.environment, self.logger) = (store, signer, environment, logger)
    }

    /// Keeps a study as it is now.
    func keep(_ study: Study, as hash: SHA256Digest) {
        if let former = studies[hash]?.session?.opening.session, former != study.session?.opening.session {
            door[former] = nil
        }
        studies[hash] = study
        guard let session = study.session else { return }
        door[session.opening.session] = SessionDoor.Entry(
            sites: session.opening.sites, round: session.round,
            answerBytesMax: BodyLimit.answer(lanes: session.laneCountMax))
    }

    // MARK: Looking up

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

    func owned(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> Study {
        let study = try known(hash)
        guard study.submitter == peer else {
            throw RefusedRequest(.forbidden, "only the operator who submitted the study may do this")
        }
        return study
    }

    func requireSite(_ site: String, in study: Study) throws {
        guard study.plan.study.sites.contains(site) else { throw RefusedRequest(.notFound, "no such study") }
    }

    func running(_ session: SHA256Digest, _ site: String) throws -> (SHA256Digest, Study) {
        for (hash, study) in studies where study.session?.opening.session == session {
            guard study.session?.opening.sites.contains(site) == true else { break }
            return (hash, study)
        }
        throw RefusedRequest(.notFound, "no such session")
    }

    // MARK: Waiting

    func waitForChange(until deadline: ContinuousClock.Instant) async {
        waiterCount += 1
        let id = waiterCount
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)  // cancelled when a change came first
            wake(id)
        }
        await withCheckedContinuation { waiters[id] = $0 }
        timer.cancel()
    }

    private func wake(_ id: Int) { waiters.removeValue(forKey: id)?.resume() }

    func changed() {
        let woken = waiters
        waiters = [:]
        for waiter in woken.values { waiter.resume() }
    }

    /// Ends all long polls, so that the server can stop.
    func shutDown() {
        isShuttingDown = true
        changed()
    }
}

extension StudyCoordinator.Study {
    func decision(of site: String, at time: Int) -> SiteDecision {
        decisions[site].map { SiteDecision(of: $0, at: time) } ?? .pending
    }
}

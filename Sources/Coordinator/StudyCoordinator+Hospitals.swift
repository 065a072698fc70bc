import Cryptography
import Federation
import Logging
import Survival

/// Which hospitals call here, when they did last, and which versions they run.
extension StudyCoordinator {
    struct Hospital {
        /// When it called last, in seconds since 1970.
        var seen: Int
        /// What it said it runs; nil if it did not say.
        var versions: Versions?
        /// When the database was told last.
        var stored: Int
        /// The newest round that it fetched and may be computing.
        var fetched: (session: SHA256Digest, round: Int)?
        /// As those who watch were told.
        var isOffline = false
    }

    /// A node polls twice a minute; after this many seconds without a word it is offline.
    static let silenceMax = 90
    /// The same while it may be computing a round that it fetched, which it does without a word.
    static let computingMax = 900
    /// How often the database is told that a hospital still calls.
    private static let storingSeconds = 300

    /// Takes up that a hospital called.
    func meet(_ site: String, _ versions: Versions?) throws {
        let now = try environment.trustView().time
        let former = hospitals[site]
        var hospital = former ?? Hospital(seen: now, versions: versions, stored: 0)
        (hospital.seen, hospital.versions) = (now, versions)
        let isNews = former == nil || former?.versions != versions || former?.isOffline == true
        if isNews || now - hospital.stored >= Self.storingSeconds {
            try store.setHospital(site, seen: now, versions: versions)
            hospital.stored = now
        }
        hospital.isOffline = false
        hospitals[site] = hospital
        guard isNews else { return }
        if let fault = versionFault(of: site) { logger.warning("no session can begin: \(fault)") }
        changed()
    }

    /// Takes up that a hospital fetched a round, and may now compute for a while.
    func note(fetching round: Int, of session: SHA256Digest, by site: String) {
        hospitals[site]?.fetched = (session, round)
    }

    /// Who has to be updated before a session can begin with a hospital; nil if nobody, or if it has not called since the start.
    func versionFault(of site: String) -> String? {
        guard let hospital = hospitals[site], hospital.seen >= startedAt else { return nil }
        return Versions.fault(site, hospital.versions, beside: "the coordinator", .current)
    }

    /// Tells those who watch when a hospital has fallen silent.
    func checkContacts() throws {
        let now = try environment.trustView().time
        for (site, hospital) in hospitals where !hospital.isOffline && isSilent(hospital, at: now) {
            hospitals[site]?.isOffline = true
            try store.setHospital(site, seen: hospital.seen, versions: hospital.versions)
            logger.notice("\(site) has not called for \(counted(now - hospital.seen, "second"))")
            changed()
        }
    }

    private func isSilent(_ hospital: Hospital, at now: Int) -> Bool {
        let isComputing = studies.values.contains { study in
            guard study.state == .running, let session = study.session, let fetched = hospital.fetched
            else { return false }
            return session.opening.session == fetched.session && session.phase == .round(fetched.round)
        }
        // While the coordinator was away nobody could call.
        return now - max(hospital.seen, startedAt) > (isComputing ? Self.computingMax : Self.silenceMax)
    }

    func contact(of site: String, in study: Study) -> (contact: SiteContact, since: Int?) {
        guard let hospital = hospitals[site] else {
            // It decided in the days before calls were kept.
            return study.decisions[site] == nil ? (.unknown, nil) : (.online, nil)
        }
        return hospital.isOffline ? (.offline, hospital.seen) : (.online, nil)
    }
}

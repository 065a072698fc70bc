import Cryptography
import Federation
import Survival

/// Which hospitals call here, when they did last, and which versions they run.
struct HospitalContacts {
    private struct Hospital {
        /// When it called last, in seconds since 1970.
        var seen: Int
        /// What it said it runs; nil if it did not say.
        var versions: Versions?
        /// When the database was told last.
        var stored: Int
        /// The newest round that it fetched and may be computing.
        var fetched: Round?
        /// As those who watch were told.
        var isOffline = false
    }

    /// A round that is asked in a session.
    struct Round: Hashable {
        var session: SHA256Digest
        var round: Int
    }

    /// The hospitals that ever called here.
    private var hospitals: [String: Hospital] = [:]
    /// When this process took the database up.
    private let startedAt: Int

    /// A node polls twice a minute; after this many seconds without a word it is offline.
    static let silenceMax = 90
    /// The same while it may be computing a round that it fetched, which it does without a word.
    static let computingMax = 900
    /// How often the database is told that a hospital still calls.
    private static let storingSeconds = 300

    init(startedAt: Int) { self.startedAt = startedAt }

    /// Takes up what the database has of a hospital.
    mutating func restore(_ site: String, seen: Int, versions: Versions?) {
        hospitals[site] = Hospital(seen: seen, versions: versions, stored: seen)
    }

    /// Takes up that a hospital called; says whether the database and those who watch are to be told.
    ///
    /// `store` is called before anything is changed here.
    mutating func meet(
        _ site: String, _ versions: Versions?, at now: Int, store: () throws -> Void
    ) throws -> Bool {
        let former = hospitals[site]
        var hospital = former ?? Hospital(seen: now, versions: versions, stored: 0)
        (hospital.seen, hospital.versions) = (now, versions)
        let isNews = former == nil || former?.versions != versions || former?.isOffline == true
        if isNews || now - hospital.stored >= Self.storingSeconds {
            try store()
            hospital.stored = now
        }
        hospital.isOffline = false
        hospitals[site] = hospital
        return isNews
    }

    /// Takes up that a hospital fetched a round, and may now compute for a while.
    mutating func note(fetching round: Int, of session: SHA256Digest, by site: String) {
        hospitals[site]?.fetched = Round(session: session, round: round)
    }

    /// Who has to be updated before a session can begin with a hospital; nil if nobody, or if it has not called since the start.
    func versionFault(of site: String) -> String? {
        guard let hospital = hospitals[site], hospital.seen >= startedAt else { return nil }
        return Versions.fault(site, hospital.versions, beside: "the coordinator", .current)
    }

    /// Hospitals that have fallen silent and are not noted as offline; `asked` are the rounds that are being asked.
    func fallenSilent(
        at now: Int, asked: Set<Round>
    ) -> [(site: String, seen: Int, versions: Versions?)] {
        let silent = hospitals.filter { _, hospital in
            let isComputing = hospital.fetched.map(asked.contains) ?? false
            // While the coordinator was away nobody could call.
            let silence = now - max(hospital.seen, startedAt)
            return !hospital.isOffline && silence > (isComputing ? Self.computingMax : Self.silenceMax)
        }
        return silent.sorted { $0.key < $1.key }.map { ($0.key, $0.value.seen, $0.value.versions) }
    }

    /// Takes up that a hospital is offline.
    mutating func note(offline site: String) { hospitals[site]?.isOffline = true }

    /// Whether a hospital calls, and since when not; `hasDecided` tells one of the days before calls were kept.
    func contact(of site: String, hasDecided: Bool) -> (contact: SiteContact, since: Int?) {
        guard let hospital = hospitals[site] else { return (hasDecided ? .online : .unknown, nil) }
        return hospital.isOffline ? (.offline, hospital.seen) : (.online, nil)
    }
}

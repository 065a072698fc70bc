import Cryptography
package import Survival

/// The whole federation in one process: the same values, messages, masks and checks as over the network, without sockets.
///
/// `coxswain fit` and the tests run on it. The identities are made for the occasion.
package struct InProcessFederation {
    private let plan: StudyPlan
    private let trustView: TrustView
    private let coordinator: Signer
    private var sites: [Site]

    private struct Site {
        var name: String
        var signer: Signer
        var cohort: SiteCohort
        var policy: DisclosurePolicy
    }

    /// Tables by site, in the order of the study's sites; `time` is the time of the run, in seconds since 1970.
    package init(
        plan: StudyPlan, tables: [(site: String, table: PatientTable)], policy: DisclosurePolicy = .local,
        time: Int
    ) throws {
        let consortium = "in-process"
        let office = try CertificateAuthority.create(consortium: consortium, at: time, days: 2)
        func signer(_ role: SPIFFEID.Role) throws -> Signer {
            let key = try PrivateKey.generate()
            let certificate = try office.issue(
                for: SPIFFEID(consortium: consortium, role: role), key: key, dnsNames: [], ipAddresses: [],
                at: time,
                days: 1)
            return Signer(certificate: certificate, key: key)
        }
        self.plan = plan
        let list = try office.revocationList(revoked: [], number: 1, at: time, days: 2)
        trustView = TrustView(
            trust: try TrustStore(rootsPEM: office.certificate.pem, crlPEM: list), consortium: consortium,
            time: time)
        coordinator = try signer(.coordinator)
        sites = try tables.map { site, table in
            Site(
                name: site, signer: try signer(.node(site)), cohort: SiteCohort(table: table, plan: plan),
                policy: policy)
        }
    }

    /// Runs the study to its result; `randomness` gives 32 bytes at each call.
    package func run(randomness: () throws -> [UInt8]) throws -> StudyResult {
        var troubles: [[String]] = []
        return try run(noting: &troubles, randomness: randomness)
    }

    /// The same; `troubles` are why questions had no answer, by site in their order, as a hospital's log would have it.
    package func run(
        noting troubles: inout [[String]], randomness: () throws -> [UInt8]
    ) throws -> StudyResult {
        troubles = sites.map { _ in [] }
        let opening = SessionOpening(
            session: SHA256Digest(of: try randomness()), study: plan.hash, sites: sites.map(\.name))
        var session = CoordinatorSession(
            opening: opening, signed: try SignedMessage(opening, by: coordinator), plan: plan)
        var members: [SiteSession] = []
        for site in sites {
            let member = try SiteSession(
                opening: opening, plan: plan, site: site.name, policy: site.policy, secret: try randomness())
            try session.receive(
                SignedMessage(member.hello, by: site.signer), from: site.name, under: trustView)
            members.append(member)
        }
        guard let roster = session.roster else { throw ProtocolError.failed("no site takes part") }
        for index in members.indices {
            let ack = try members[index].join(roster, under: trustView)
            try deliver(ack, of: index, to: &session)
        }
        while session.phase != .finished {
            try round(&session, &members)
            for (index, member) in members.enumerated() { troubles[index] += member.troubles }
        }
        guard let result = session.result else {
            throw ProtocolError.failed("the study ended without a result")
        }
        // As over the network: what could not be fetched there is no result here either.
        return try CanonicalJSON.sent(result)
    }

    private func round(_ session: inout CoordinatorSession, _ members: inout [SiteSession]) throws {
        guard let request = session.request else { throw ProtocolError.failed("no round to answer") }
        for index in members.indices {
            _ = try members[index].accept(request, under: trustView)
            try deliver(try members[index].answer(from: sites[index].cohort), of: index, to: &session)
        }
    }

    private func deliver(_ content: some Message, of index: Int, to session: inout CoordinatorSession) throws
    {
        let message = try SignedMessage(content, by: sites[index].signer)
        try session.receive(message, from: sites[index].name, under: trustView)
    }
}

import ArgumentParser
import Cryptography
import Foundation
import Membership

/// `coxswain ca`: the consortium's certificate office.
struct Authority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Issue and revoke the consortium's certificates.",
        subcommands: [Init.self, Issue.self, Revoke.self, List.self])

    struct Folder: ParsableArguments {
        @Option(
            name: .customLong("ca"),
            help: ArgumentHelp("Folder of the certificate office.", valueName: "folder"))
        var directory: String
    }

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new certificate office: an authority and an empty revocation list.",
            discussion: """
                Example: coxswain ca init --ca office --consortium hcc-consortium
                The folder's authority.key can speak for the whole consortium: keep it off the coordinator's machine.
                """)
        @OptionGroup var folder: Folder
        @Option(help: "The consortium's name: lower-case letters, digits, hyphens.") var consortium: String

        func run() throws {
            let office = try CertificateOffice.create(
                in: folder.directory, consortium: consortium, at: currentTime())
            try show("certificate office of \(office.consortium) made in \(folder.directory)")
        }
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a certificate to a node, an operator or the coordinator.",
            discussion: """
                Examples:
                  coxswain ca issue node hospital-1 --ca office --out hospital-1/identity
                  coxswain ca issue coordinator --ca office --dns coordinator.example.org --out coordinator/identity
                  coxswain ca issue operator jane-doe --ca office --out jane-doe/identity
                The folder gets identity.pem, identity.key (readable by its owner only), authority.pem and
                revocations.pem. Hand it over on a way that others cannot read.
                """)
        enum Role: String, ExpressibleByArgument, CaseIterable { case node, `operator`, coordinator }

        @Argument(help: "node, operator or coordinator.") var role: Role
        @Argument(help: "The hospital's or operator's name; none for the coordinator.") var name: String?
        @OptionGroup var folder: Folder
        @Option(name: .customLong("dns"), help: "A DNS name of the coordinator; may be repeated.")
        var dnsNames: [String] = []
        @Option(name: .customLong("ip"), help: "An IP address of the coordinator; may be repeated.")
        var addresses: [String] = []
        @Option(help: "Days until the certificate expires.") var days = 365
        @Option(help: "Folder to write the identity to.") var out: String

        func validate() throws {
            guard (role == .coordinator) == (name == nil) else {
                throw ValidationError("a node or an operator needs a name, and the coordinator takes none")
            }
            guard role == .coordinator || (dnsNames.isEmpty && addresses.isEmpty) else {
                throw ValidationError(
                    "--dns and --ip are for the coordinator; nobody dials a node or an operator")
            }
            guard role != .coordinator || !(dnsNames.isEmpty && addresses.isEmpty) else {
                throw ValidationError("say with --dns or --ip where the coordinator is reached")
            }
            guard (1...3650).contains(days) else { throw ValidationError("--days is from 1 to 3650") }
            if let name, !SPIFFEID.isName(name) {
                throw ValidationError("a name has lower-case letters, digits and hyphens, at most 63")
            }
        }

        func run() throws {
            let office = try CertificateOffice(directory: folder.directory)
            let certificate = try office.issue(
                spiffeRole, dnsNames: dnsNames, ipAddresses: addresses, days: days, to: out, at: currentTime()
            )
            try show(
                "\(certificate.spiffeID.map { "\($0)" } ?? ""), serial \(certificate.serial), until "
                    + "\(CalendarDay.text(certificate.notAfter)), fingerprint \(certificate.fingerprint.hex): \(out)"
            )
        }

        private var spiffeRole: SPIFFEID.Role {
            switch role {
            case .node: .node(name ?? "")
            case .operator: .operator(name ?? "")
            case .coordinator: .coordinator
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a certificate and publish a new revocation list.",
            discussion: """
                Example: coxswain ca revoke spiffe://hcc-consortium/node/hospital-3 --ca office
                Copy the office's revocations.pem to the coordinator and every member; they pick it up by themselves.
                """)
        @Argument(help: "A serial number, or a SPIFFE id to revoke all its certificates.") var reference:
            String
        @OptionGroup var folder: Folder

        func run() throws {
            let office = try CertificateOffice(directory: folder.directory)
            for entry in try office.revoke(reference, at: currentTime()) {
                try show("revoked \(entry.identity), serial \(entry.serial)")
            }
            try show("new list: \(folder.directory)/revocations.pem")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the certificates issued; --renew also publishes a fresh revocation list.")
        @OptionGroup var folder: Folder
        @Flag(help: "Publish a new revocation list, which holds for 30 days.") var renew = false

        func run() throws {
            let office = try CertificateOffice(directory: folder.directory)
            if renew { try office.renewList(at: currentTime()) }
            var table = TerminalTable(["ID", "SERIAL", "EXPIRES", "REVOKED"])
            for entry in try office.issued() {
                table.add([
                    "\(entry.identity)", entry.serial, CalendarDay.text(entry.notAfter),
                    entry.revokedAt.map(CalendarDay.text) ?? "",
                ])
            }
            try show(table.text)
        }
    }
}

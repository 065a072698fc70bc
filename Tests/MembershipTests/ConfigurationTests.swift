import Federation
import Foundation
import Membership
import TLSTransport
import Testing

/// Where the coordinator is, by a configuration file and by the environment.
struct ConfigurationTests {
    private static let file = """
        consortium: trial
        coordinator: coordinator.example.org:7443
        identity: {certificate: a, key: b, authority: c, revocations: d}
        """

    private func configuration(
        _ text: String = file, environment: [String: String] = [:]
    ) throws -> MemberConfiguration {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "coxswain-\(UUID().uuidString).yaml"
        ).path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try ConfigurationFile(path: path)
        let root = try file.document()
        let configuration = try MemberConfiguration(root, of: file, environment: environment)
        try root.finish()
        return configuration
    }

    @Test func `the environment overrides addresses, whether the file has them or not`() throws {
        #expect(try configuration().proxy == nil)
        let environment = ["COXSWAIN_PROXY": "proxy:3128", "COXSWAIN_COORDINATOR": "other:1"]
        for text in [Self.file, Self.file + "\nproxy: wrong:1"] {
            let configuration = try configuration(text, environment: environment)
            #expect("\(configuration.coordinator)" == "other:1")
            #expect(configuration.proxy == ProxyAddress(host: "proxy", port: 3128))
        }
        let bare = Self.file.replacing("coordinator: coordinator.example.org:7443\n", with: "")
        #expect("\(try configuration(bare, environment: environment).coordinator)" == "other:1")
        #expect(throws: DocumentError.self) { try configuration(bare) }
    }

    @Test func `a wrong address says where it is from`() throws {
        let ofFile = #expect(throws: DocumentError.self) {
            try configuration(Self.file.replacing(":7443", with: ""))
        }
        #expect(ofFile?.description.contains("the environment") == false)
        let ofEnvironment = #expect(throws: DocumentError.self) {
            try configuration(environment: ["COXSWAIN_PROXY": "proxy"])
        }
        #expect(
            ofEnvironment?.description.contains(
                "what proxy says, which the environment has for proxy, is not")
                == true)
    }

    @Test(arguments: [
        "proxy.example.org:3128", "http://proxy.example.org:3128", "http://proxy.example.org.:3128/",
    ])
    func `a proxy's password comes from a file, which file or environment name`(address: String) throws {
        let text = Self.file + "\nproxy: \(address)\nproxy-credentials: /etc/coxswain/proxy"
        let expected = ProxyAddress(
            host: "proxy.example.org", port: 3128, credentialsFile: "/etc/coxswain/proxy")
        #expect(try configuration(text).proxy == expected)
        let environment = ["COXSWAIN_PROXY": address, "COXSWAIN_PROXY_CREDENTIALS": "/etc/coxswain/proxy"]
        #expect(try configuration(environment: environment).proxy == expected)
        #expect(throws: DocumentError.self) {
            try configuration(environment: ["COXSWAIN_PROXY_CREDENTIALS": "/etc/coxswain/proxy"])
        }
    }

    /// Wherever a password may be put by mistake, in the forms of other programs.
    @Test(
        arguments: ["coordinator", "proxy", "coordinator-name", "proxy-credentials"],
        [
            "me:hush@proxy.example.org:3128", "http://me:hush@proxy.example.org:3128/", "me@hush:1",
            "//me:hush@proxy.example.org", "me:hush",
        ])
    func `a password that stands where it should not is refused, and not printed`(key: String, text: String)
        throws
    {
        guard key != "coordinator" || text.contains("@") else { return }
        var lines = Self.file.split(separator: "\n").filter { !$0.hasPrefix("\(key):") }.map(String.init)
        if key == "proxy-credentials" { lines.append("proxy: proxy.example.org:3128") }
        let ofFile = #expect(throws: DocumentError.self) {
            try configuration((lines + ["\(key): '\(text)'"]).joined(separator: "\n"))
        }
        #expect(ofFile?.description.contains("hush") == false, "\(ofFile?.description ?? "")")
        guard key != "coordinator-name" else { return }
        let variable = "COXSWAIN_" + key.uppercased().replacing("-", with: "_")
        let ofEnvironment = #expect(throws: DocumentError.self) {
            try configuration(lines.joined(separator: "\n"), environment: [variable: text])
        }
        #expect(ofEnvironment?.description.contains("hush") == false)
    }
}

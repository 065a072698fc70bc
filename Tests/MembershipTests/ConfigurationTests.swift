import Federation
import Foundation
import Membership
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
            #expect(configuration.proxy.map { "\($0)" } == "proxy:3128")
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
            ofEnvironment?.description.contains("\"proxy\", which the environment has for proxy, is not")
                == true)
    }
}

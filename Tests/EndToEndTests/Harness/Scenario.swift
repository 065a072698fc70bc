import Foundation

/// What a consortium is made for: a study, its dictionary, each hospital's patients, and their policy.
struct Scenario: Sendable {
    var study: String
    var dictionary: String
    /// Hospitals in the study's order, with the path of their patients.
    var sites: [(name: String, csv: String)]
    var policy: String

    var siteNames: [String] { sites.map(\.name) }

    /// The study's short name.
    var name: String {
        study.split(separator: "\n").first { $0.hasPrefix("study:") }?.split(separator: " ")[1].description
            ?? ""
    }

    /// Lung cancer, 18 institutions put together to four sites.
    static func lung() throws -> Scenario {
        try Scenario(folder: "lung", sites: (1...4).map { "site-\($0)" })
    }

    /// Bone-marrow transplantation at four real hospitals, two of them smaller than the policy of the examples allows.
    ///
    /// 17 people at alfred, 7 events at hahnemann, 6 parameters: as low as needed, and above the built-in floors.
    static func boneMarrow() throws -> Scenario {
        var scenario = try Scenario(folder: "bmt", sites: ["osu", "alfred", "st-vincent", "hahnemann"])
        try scenario.replaceInPolicy("people-min: 20", by: "people-min: 17")
        try scenario.replaceInPolicy("events-min: 10", by: "events-min: 7")
        try scenario.replaceInPolicy("events-per-parameter-min: 2", by: "events-per-parameter-min: 1")
        return scenario
    }

    /// The study of the demo, as `Deploy/demo` runs it.
    static func demo() throws -> Scenario {
        Scenario(
            study: try Repository.text("Config/studies/hcc-extrahepatic.yaml"),
            dictionary: try Repository.text("Config/dictionaries/hcc-extrahepatic.yaml"),
            sites: (1...4).map {
                ("hospital-\($0)", "\(Repository.root)/Deploy/demo-data/hospital-\($0).csv")
            },
            policy: try Repository.text("Deploy/demo-data/policy.yaml"))
    }

    /// Three analyses of the lung data, of every kind and with some twenty rounds, for tests of all but the numbers.
    static func brief() throws -> Scenario {
        var scenario = try lung()
        scenario.study = """
            study: brief
            title: A brief study
            dictionary: lung@1
            sites: [site-1, site-2, site-3, site-4]
            endpoint: {time: days, event: died, unit: day}
            define: {died: status == 2}
            analyses:
              - survival: {id: by-sex, by: sex, at: [365], test: log-rank, times: exact}
              - cox: {id: site-baseline, terms: [age, sex, ecog], baseline: site}
              - cox: {id: common-baseline, terms: [age, sex, ecog], baseline: common, times: exact}
            missing-site: fail
            patience: 2 minutes

            """
        return scenario
    }

    private init(folder: String, sites: [String]) throws {
        self.init(
            study: try Repository.text("Tests/EndToEndTests/Data/studies/\(folder).yaml"),
            dictionary: try Repository.text("Tests/EndToEndTests/Data/dictionaries/\(folder).yaml"),
            sites: sites.map { ($0, Repository.data("\(folder)/\($0).csv")) },
            policy: try Repository.text("Deploy/demo-data/policy.yaml"))
    }

    private init(study: String, dictionary: String, sites: [(String, String)], policy: String) {
        (self.study, self.dictionary, self.policy) = (study, dictionary, policy)
        self.sites = sites.map { (name: $0.0, csv: $0.1) }
    }

    mutating func replaceInPolicy(_ line: String, by other: String) throws {
        policy = try replaced(line, by: other, in: policy)
    }

    mutating func replaceInStudy(_ line: String, by other: String) throws {
        study = try replaced(line, by: other, in: study)
    }
}

/// A text with one passage replaced; throws if the passage is not there, so that no test changes nothing by mistake.
func replaced(_ passage: String, by other: String, in text: String) throws -> String {
    guard text.contains(passage) else { throw Failure("the text has no \"\(passage)\"") }
    return text.replacingOccurrences(of: passage, with: other)
}

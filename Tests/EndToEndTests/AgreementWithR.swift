import Testing

extension EndToEnd {
    /// Numbers of whole studies, over real TLS from four hospitals' files, against R on the stacked rows.
    ///
    /// R's numbers are in `Data/expected.json`; `Data/expected.R` makes them and the versions stand in it.
    @Suite
    struct AgreementWithR {
        static let tolerance = 1e-9

        @Test
        func `every number of the lung study is R's`() async throws {
            try await compare(try Scenario.lung())
        }

        @Test
        func `every number of the bone-marrow study is R's, with two hospitals below the usual limits`()
            async throws
        {
            try await compare(try Scenario.boneMarrow())
        }

        private func compare(_ scenario: Scenario) async throws {
            let expected = try JSON(file: Repository.data("expected.json"))["studies"][scenario.name]
            try await Consortium.with(scenario) { consortium in
                let found = try JSON(text: try await consortium.runStudy())
                let differences = expected.differences(from: found["analyses"], tolerance: Self.tolerance)
                #expect(differences == [])
                #expect(Set(expected.members.keys) == Set(found["analyses"].members.keys))
                #expect(found["sites"].elements.map(\.string) == scenario.siteNames)
                #expect(expected.numberCount > 1000)
            }
        }
    }
}

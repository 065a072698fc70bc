import Federation
import ReferenceStudies
import Survival
import Testing

/// Tables of the patients ("Table 1") as a study asks for them.
struct TableTests {
    private static func table(
        _ keys: String, _ hospitals: [[Patient]], lines: String = "", start: String? = nil
    ) throws -> DescriptionResult {
        let study = Ward.study(
            sites: hospitals.count, start: start, "analyses: [{describe: {id: t, \(keys)}}]\n\(lines)")
        return try result(of: study, hospitals).description("t")
    }

    private static func dealt(_ patients: [Patient], to sites: Int) -> [[Patient]] {
        (0..<sites).map { site in patients.filter { $0.person % sites == site } }
    }

    private static let patients = Patient.random(200, seed: 77)
    private static let keys = "variables: [age, marker, frail, stage], by: response, bins: {age: exact}"

    // MARK: - Numbers

    /// R 4.2.2 on `ovarian`: `tapply(age, rx, mean)`, `tapply(age, rx, sd)`, `t.test(age ~ rx)`, `tapply(futime, rx, quantile)`,
    /// `wilcox.test(futime ~ rx, exact = FALSE, correct = FALSE)`, `chisq.test(ecog.ps, rx, correct = FALSE)`.
    @Test func `a table of ovarian cancer has R's numbers`() throws {
        let table = try Ovarian.result(
            ["describe: {id: t, variables: [age, futime, ecog.ps], by: rx, bins: {futime: exact}}"],
            privacy: "privacy: {smallest-cell: 1}"
        ).description("t")
        #expect(table.groups == ["1", "2"] && table.people == [26, 13, 13] && table.by == "rx")
        let age = try table.number("age")
        expectClose(age.mean, [56.1654423076923, 55.7323538461538, 56.5985307692308], relative: 1e-13)
        expectClose(age.sd, [10.1003609302311, 13.51872976994112, 5.41973947642391], relative: 1e-12)
        #expect(age.quartiles == nil)
        let welch = try #require(table["age"]?.comparisons.first)
        #expect(welch.test == .welch && table["age"]?.comparisons.count == 1)
        expectClose([welch.statistic, welch.p], [-0.214426085486855, 0.832964573648585], relative: 1e-10)
        expectClose(welch.degreesOfFreedom, [15.7602761772378], relative: 1e-10)
        let time = try #require(try table.number("futime").quartiles)
        expectClose(time.lower, [368, 268, 421], relative: 0)
        expectClose(time.median, [476, 448, 563], relative: 0)
        expectClose(time.upper, [794.75, 803, 770], relative: 0)
        let wilcoxon = try #require(table["futime"]?.comparisons.last)
        #expect(wilcoxon.test == .wilcoxon && wilcoxon.statistic == .value(61))
        expectClose([wilcoxon.p], [0.228153812895039], relative: 1e-12)
        #expect(table["ecog.ps"]?.comparisons.map(\.p) == [.value(1)])
        #expect(try table.levels("ecog.ps").map(\.counts) == [[14, 7, 7], [12, 6, 6]].values)
    }

    /// Sums of scaled numbers are rounded; the mean of a constant is that constant all the same, and nobody differs from it.
    @Test(arguments: [0.1, 1.1, -7.3, 3.3333333333333335, 0.001, 9.999])
    func `the mean of a constant is the constant, and its standard deviation 0`(value: Double) throws {
        for count in [20, 37, 131] {
            var patients = Patient.random(count, seed: 5)
            for index in patients.indices { patients[index].marker = value }
            let hospitals = Self.dealt(patients, to: 3)
            for keys in ["variables: [marker, marker * 3]", "variables: [marker, marker * 3], by: frail"] {
                let table = try Self.table(keys, hospitals, lines: "privacy: {smallest-cell: 2}")
                for (name, constant) in [("marker", value), ("marker * 3", value * 3)] {
                    let number = try table.number(name)
                    #expect(number.mean.allSatisfy { $0 == .value(constant) }, "\(number.mean)")
                    #expect(number.sd.allSatisfy { $0 == .value(0) }, "\(number.sd)")
                }
            }
        }
    }

    @Test(arguments: [3, 5, 7])
    func `how patients are dealt to hospitals changes nothing`(sites: Int) throws {
        let one = try Self.table(Self.keys, Self.dealt(Self.patients, to: 1))
        let many = try Self.table(Self.keys, Self.dealt(Self.patients, to: sites))
        #expect(many.people == one.people && many.variables.map(\.known) == one.variables.map(\.known))
        for (own, other) in zip(one.variables, many.variables) {
            expectClose(other.numbers, own.numbers, relative: 1e-12, "\(own.name)")
        }
    }

    @Test func `numbers of the table are those of the rows`() throws {
        let table = try Self.table(Self.keys, Self.dealt(Self.patients, to: 3))
        let responders = Self.patients.filter { $0.response == 1 }
        let ages = responders.map(\.age).sorted()
        let mean = ages.reduce(0, +) / Double(ages.count)
        let age = try table.number("age")
        expectClose([age.mean[2]], [mean], relative: 1e-13)
        #expect(age.quartiles?.median[2].value == (ages[(ages.count - 1) / 2] + ages[ages.count / 2]) / 2)
        #expect(try table.number("marker").quartiles == nil)
        let frail = try table.levels("frail")
        let count = Double(responders.count { $0.frail == 1 })
        #expect(frail.map(\.name) == ["no", "yes"] && frail[1].counts[2] == .value(count))
        #expect(frail[1].shares[2] == .value(count / Double(responders.count)))
        #expect(table.people == [200, 200 - responders.count, responders.count])
    }

    @Test func `each person counts once, by the row that begins first`() throws {
        let patients = Patient.random(60, seed: 5)
        let later = patients.filter { $0.months < 60 }.map { patient in
            var later = patient
            (later.entered, later.months, later.age) = (patient.months, 60, 99)
            return later
        }
        let table = try Self.table(
            "variables: [age]", Self.dealt(later + patients, to: 3), start: "entered")
        #expect(table.people == [60] && table.counts.rows > 60 && table.groups.isEmpty)
        let mean = patients.map(\.age).reduce(0, +) / 60
        expectClose(try table.number("age").mean, [mean], relative: 1e-13)
        #expect(table.variables[0].comparisons.isEmpty && table.variables[0].difference == nil)
    }

    @Test func `a missing value counts for its variable and leaves the others in`() throws {
        var patients = Self.patients
        for index in 0..<30 { (patients[index].age, patients[index + 15].stage) = (.nan, -1) }
        let table = try Self.table("variables: [age, stage, frail]", Self.dealt(patients, to: 4))
        #expect(table.variables.map(\.missing) == [[30], [30], [0]])
        #expect(table.variables.map(\.known) == [[170], [170], [200]])
        let known = patients.map(\.age).filter { !$0.isNaN }
        expectClose(try table.number("age").mean, [known.reduce(0, +) / 170], relative: 1e-13)
    }

    // MARK: - What is withheld

    @Test func `a small cell is withheld with all that betrays it`() throws {
        var patients = Self.patients
        // Stage III: 4 of those without response.
        var left = 4
        for index in patients.indices where patients[index].response == 0 && patients[index].stage == 2 {
            if left > 0 { left -= 1 } else { patients[index].stage = 0 }
        }
        let table = try Self.table("variables: [stage], by: response", Self.dealt(patients, to: 3))
        let levels = try table.levels("stage")
        let withheld = Reported.suppressed(rule: "smallest-cell")
        #expect(levels[2].counts[1] == withheld && levels[2].shares[1] == withheld)
        #expect(levels.flatMap(\.counts).count { $0 == withheld } == 4)
        #expect(table.variables[0].difference == withheld)
        #expect(table.variables[0].comparisons[0].p == withheld)
        #expect(table.variables[0].comparisons[0].statistic == withheld)
    }

    @Test func `a number that few people of a group have is not even summed there`() throws {
        var patients = Self.patients
        var left = 9
        for index in patients.indices where patients[index].response == 1 {
            if left > 0 { left -= 1 } else { patients[index].age = .nan }
        }
        let hospitals = Self.dealt(patients, to: 3)
        let plan = try Ward.plan(
            Ward.study("analyses: [{describe: {id: t, \(Self.keys)}}]"))
        var run = StudyRun(plan: plan, sites: [])
        let cohorts = hospitals.map { SiteCohort(table: PatientTable($0), plan: plan) }
        var asked: [any Question] = []
        while !run.isFinished {
            asked += run.queries.map(\.question)
            var sum = [Double](repeating: 0, count: run.laneCount)
            for cohort in cohorts {
                let answer = try run.queries.flatMap { try cohort.answer($0) }
                sum = zip(sum, answer).map { $0 + $1 }
            }
            try run.receive(sum)
        }
        let ageAndMarker = [
            TableCell(variable: 0, group: 0), TableCell(variable: 1, group: 0),
            TableCell(variable: 1, group: 1),
        ]
        #expect(asked.contains { ($0 as? TableSumsQuestion)?.cells == ageAndMarker })
        let table = try #require(run.result).description("t")
        let age = try table.number("age")
        let withheld = Reported.suppressed(rule: "smallest-cell")
        #expect(age.mean[0] == withheld && age.mean[2] == withheld && age.mean[1].value != nil)
        #expect(age.quartiles?.median[2] == withheld && age.quartiles?.median[0] == withheld)
        #expect(table["age"]?.comparisons.map(\.p) == [withheld, withheld])
        #expect(table["marker"]?.comparisons.first?.p.value != nil)
    }

    @Test func `bins of a width are merged until each shows enough people of each group`() throws {
        let table = try Self.table(
            "variables: [age], by: response, bins: {age: 5}", Self.dealt(Patient.random(400, seed: 8), to: 3))
        let quartiles = try #require(try table.number("age").quartiles)
        let bins = try #require(quartiles.bins)
        #expect(bins.first == 15 && bins.last == 105 && bins.count >= 3)
        let ages = Patient.random(400, seed: 8)
        for (lower, upper) in zip(bins, bins.dropFirst()) {
            for group in [0.0, 1] {
                #expect(ages.count { $0.response == group && $0.age >= lower && $0.age < upper } >= 10)
            }
        }
        let median = try #require(quartiles.median[0].value)
        let sorted = ages.map(\.age).sorted()
        let bin = try #require(
            zip(bins, bins.dropFirst()).first { $0.0 <= sorted[199] && sorted[199] < $0.1 })
        #expect(bin.0 <= median && median <= bin.1)
        #expect(table.variables[0].comparisons.map(\.test) == [.welch, .wilcoxon])
    }

    @Test func `a hospital leaves its few people out of the floors of bins`() throws {
        let plan = try Ward.plan(
            Ward.study("analyses: [{describe: {id: t, variables: [age], bins: {age: 10}}}]"))
        var patients = Patient.random(40, seed: 3)
        for index in patients.indices { patients[index].age = index < 4 ? 25 : index < 9 ? 47 : 63 }
        let cohort = SiteCohort(table: PatientTable(patients), plan: plan)
        let answer = try cohort.answer(Query(analysis: "t", TalliesQuestion()))
        // People, people with a known age, then bins from 10 to 100; no trouble.
        #expect(answer == [40, 40, 0, 0, 0, 5, 0, 31, 0, 0, 0, 0] + [0])
    }

    @Test func `bins that hold too few people give no quartiles`() throws {
        let table = try Self.table(
            "variables: [age], bins: {age: 1}", Self.dealt(Patient.random(60, seed: 9), to: 3))
        let withheld = Reported.suppressed(rule: "smallest-cell")
        #expect(try table.number("age").quartiles?.median == [withheld])
        #expect(try table.number("age").mean[0].value != nil)
    }

    @Test func `a group below the smallest cell has no table`() throws {
        var patients = Self.patients
        for index in patients.indices { patients[index].response = index < 6 ? 1 : 0 }
        let study = Ward.study("analyses: [{describe: {id: t, variables: [age], by: response}}]")
        #expect(
            try result(of: study, Self.dealt(patients, to: 3)).failure("t")
                == "the group yes has fewer than 10 people (smallest-cell); merge groups in the study")
    }

    // MARK: - The study file

    @Test(arguments: [
        ("variables: [ages]", "ages"), ("variables: []", "variables: names each variable of the table once"),
        ("variables: [age, age]", "variables: names each variable of the table once"),
        ("variables: [age], by: marker", "groups need categories or a condition"),
        ("variables: [age], bins: fine", "bins: is either exact, or widths such as {age: 10}"),
        ("variables: [age], bins: {stage: 3}", #""stage" is not among the table's variables"#),
        ("variables: [age], bins: {age: -3}", #"the bins of "age" need a width above 0, or exact, not "-3""#),
        ("variables: [marker], bins: {marker: exact}", "bins: exact needs a resolution in the dictionary"),
        ("variables: [age], bins: {age: 0.001}", "age would be counted at more than 20000 values or bins"),
        ("variables: [age], level: 0.9", #"unknown key "level""#),
        ("variables: [died]", "died"),
    ])
    func `what makes no sense is refused`(_ keys: String, _ reason: String) {
        let error = sentence { _ = try Self.table(keys, Self.dealt(Self.patients, to: 3)) }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    @Test func `two questions of a table differ in their statements if they differ in anything`() throws {
        let plan = try Ward.plan(Ward.study("analyses: [{describe: {id: t, \(Self.keys)}}]"))
        let analysis = try #require(plan.analysis("t"))
        let cell = TableCell(variable: 0, group: 0)
        let other = TableCell(variable: 0, group: 1)
        let asks: [any Question] = [
            TalliesQuestion(), TableSumsQuestion([cell]), TableSumsQuestion([other]),
            TableSquaresQuestion([cell], centers: [1]),
            TableSquaresQuestion([cell], centers: [1 + .ulpOfOne]),
            HistogramsQuestion([TableHistogram(variable: 0, groups: [0], starts: [0, 5])]),
            HistogramsQuestion([TableHistogram(variable: 0, groups: [1], starts: [0, 5])]),
            HistogramsQuestion([TableHistogram(variable: 0, groups: [0], starts: [0, 6])]),
            HistogramsQuestion([TableHistogram(variable: 1, groups: [0], starts: [0, 5])]),
        ]
        let statements = asks.map { QueryStatement(Query(analysis: "t", $0), in: analysis) }
        #expect(Set(statements).count == asks.count)
    }

    @Test func `tallies that are no counts end the analysis`() throws {
        let plan = try Ward.plan(Ward.study("analyses: [{describe: {id: t, variables: [frail]}}]"))
        let cohort = SiteCohort(table: PatientTable(Self.patients), plan: plan)
        var run = StudyRun(plan: plan, sites: [])
        try run.receive(try cohort.answer(run.queries[0]))
        try run.receive([199, 100, 100, 0])
        #expect(
            run.result?.failure("t")
                == "the hospitals' tallies do not add up to their counts of people")
    }
}

extension StudyResult {
    func description(_ id: String) throws -> DescriptionResult {
        guard case .describe(let table) = self[id] else {
            throw Missing(what: "\(id): \(String(describing: self[id]))")
        }
        return table
    }
}

extension DescriptionResult {
    fileprivate subscript(_ name: String) -> Variable? { variables.first { $0.name == name } }

    fileprivate func number(_ name: String) throws -> Number {
        guard case .number(let number) = self[name]?.summary else { throw StudyResult.Missing(what: name) }
        return number
    }

    fileprivate func levels(_ name: String) throws -> [Level] {
        guard case .levels(let levels) = self[name]?.summary else { throw StudyResult.Missing(what: name) }
        return levels
    }
}

extension DescriptionResult.Variable {
    /// Every number of the variable, NaN for NA and for what is withheld.
    fileprivate var numbers: [Double] {
        var numbers: [Reported] =
            comparisons.flatMap { [$0.statistic, $0.logP] } + [difference ?? .notAvailable]
        switch summary {
        case .number(let number):
            numbers += number.mean + number.sd
            if let quartiles = number.quartiles {
                numbers += quartiles.lower + quartiles.median + quartiles.upper
            }
        case .levels(let levels): numbers += levels.flatMap { $0.counts + $0.shares }
        }
        return numbers.map { $0.value ?? .nan }
    }
}

extension [[Double]] {
    fileprivate var values: [[Reported]] { map { $0.map { .value($0) } } }
}

private func expectClose(
    _ found: [Reported], _ expected: [Double], relative: Double,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectClose(
        found.map { $0.value ?? .nan }, expected, relative: relative, "numbers",
        sourceLocation: sourceLocation)
}

import Federation
import ReferenceStudies
import Survival
import Testing

/// Tests of coefficients whose columns are nearly collinear, such as those of a skewed marker's spline.
struct CollinearColumnsTests {
    private static let dictionary = DataDictionary(
        name: "afp", version: 1, person: "pid",
        variables: [
            .init(name: "pid", kind: .identifier),
            .init(name: "t", kind: .number(lower: 0, upper: 3000, resolution: 1)),
            .init(name: "ev", kind: .category(levels: ["0", "1"], reference: "0")),
            .init(name: "x", kind: .number(lower: 0, upper: 12567.4, resolution: nil)),
            .init(name: "a", kind: .number(lower: 0, upper: 120, resolution: 1)),
        ])

    private static func result(_ analyses: String) throws -> StudyResult {
        try ReferenceTables.result(
            """
            study: afp
            dictionary: afp@1
            sites: [\(Ward.names(3).joined(separator: ", "))]
            endpoint: {time: t, event: ev == "1", unit: day}
            \(analyses)
            """, dictionary: dictionary, tables: ReferenceTables.tables("afp", dictionary))
    }

    /// All columns, the spline's, and its curved ones, beside R.
    ///
    /// R 4.2.2, survival 3.5-3, on columns that are made orthogonal, which changes no test: with the four columns X, those of a test
    /// standing last, and row i at site i modulo 3, `Q <- qr.Q(qr(scale(X))) * 30; g <- coxph(Surv(t, ev) ~ Q + strata(site), robust = TRUE,
    /// cluster = pid, control = coxph.control(eps = 2e-12))`, b and V the last coefficients of g and their `g$var`, `b %*% solve(V,
    /// b)`: of all columns, of the spline's, of its curved ones. On the raw columns R is near it, since it
    /// has more than the formed variance would tell; a formed variance gave 183.72 in place of 295.81 here.
    /// The columns' condition is 9e4, and that of the information, of 16 digits, its square.
    @Test(arguments: [
        (", robust: true", [264.1002134597, 258.2586527786, 166.7950748952]),
        ("", [233.7740096782, 229.747060665, 168.895947511]),
    ])
    func `tests of nearly collinear columns are those of orthogonal ones`(
        _ keys: String, _ expected: [Double]
    ) throws {
        let spline = "rcs(x, 0.2, 2.7, 17.9, 427.2)"
        let cox = try Self.result("analyses: [{cox: {id: m, terms: ['\(spline)', a]\(keys)}}]").cox("m")
        let tests = try #require(cox.termTests)
        #expect(tests.map(\.isNonlinear) == [false, true] && cox.warnings.isEmpty)
        expectClose(
            ([cox.wald] + tests.map(\.test)).map { $0.statistic.value ?? .nan }, expected, relative: 2e-6,
            "tests")
        #expect(cox.wald.degreesOfFreedom == 4 && tests.map(\.test.degreesOfFreedom) == [3, 2])
    }

    /// R 4.2.2, survival 3.5-3, on `lung`: `v <- apply(M, 2, var, na.rm = TRUE)` of the spline's columns M of `meal.cal`, missing in 47
    /// of 228 rows; `coxph(Surv(time, status == 2) ~ ridge(z1, z2, theta = 1, scale = FALSE) + strata(site))` on z = M / sqrt(v),
    /// `coef / sqrt(v)`; and `v` of M, of `sex == 2` and of their products.
    @Test func `the variance of a spline's column under a ridge is that of the rows that have it`() throws {
        let result = try Lung.result(
            """
            analyses:
              - cox: {id: m, terms: ["rcs(calories, 300, 1000, 1500)"], penalty: {ridge: 1}}
              - cox: {id: product, terms: ["rcs(calories, 300, 1000, 1500) * sex"], penalty: {ridge: 1}}
            """)
        let cox = try result.cox("m")
        expectClose(cox.coefficients, [-0.0001595556514214, 7.029429416084e-05], relative: 1e-9, "coef")
        let ridge = try #require(cox.penalty?.ridge)
        expectClose(
            ridge.variances.map { $0.value ?? .nan }, [161744.4953346, 202047.4956382], relative: 1e-12,
            "variances")
        expectClose(ridge.degreesOfFreedom, 1.921861650526, relative: 1e-9, "df")
        let products = try #require(try result.cox("product").penalty?.ridge)
        expectClose(
            products.variances.map { $0.value ?? .nan },
            [161744.4953346, 202047.4956382, 0.2399721771389, 215642.3935543, 57088.02861504],
            relative: 1e-12, "of an interaction")
    }
}

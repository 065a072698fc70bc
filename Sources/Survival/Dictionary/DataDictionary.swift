/// The contract on a cohort's data: each variable's type, unit, range and levels, and how a CSV file writes
/// it.
///
/// The same dictionary holds at every hospital, and its hash is part of a study. Design matrices are laid out
/// from it alone: a level that no patient of a hospital has still has its column there.
package struct DataDictionary: Codable, Hashable, Sendable {
    /// One variable of the cohort.
    package struct Variable: Codable, Hashable, Sendable {
        package var name: String
        package var label: String?
        package var kind: Kind
        package var unit: String?
        /// The grid of a time variable, in its unit; nil leaves it to each hospital's policy.
        ///
        /// Where a hospital lets no exact times leave, what a study says of times lies on multiples of it.
        package var grid: Double?
        /// Whether a number is a time, such as that of another event, where the dictionary says it; nil leaves it to its unit and to
        /// when it is measured.
        package var statedAsTime: Bool?
        /// The header of the variable's column in a CSV file.
        package var column: String
        /// Cell texts that mean "missing"; an empty cell always does.
        package var missing: [String]
        package var isRequired: Bool
        package var isAllowedInFilters: Bool
        package var isAllowedInTerms: Bool
        /// Known only after follow-up began, so that its use as a covariate invites immortal-time bias.
        package var isMeasuredAfterTimeZero: Bool
        /// Days from time zero until it is known; nil if it is not measured later, or at no set time.
        package var daysToMeasurement: Double?
        /// What a report prints for a level; levels without an entry are printed as they are.
        package var levelLabels: [String: String]

        /// A variable read from the CSV column of its own name unless `column` says another.
        package init(
            name: String, label: String? = nil, kind: Kind, unit: String? = nil, grid: Double? = nil,
            statedAsTime: Bool? = nil, column: String? = nil, missing: [String] = [],
            isRequired: Bool = false,
            isAllowedInFilters: Bool = true,
            isAllowedInTerms: Bool = true, isMeasuredAfterTimeZero: Bool = false,
            daysToMeasurement: Double? = nil, levelLabels: [String: String] = [:]
        ) {
            (self.name, self.label, self.kind, self.unit, self.grid) = (name, label, kind, unit, grid)
            (self.column, self.missing, self.isRequired) = (column ?? name, missing, isRequired)
            (self.isAllowedInFilters, self.isAllowedInTerms) = (isAllowedInFilters, isAllowedInTerms)
            (self.isMeasuredAfterTimeZero, self.levelLabels) = (isMeasuredAfterTimeZero, levelLabels)
            (self.daysToMeasurement, self.statedAsTime) = (daysToMeasurement, statedAsTime)
        }
    }

    package var name: String
    package var version: Int
    package var title: String?
    /// The identifier variable that tells people apart; several rows may belong to one person.
    package var person: String
    package var variables: [Variable]

    /// A dictionary as given; `validate()` says whether it makes sense.
    package init(name: String, version: Int, title: String? = nil, person: String, variables: [Variable]) {
        (self.name, self.version, self.title) = (name, version, title)
        (self.person, self.variables) = (person, variables)
    }

    /// The text by which a study names it: `hcc-extrahepatic@1`.
    package var identifier: String { "\(name)@\(version)" }

    package subscript(_ name: String) -> Variable? {
        variables.first { $0.name == name }
    }
}

extension DataDictionary.Variable {
    /// What values a variable may take.
    package enum Kind: Hashable, Sendable {
        /// A number within `lower ... upper` (infinite ends: no limit), a multiple of `resolution` if there
        /// is one.
        case number(lower: Double, upper: Double, resolution: Double?)
        /// One of `levels`, in the order of the dictionary; models contrast the others with `reference`.
        case category(levels: [String], reference: String)
        case boolean
        /// A pseudonym; never a value in an expression.
        case identifier
    }
}

extension DataDictionary.Variable.Kind: Codable {
    private enum Key: String, CodingKey { case type, lower, upper, resolution, levels, reference }

    /// An absent `lower` or `upper` is an infinite one, since JSON has no such numbers.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .type) {
        case "number":
            self = .number(
                lower: try container.decodeIfPresent(Double.self, forKey: .lower) ?? -.infinity,
                upper: try container.decodeIfPresent(Double.self, forKey: .upper) ?? .infinity,
                resolution: try container.decodeIfPresent(Double.self, forKey: .resolution))
        case "category":
            self = .category(
                levels: try container.decode([String].self, forKey: .levels),
                reference: try container.decode(String.self, forKey: .reference))
        case "boolean": self = .boolean
        case "identifier": self = .identifier
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .type, in: container, debugDescription: "not a type of variable")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .number(let lower, let upper, let resolution):
            try container.encode("number", forKey: .type)
            if lower.isFinite { try container.encode(lower, forKey: .lower) }
            if upper.isFinite { try container.encode(upper, forKey: .upper) }
            try container.encodeIfPresent(resolution, forKey: .resolution)
        case .category(let levels, let reference):
            try container.encode("category", forKey: .type)
            try container.encode(levels, forKey: .levels)
            try container.encode(reference, forKey: .reference)
        case .boolean: try container.encode("boolean", forKey: .type)
        case .identifier: try container.encode("identifier", forKey: .type)
        }
    }
}

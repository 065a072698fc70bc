/// What formulas use names for, as far as their form alone tells: `died` in `died and age > 60` is a condition, `age` a number.
package struct NameUses: Hashable, Sendable {
    package private(set) var numbers: Set<String> = []
    package private(set) var conditions: Set<String> = []
    /// What makes groups as it is, whatever its values look like.
    package private(set) var categories: Set<String> = []
    private let definitions: [String: Expression]

    /// What a formula as a whole must be; a term is what a model's list of terms has, whose `*` and `:` join its parts.
    package enum Role: Sendable { case number, condition, category, term, open }

    /// Names of definitions stand for what their formulas use; texts that cannot be parsed are passed over.
    package init(_ formulas: [(text: String, role: Role)], definitions: [(name: String, text: String)]) {
        let parsed = definitions.compactMap { definition in
            // A formula at fault is told of where it is checked.
            (try? Expression(parsing: definition.text)).map { (definition.name, $0) }
        }
        self.definitions = Dictionary(parsed, uniquingKeysWith: { first, _ in first })
        let texts = formulas + definitions.map { ($0.text, .open) }
        for (text, role) in texts {
            if role == .term {
                addTerm(text)
            } else if let expression = try? Expression(parsing: text) {  // as above
                add(expression.syntax, as: role, depth: 0)
            }
        }
    }

    private mutating func addTerm(_ text: String) {
        guard let term = try? ModelTerm(parsing: text) else { return }  // as above
        switch term {
        case .interactions(let interactions):
            for part in interactions.joined() { add(part.syntax, as: .open, depth: 0) }
        case .special(let special, let arguments):
            for argument in arguments {
                add(argument.syntax, as: special == .offset ? .number : .category, depth: 0)
            }
        }
    }

    /// Definitions deeper than any study's are circular.
    private static let depthMax = 50

    private mutating func add(_ syntax: Syntax, as role: Role, depth: Int) {
        switch syntax.form {
        case .number, .text, .boolean: break
        case .name(let name): add(name, as: role, depth: depth)
        case .call(_, let argument), .spline(let argument, _), .negative(let argument):
            add(argument, as: .number, depth: depth)
        case .arithmetic(_, let left, let right):
            for side in [left, right] { add(side, as: .number, depth: depth) }
        case .comparison(let comparison, let left, let right):
            let role = comparison.isOrder ? .number : Self.role(besides: [left, right])
            for side in [left, right] { add(side, as: role, depth: depth) }
        case .membership(let operand, let items, _):
            add(operand, as: Self.role(besides: items), depth: depth)
        case .not(let operand): add(operand, as: .condition, depth: depth)
        case .all(let operands), .any(let operands):
            for operand in operands { add(operand, as: .condition, depth: depth) }
        }
    }

    private static func role(besides items: [Syntax]) -> Role {
        for item in items {
            switch item.form {
            case .number: return .number
            case .boolean: return .condition
            default: continue
            }
        }
        return .open
    }

    private mutating func add(_ name: String, as role: Role, depth: Int) {
        if let definition = definitions[name] {
            guard role != .open, depth < Self.depthMax else { return }
            return add(definition.syntax, as: role, depth: depth + 1)
        }
        switch role {
        case .number: numbers.insert(name)
        case .condition: conditions.insert(name)
        case .category: categories.insert(name)
        case .term, .open: break
        }
    }
}

import Federation
import JSONText
import Testing

/// Documents that differ from a given one in one place, to find what a type reads and does not write again.
struct Mutations {
    /// Where a tree may be changed: keys, and the first two elements of arrays (`0`, `1`).
    struct Place: Hashable, CustomStringConvertible {
        var path: [String]

        /// Without positions in arrays: places of one kind.
        var kind: String { path.filter { Int($0) == nil }.joined(separator: ".") }
        var description: String { path.joined(separator: ".") }
    }

    /// What stands in a place instead; nil is absence of the key.
    static let changes: [(name: String, value: JSONTree?)] = [
        ("NA", .null), ("Inf", .string("Inf")), ("-Inf", .string("-Inf")), ("number", .number(0.1)),
        ("suppressed", .object(["suppressed": .string("people-min")])), ("absent", nil),
    ]

    /// Every place of the tree, one of each kind.
    static func places(in tree: JSONTree) -> [Place] {
        var kinds: Set<String> = []
        var places: [Place] = []
        func walk(_ tree: JSONTree, _ path: [String]) {
            let place = Place(path: path)
            if !path.isEmpty, kinds.insert(place.kind + (Int(path.last ?? "") == nil ? "" : "[]")).inserted {
                places.append(place)
            }
            switch tree {
            case .array(let values):
                for (index, value) in values.prefix(2).enumerated() { walk(value, path + ["\(index)"]) }
            case .object(let members):
                for (key, value) in members.inCanonicalOrder { walk(value, path + [key]) }
            default: return
            }
        }
        walk(tree, [])
        return places
    }

    /// The tree with another value in a place, or without it; nil for an element of an array that is to be absent.
    static func changed(_ tree: JSONTree, at path: [String], to value: JSONTree?) -> JSONTree? {
        guard let first = path.first else { return value }
        let rest = Array(path.dropFirst())
        switch tree {
        case .object(var members):
            guard let old = members[first] else { return nil }
            let new = changed(old, at: rest, to: value)
            if new == nil, !rest.isEmpty { return nil }
            members[first] = new
            return .object(members)
        case .array(var values):
            guard let index = Int(first), let new = changed(values[index], at: rest, to: value) else {
                return nil
            }
            values[index] = new
            return .array(values)
        default: return nil
        }
    }

    /// Requires that whatever the type reads it writes as it was read, for every change of every place.
    ///
    /// Gives the kinds of places that take each change.
    @discardableResult
    static func expectRoundTrips<Value: Codable>(of value: Value) throws -> [String: Set<String>] {
        let tree = try JSONTree(parsing: CanonicalJSON.bytes(value))
        var accepted: [String: Set<String>] = [:]
        for place in places(in: tree) {
            for (name, change) in changes {
                guard let changed = changed(tree, at: place.path, to: change),
                    let read = try? changed.decoded(as: Value.self)  // of another type: refused
                else { continue }
                let bytes = changed.canonicalBytes
                #expect(CanonicalJSON.bytes(read) == bytes, "\(Value.self): \(place) as \(name)")
                #expect(throws: Never.self, "\(Value.self): \(place) as \(name)") {
                    _ = try CanonicalJSON.decode(Value.self, from: bytes)
                }
                accepted[name, default: []].insert(place.kind)
            }
        }
        return accepted
    }
}

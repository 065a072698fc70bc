extension JSONTree {
    /// A value as a tree, as its type describes itself.
    ///
    /// A double that JSON does not have is one of the strings `"Inf"`, `"-Inf"` and `"NaN"`. Throws what the type throws.
    package init(encoding value: some Encodable) throws {
        let place = Place()
        try value.encode(to: TreeEncoder(place, path: []))
        self = place.tree
    }
}

/// Where a value is written; a type may ask for its container several times and gets the same.
private final class Place {
    var content: Content = .nothing

    enum Content {
        case nothing
        case scalar(JSONTree)
        case array([Place])
        case object([String: Place])
    }

    var tree: JSONTree {
        switch content {
        case .nothing: .object([:])
        case .scalar(let tree): tree
        case .array(let places): .array(places.map(\.tree))
        case .object(let members): .object(members.mapValues(\.tree))
        }
    }

    func member(_ key: String) -> Place {
        let place = Place()
        guard case .object(var members) = content else {
            content = .object([key: place])
            return place
        }
        content = .nothing
        members[key] = place
        content = .object(members)
        return place
    }

    func element() -> Place {
        let place = Place()
        guard case .array(var places) = content else {
            content = .array([place])
            return place
        }
        content = .nothing
        places.append(place)
        content = .array(places)
        return place
    }

    var count: Int { if case .array(let places) = content { places.count } else { 0 } }

    func begin(_ empty: Content) { if case .nothing = content { content = empty } }
}

private struct TreeEncoder: Encoder {
    let place: Place
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ place: Place, path: [any CodingKey]) { (self.place, codingPath) = (place, path) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        place.begin(.object([:]))
        return KeyedEncodingContainer(KeyedContainer<Key>(place: place, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        place.begin(.array([]))
        return UnkeyedContainer(place: place, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        ScalarContainer(place: place, codingPath: codingPath)
    }
}

/// Writes one value to its place.
private struct ScalarContainer: SingleValueEncodingContainer {
    let place: Place
    let codingPath: [any CodingKey]

    func encodeNil() { place.content = .scalar(.null) }
    func encode(_ value: Bool) { place.content = .scalar(.bool(value)) }
    func encode(_ value: String) { place.content = .scalar(.string(value)) }
    func encode(_ value: Float) { encode(Double(value)) }

    func encode(_ value: Double) {
        if value.isFinite {
            place.content = .scalar(.number(value))
        } else {
            place.content = .scalar(.string(value.isNaN ? "NaN" : value > 0 ? "Inf" : "-Inf"))
        }
    }

    func encode(_ value: Int) throws { try encode(integer: value) }
    func encode(_ value: Int8) throws { try encode(integer: value) }
    func encode(_ value: Int16) throws { try encode(integer: value) }
    func encode(_ value: Int32) throws { try encode(integer: value) }
    func encode(_ value: Int64) throws { try encode(integer: value) }
    func encode(_ value: UInt) throws { try encode(integer: value) }
    func encode(_ value: UInt8) throws { try encode(integer: value) }
    func encode(_ value: UInt16) throws { try encode(integer: value) }
    func encode(_ value: UInt32) throws { try encode(integer: value) }
    func encode(_ value: UInt64) throws { try encode(integer: value) }

    private func encode(integer: some BinaryInteger) throws {
        guard let value = Int(exactly: integer) else {
            throw EncodingError.invalidValue(
                integer, .init(codingPath: codingPath, debugDescription: "an integer of more than 63 bits"))
        }
        place.content = .scalar(.integer(value))
    }

    func encode(_ value: some Encodable) throws {
        try value.encode(to: TreeEncoder(place, path: codingPath))
    }
}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let place: Place
    let codingPath: [any CodingKey]

    private func member(_ key: any CodingKey) -> ScalarContainer {
        ScalarContainer(place: place.member(key.stringValue), codingPath: codingPath + [key])
    }

    func encodeNil(forKey key: Key) { member(key).encodeNil() }
    func encode(_ value: Bool, forKey key: Key) { member(key).encode(value) }
    func encode(_ value: String, forKey key: Key) { member(key).encode(value) }
    func encode(_ value: Double, forKey key: Key) { member(key).encode(value) }
    func encode(_ value: Float, forKey key: Key) { member(key).encode(value) }
    func encode(_ value: Int, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int8, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int16, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int32, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: Int64, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt8, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt16, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt32, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: UInt64, forKey key: Key) throws { try member(key).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try member(key).encode(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> { encoder(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoder(SuperKey.super) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    private func encoder(_ key: any CodingKey) -> TreeEncoder {
        TreeEncoder(place.member(key.stringValue), path: codingPath + [key])
    }
}

private enum SuperKey: String, CodingKey { case `super` }

private struct UnkeyedContainer: UnkeyedEncodingContainer {
    let place: Place
    let codingPath: [any CodingKey]

    var count: Int { place.count }

    private func element() -> ScalarContainer {
        ScalarContainer(place: place.element(), codingPath: codingPath)
    }

    func encodeNil() { element().encodeNil() }
    func encode(_ value: Bool) { element().encode(value) }
    func encode(_ value: String) { element().encode(value) }
    func encode(_ value: Double) { element().encode(value) }
    func encode(_ value: Float) { element().encode(value) }
    func encode(_ value: Int) throws { try element().encode(value) }
    func encode(_ value: Int8) throws { try element().encode(value) }
    func encode(_ value: Int16) throws { try element().encode(value) }
    func encode(_ value: Int32) throws { try element().encode(value) }
    func encode(_ value: Int64) throws { try element().encode(value) }
    func encode(_ value: UInt) throws { try element().encode(value) }
    func encode(_ value: UInt8) throws { try element().encode(value) }
    func encode(_ value: UInt16) throws { try element().encode(value) }
    func encode(_ value: UInt32) throws { try element().encode(value) }
    func encode(_ value: UInt64) throws { try element().encode(value) }
    func encode(_ value: some Encodable) throws { try element().encode(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        TreeEncoder(place.element(), path: codingPath).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        TreeEncoder(place.element(), path: codingPath).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { TreeEncoder(place.element(), path: codingPath) }
}

import Foundation

/// Numbers people from 0 in the order of their first row; an identifier is its text.
///
/// A table with open addresses over the identifiers' bytes, which lie one after the other in one array. Texts that are equal to
/// Unicode are one identifier, however their letters are composed.
struct PersonIndex {
    /// Half of a hash, and below it the person's number from 1; 0 is free.
    ///
    /// The place is the hash's own, or the next free one.
    private var slots: [UInt64]
    /// Where each person's text ends.
    private var ends: [Int] = []
    private var texts: [UInt8] = []

    /// With room for so many people; more take longer.
    init(peopleCount: Int = 0) {
        let room = max(peopleCount + peopleCount / 2, 1024)
        slots = Array(repeating: 0, count: 1 << (Int.bitWidth - (room - 1).leadingZeroBitCount))
    }

    var count: Int { ends.count }

    mutating func index(of identifier: UnsafeBufferPointer<UInt8>) -> Int32 {
        var high: UInt8 = 0
        for byte in identifier { high |= byte }
        guard high >= 0x80 else { return index(ofComposed: identifier) }
        let text = String(decoding: identifier, as: UTF8.self).precomposedStringWithCanonicalMapping
        return Array(text.utf8).withUnsafeBufferPointer { index(ofComposed: $0) }
    }

    private mutating func index(ofComposed text: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = Self.hash(text)
        var place = Int(hash) & (slots.count - 1)
        while slots[place] != 0 {
            let person = Int(slots[place] & 0xFFFF_FFFF) - 1
            if slots[place] >> 32 == hash && isText(of: person, text) { return Int32(person) }
            place = (place + 1) & (slots.count - 1)
        }
        texts.append(contentsOf: text)
        ends.append(texts.count)
        slots[place] = hash << 32 | UInt64(count)
        if count > slots.count / 4 * 3 { grow() }
        return Int32(count - 1)
    }

    private func isText(of person: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = person == 0 ? 0 : ends[person - 1]
        guard ends[person] - start == text.count else { return false }
        return texts.withUnsafeBufferPointer { texts in
            for place in 0..<text.count where texts[start + place] != text[place] { return false }
            return true
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: 0, count: 2 * old.count)
        for slot in old where slot != 0 {
            var place = Int(slot >> 32) & (slots.count - 1)
            while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
            slots[place] = slot
        }
    }

    /// 32 bits; eight bytes at a time: exclusive or, a multiplication to 128 bits, and its halves folded.
    private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let bytes = UnsafeRawBufferPointer(text)
        var hash = UInt64(bytes.count) ^ 0x9E37_79B9_7F4A_7C15
        var next = 0
        while next < bytes.count {
            var word: UInt64 = 0
            if next + 8 <= bytes.count {
                word = bytes.loadUnaligned(fromByteOffset: next, as: UInt64.self)
            } else {
                for place in next..<bytes.count { word = word << 8 | UInt64(bytes[place]) }
            }
            let product = (hash ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            hash = product.high ^ product.low
            next += 8
        }
        return (hash ^ hash >> 32) & 0xFFFF_FFFF
    }
}

/// People numbered in blocks of rows: a look into a large table waits for memory, and several at once wait together.
private struct BlockwiseNumbers: ~Copyable {
    private static let blockRows = 512
    private var people: PersonIndex
    /// The block's identifiers, one after the other, and where each ends.
    private var texts: [UInt8] = []
    private var ends: [Int] = []

    init(peopleCount: Int) { people = PersonIndex(peopleCount: peopleCount) }

    /// Takes the next row's identifier; true if the block is full.
    mutating func append(_ identifier: UnsafeBufferPointer<UInt8>) -> Bool {
        texts.append(contentsOf: identifier)
        ends.append(texts.count)
        return ends.count == BlockwiseNumbers.blockRows
    }

    /// The people of the block's rows; another block begins.
    mutating func take() -> [Int32] {
        var (start, numbers) = (0, [Int32]())
        numbers.reserveCapacity(ends.count)
        texts.withUnsafeBufferPointer { texts in
            for end in ends {
                numbers.append(people.index(of: UnsafeBufferPointer(rebasing: texts[start..<end])))
                start = end
            }
        }
        texts.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        return numbers
    }
}

/// Whose row each is.
struct GrowingPeople: ~Copyable {
    private var numbers: BlockwiseNumbers
    private var rows: [Int32] = []

    init(rowCount: Int) {
        numbers = BlockwiseNumbers(peopleCount: rowCount)
        rows.reserveCapacity(rowCount)
    }

    mutating func append(_ identifier: UnsafeBufferPointer<UInt8>) {
        if numbers.append(identifier) { rows.append(contentsOf: numbers.take()) }
    }

    /// The person of each row.
    consuming func finish() -> [Int32] {
        rows.append(contentsOf: numbers.take())
        return rows
    }
}

/// How many people there are, and how many of them have several rows.
struct CountedPeople: ~Copyable {
    private var numbers = BlockwiseNumbers(peopleCount: 0)
    private var hasSeveralRows: [Bool] = []

    mutating func append(_ identifier: UnsafeBufferPointer<UInt8>) {
        if numbers.append(identifier) { count() }
    }

    private mutating func count() {
        for person in numbers.take() {
            if Int(person) < hasSeveralRows.count {
                hasSeveralRows[Int(person)] = true
            } else {
                hasSeveralRows.append(false)
            }
        }
    }

    /// Call it once, at the end.
    mutating func finish() -> (all: Int, withSeveralRows: Int) {
        count()
        return (hasSeveralRows.count, hasSeveralRows.count { $0 })
    }
}

/// A stretch of a column as bytes, each value in as few of them as the stretch allows.
///
/// A byte for the width of a value (1, 2, 4 or 8), a byte for its decimals, then the values, little-endian. Narrow ones are signed
/// integers k that stand for k/10^decimals, the least integer for a missing value; those of 8 bytes are Doubles, NaN if missing.
/// Numbers as clinics write them need 1 or 2 bytes. Decoding gives every value back bit for bit: an encoding that would not is not
/// chosen.
enum PreparedPart {
    /// Rows of each part but the last; its bytes fit the caches of a core.
    static let rowCount = 1 << 14

    private static let headerBytes = 2
    /// 10⁰ … 10⁶, as `DecimalNumber` divides by them.
    private static let powers: [Double] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6]

    static func encode(_ values: UnsafeBufferPointer<Double>) -> [UInt8] {
        for (decimals, power) in powers.enumerated() {
            guard let steps = range(of: values, power: power) else { continue }
            func isWithin<Step: FixedWidthInteger>(_: Step.Type) -> Bool {
                steps.lowerBound > Double(Step.min) && steps.upperBound <= Double(Step.max)
            }
            if isWithin(Int8.self) { return encode(values, as: Int8.self, decimals, power) }
            if isWithin(Int16.self) { return encode(values, as: Int16.self, decimals, power) }
            if isWithin(Int32.self) { return encode(values, as: Int32.self, decimals, power) }
            break
        }
        return [8, 0] + values.flatMap { value in (0..<8).map { UInt8(value.bitPattern >> (8 * $0) & 0xFF) } }
    }

    /// Fills the target with the values of a number or yes/no variable; false if the bytes are not a part of so many rows.
    static func decode(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Double>)
        -> Bool
    {
        guard let (width, power) = header(bytes, rowCount: target.count) else { return false }
        let body = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
        switch width {
        case 1: decode(body, Int8.self, power, into: target)
        case 2: decode(body, Int16.self, power, into: target)
        case 4: decode(body, Int32.self, power, into: target)
        default:
            for row in 0..<target.count {
                let bits = body.loadUnaligned(fromByteOffset: 8 * row, as: UInt64.self)
                target[row] = Double(bitPattern: UInt64(littleEndian: bits))
            }
        }
        return true
    }

    /// Fills the target with indices, -1 if missing; false if the bytes are not a part of so many indices.
    static func decode(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Int32>)
        -> Bool
    {
        guard let (width, power) = header(bytes, rowCount: target.count), power == 1 else { return false }
        let body = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
        switch width {
        case 1: decode(body, Int8.self, into: target)
        case 2: decode(body, Int16.self, into: target)
        case 4: decode(body, Int32.self, into: target)
        default: return false
        }
        return true
    }

    private static func header(_ bytes: UnsafeRawBufferPointer, rowCount: Int) -> (width: Int, power: Double)?
    {
        guard bytes.count >= headerBytes, [1, 2, 4, 8].contains(bytes[0]), bytes[1] < powers.count else {
            return nil
        }
        let width = Int(bytes[0])
        return bytes.count == headerBytes + width * rowCount ? (width, powers[Int(bytes[1])]) : nil
    }

    /// The least and greatest number of steps of 1/power, if every value is a whole number of them.
    private static func range(of values: UnsafeBufferPointer<Double>, power: Double) -> ClosedRange<Double>? {
        var (least, greatest) = (0.0, 0.0)
        for value in values where !value.isNaN {
            let steps = nearest(value * power)
            guard (steps / power).bitPattern == value.bitPattern else { return nil }
            least = min(least, steps)
            greatest = max(greatest, steps)
        }
        return least...greatest
    }

    /// The nearest whole number of one below 2⁵¹; any other number comes back as one that is not it, or is too large for a step.
    @inline(__always)
    private static func nearest(_ value: Double) -> Double { (value + 0x1.8p52) - 0x1.8p52 }

    @inline(__always)
    private static func encode<Step: FixedWidthInteger & SignedInteger>(
        _ values: UnsafeBufferPointer<Double>, as step: Step.Type, _ decimals: Int, _ power: Double
    ) -> [UInt8] {
        let width = Step.bitWidth / 8
        let count = headerBytes + values.count * width
        return Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            (bytes[0], bytes[1]) = (UInt8(width), UInt8(decimals))
            for row in 0..<values.count {
                let steps =
                    values[row].isNaN
                    ? Step.min : Step(truncatingIfNeeded: Int32(nearest(values[row] * power)))
                bytes.storeBytes(
                    of: steps.littleEndian, toByteOffset: headerBytes + row * width, as: Step.self)
            }
            initialized = count
        }
    }

    @inline(__always)
    private static func decode<Step: FixedWidthInteger & SignedInteger>(
        _ body: UnsafeRawBufferPointer, _: Step.Type, _ power: Double,
        into target: UnsafeMutableBufferPointer<Double>
    ) {
        @inline(__always)
        func fill(_ value: (Double) -> Double) {
            for row in 0..<target.count {
                let offset = row * (Step.bitWidth / 8)
                let step = body.loadUnaligned(fromByteOffset: offset, as: Step.self).littleEndian
                target[row] = step == Step.min ? .nan : value(Double(step))
            }
        }
        if power == 1 { fill { $0 } } else { fill { $0 / power } }
    }

    @inline(__always)
    private static func decode<Step: FixedWidthInteger & SignedInteger>(
        _ body: UnsafeRawBufferPointer, _: Step.Type, into target: UnsafeMutableBufferPointer<Int32>
    ) {
        for row in 0..<target.count {
            let step = body.loadUnaligned(fromByteOffset: row * (Step.bitWidth / 8), as: Step.self)
                .littleEndian
            target[row] = step == Step.min ? -1 : Int32(truncatingIfNeeded: step)
        }
    }
}

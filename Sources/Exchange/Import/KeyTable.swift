/// Remembers which keys a file has had and in which row, in 16 bytes a key at a load of at most three quarters.
///
/// It keeps 96 bits of a hash that is seeded anew in each process, and 32 bits of row. Among 100 million keys the
/// chance that two different ones are taken for the same is below 10^-13.
struct KeyTable {
    private var hashes: [UInt64]
    /// The upper half is hash too, the lower half the row; 0 marks a free place, as rows start at 1.
    private var rows: [UInt64]
    private var used = 0
    private var mask: Int

    static let rowMax = Int(UInt32.max)
    private static let firstCapacity = 1_024

    init() {
        hashes = Array(repeating: 0, count: Self.firstCapacity)
        rows = Array(repeating: 0, count: Self.firstCapacity)
        mask = Self.firstCapacity - 1
    }

    /// Notes that `key` stands in `row`; returns the earlier row when it was there before.
    mutating func insert(_ key: String, row: Int) -> Int? {
        let (first, second) = Self.hash(key)
        let entry = second << 32 | UInt64(UInt32(truncatingIfNeeded: row))
        var place = Int(truncatingIfNeeded: first) & mask
        while rows[place] != 0 {
            if hashes[place] == first, rows[place] >> 32 == entry >> 32 { return Int(rows[place] & 0xFFFF_FFFF) }
            place = (place + 1) & mask
        }
        hashes[place] = first
        rows[place] = entry
        used += 1
        if used * 4 > rows.count * 3 { grow() }
        return nil
    }

    private mutating func grow() {
        let oldHashes = hashes
        let oldRows = rows
        let capacity = oldRows.count * 2
        hashes = Array(repeating: 0, count: capacity)
        rows = Array(repeating: 0, count: capacity)
        mask = capacity - 1
        for index in oldRows.indices where oldRows[index] != 0 {
            var place = Int(truncatingIfNeeded: oldHashes[index]) & mask
            while rows[place] != 0 { place = (place + 1) & mask }
            hashes[place] = oldHashes[index]
            rows[place] = oldRows[index]
        }
    }

    /// Two SipHash values of the key's bytes under two prefixes; String's own hash would take é and e´ for the same.
    private static func hash(_ key: String) -> (UInt64, UInt64) {
        var key = key
        return key.withUTF8 { bytes in
            var first = Hasher()
            first.combine(UInt8(1))
            first.combine(bytes: UnsafeRawBufferPointer(bytes))
            var second = Hasher()
            second.combine(UInt8(2))
            second.combine(bytes: UnsafeRawBufferPointer(bytes))
            return (
                UInt64(truncatingIfNeeded: first.finalize()), UInt64(truncatingIfNeeded: second.finalize())
            )
        }
    }
}

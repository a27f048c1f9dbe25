extension Moment {
    /// Reads an instant as files write it (RFC 3339): "2026-03-30T09:55:00+02:00", "2026-03-30T07:55:00.5Z". Nil for
    /// anything else, a time without an offset among it: it would mean another instant in each zone.
    public init?(rfc3339 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "),
            let day = LocalDay(String(decoding: bytes[0..<10], as: UTF8.self)),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let hour = Self.number(bytes[11..<13], below: 24), let minute = Self.number(bytes[14..<16], below: 60),
            let second = Self.number(bytes[17..<19], below: 60)
        else { return nil }
        var rest = bytes[19...]
        var micros = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (48...57).contains($0) }
            guard (1...6).contains(digits.count) else { return nil }
            for digit in digits { micros = micros * 10 + Int(digit - 48) }
            for _ in digits.count..<6 { micros *= 10 }
            rest = rest.dropFirst(1 + digits.count)
        }
        let offset: Int
        switch rest.first {
        case UInt8(ascii: "Z") where rest.count == 1: offset = 0
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            let place = Array(rest)
            guard place.count == 6, place[3] == UInt8(ascii: ":"), let hours = Self.number(place[1..<3], below: 24),
                let minutes = Self.number(place[4..<6], below: 60)
            else { return nil }
            offset = (place[0] == UInt8(ascii: "+") ? 1 : -1) * (hours * 3_600 + minutes * 60)
        default: return nil
        }
        let seconds = Int64(day.rawValue) * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset)
        self.init(microseconds: seconds * 1_000_000 + Int64(micros))
    }

    private static func number(_ digits: ArraySlice<UInt8>, below limit: Int) -> Int? {
        guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        return number < limit ? number : nil
    }

    /// As the wall clock of the zone shows it, to the second, with its offset: "2026-03-30T09:55:00+02:00".
    public func text(in zone: Zone) -> String {
        let offset = zone.offsetSeconds(at: self)
        let local = seconds + Int64(offset)
        let day = Int32(clamping: Int((Double(local) / 86_400).rounded(.down)))
        let second = Int(local - Int64(day) * 86_400)
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        let clock = "\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60))"
        let size = abs(offset)
        let place = "\(offset < 0 ? "-" : "+")\(two(size / 3_600)):\(two(size / 60 % 60))"
        return "\(LocalDay(day))T\(clock)\(place)"
    }
}

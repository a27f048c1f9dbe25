extension ISOWeek {
    /// Reads "2026-W10"; nil for anything else, and for a week that the year does not have.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 8, bytes[4] == UInt8(ascii: "-"), bytes[5] == UInt8(ascii: "W"),
            let year = Int(text.prefix(4)), let week = Int(text.suffix(2)), year >= 1, week >= 1
        else { return nil }
        self.init(year: year, week: week)
        guard monday.isoWeek == self else { return nil }
    }

    /// Its first date. The fourth of January lies in the first week (ISO 8601).
    public var monday: LocalDay {
        let first = LocalDay(year: year, month: 1, day: 4) ?? LocalDay(0)
        return first.weekStart.advanced(by: (week - 1) * 7)
    }
}

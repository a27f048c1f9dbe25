/// A local date of the proleptic Gregorian calendar, without a zone: whole days since 1970-01-01.
public struct LocalDay: RawRepresentable, Hashable, Sendable, Comparable, Codable {
    /// Days since 1970-01-01, as PostgreSQL's `date` counts when shifted from 2000; negative before.
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }
    public init(_ rawValue: Int32) { self.rawValue = rawValue }

    /// The date of these numbers; nil when the calendar has no such date or the year is outside 1...9999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9_999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        let number = Self.number(year: year, month: month, day: day)
        let candidate = LocalDay(Int32(number))
        guard candidate.civil == (year, month, day) else { return nil }
        self = candidate
    }

    public static func < (left: LocalDay, right: LocalDay) -> Bool { left.rawValue < right.rawValue }

    /// The date this many days later, or earlier when negative; held at the ends of what Int32 can say.
    public func advanced(by days: Int) -> LocalDay {
        let (sum, overflow) = Int(rawValue).addingReportingOverflow(days)
        if overflow { return LocalDay(days < 0 ? .min : .max) }
        return LocalDay(Int32(clamping: sum))
    }

    /// Days from the other date to this one.
    public func days(since other: LocalDay) -> Int { Int(rawValue) - Int(other.rawValue) }

    /// Monday is 1 and Sunday 7 (ISO 8601).
    public var weekday: Int {
        // 1970-01-01 was a Thursday.
        let shifted = (Int(rawValue) + 3) % 7
        return (shifted < 0 ? shifted + 7 : shifted) + 1
    }

    /// The ISO week the date lies in: the one that holds that week's Thursday (ISO 8601).
    public var isoWeek: ISOWeek {
        let thursday = advanced(by: 4 - weekday)
        let year = thursday.civil.year
        let newYear = Self.number(year: year, month: 1, day: 1)
        return ISOWeek(year: year, week: (Int(thursday.rawValue) - newYear) / 7 + 1)
    }

    /// Monday of the ISO week that the date lies in.
    public var weekStart: LocalDay { advanced(by: 1 - weekday) }

    /// Year, month 1...12 and day 1...31.
    public var civil: (year: Int, month: Int, day: Int) {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let shifted = Int(rawValue) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func number(year: Int, month: Int, day: Int) -> Int {
        // The same paper, days_from_civil.
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension LocalDay: CustomStringConvertible {
    /// Reads "2026-03-30"; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "-") }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// As in files and on screens: "2026-03-30".
    public var description: String {
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let (year, month, day) = civil
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
    }
}

/// A week of ISO 8601: Monday to Sunday, numbered in the year that holds its Thursday.
public struct ISOWeek: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    /// The year of its Thursday.
    public let year: Int
    /// 1...53.
    public let week: Int

    public init(year: Int, week: Int) {
        self.year = year
        self.week = week
    }

    public static func < (left: ISOWeek, right: ISOWeek) -> Bool {
        (left.year, left.week) < (right.year, right.week)
    }

    public var description: String { "\(year)-W" + (week < 10 ? "0" : "") + "\(week)" }
}

import Foundation
import Synchronization

/// A time zone of the IANA database, made for asking again and again which local date it is.
///
/// Local dates here are contiguous: a date starts at the first instant whose wall clock shows it or a later one, and
/// ends where the next starts. So a date has 23 or 25 hours where clocks change, starts at 01:00 where midnight is
/// skipped, is empty where a zone skipped it whole (Apia, 2011-12-30), and an hour that is repeated after midnight
/// counts to the new date. Instants outside the years 1 to 9999 are held at those ends.
public final class Zone: Sendable {
    /// The identifier under which it was asked for, as "Europe/Berlin".
    public let name: String

    /// How long after a person's change of zone the one before counts beside the new one.
    public static let formerKept = Duration.hours(24 * 8)

    private let rules: TimeZone
    private let known: Mutex<Known>

    /// One local date as a stretch of time, in microseconds.
    private struct Day {
        var number: Int32
        var start: Int64
        var end: Int64
    }

    /// A stretch of seconds in which one offset holds; it may hold longer.
    private struct Even {
        var start: Int64
        var end: Int64
        var offset: Int
    }

    /// Answers that are asked for again and again: the rules themselves cost microseconds.
    private struct Known {
        var day = Day(number: 0, start: 0, end: 0)
        var even = Even(start: 0, end: 0, offset: 0)
        /// First seconds of dates.
        var starts: [Int32: Int64] = [:]
    }

    /// Dates whose start is remembered; beyond it all are forgotten. A week back and ahead for some zone changes.
    private static let startsMax = 64

    /// The zone of this identifier, made once per process. About 50 ns when it is known.
    ///
    /// Throws `ModelError` with `unknownZone` for a name that is not in the IANA database, abbreviations such as
    /// "CET" included where they are no identifiers of it.
    public static func named(_ name: String) throws(ModelError) -> Zone {
        if let known = book.withLock({ $0[name] }) { return known }
        guard isIdentifier(name), let rules = TimeZone(identifier: name) else {
            throw ModelError(.unknownZone, "no time zone is named “\(name)”; write one such as Europe/Berlin")
        }
        let made = Zone(name: name, rules: rules)
        return book.withLock { book in
            if let known = book[name] { return known }
            book[name] = made
            return made
        }
    }

    /// Only names of the table get in, so the book cannot outgrow it.
    private static let book = Mutex<[String: Zone]>([:])
    private static let identifiers: Set<String> = Set(TimeZone.knownTimeZoneIdentifiers).union([
        "UTC", "Etc/UTC", "GMT",
    ])
    private static let areas: Set<Substring> = [
        "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
    ]

    /// Foundation takes abbreviations and offsets too ("PST", "GMT+7"), and a policy must not depend on those; on the
    /// other hand its list has of two names of one place only the older (Asia/Calcutta, and not Asia/Kolkata).
    private static func isIdentifier(_ name: String) -> Bool {
        if identifiers.contains(name) { return true }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count > 1 && areas.contains(parts[0])
            && name.utf8.allSatisfy {
                (65...90).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "/")
                    || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
    }

    private init(name: String, rules: TimeZone) {
        self.name = name
        self.rules = rules
        known = Mutex(Known())
    }

    /// The local date at an instant. A few ns while asked about one date, some µs when the date changes.
    public func day(at moment: Moment) -> LocalDay { LocalDay(stretch(at: moment).number) }

    /// The local date at an instant with its first instant and the first of the next, for one look-up instead of three.
    public func bounds(at moment: Moment) -> (day: LocalDay, start: Moment, end: Moment) {
        let day = stretch(at: moment)
        return (LocalDay(day.number), Moment(microseconds: day.start), Moment(microseconds: day.end))
    }

    /// The first instant of a local date.
    public func start(of day: LocalDay) -> Moment { Moment(microseconds: Self.micro * startSecond(of: day.rawValue)) }

    /// The first instant after a local date; equal to its start for a date that the zone skipped.
    public func end(of day: LocalDay) -> Moment { start(of: day.advanced(by: 1)) }

    /// The first instant of the ISO week that an instant lies in, and the first of the next.
    public func weekBounds(at moment: Moment) -> (week: ISOWeek, start: Moment, end: Moment) {
        let day = day(at: moment)
        let monday = day.weekStart
        return (day.isoWeek, start(of: monday), start(of: monday.advanced(by: 7)))
    }

    /// The first instant from `moment` on at which the wall clock shows a time in `start..<end` (minutes of the day;
    /// `end` before `start` reaches over midnight). Wherever clocks change, what the wall clock shows decides: an hour
    /// that comes twice counts twice, one that is skipped does not come.
    public func first(from moment: Moment, within hours: QuietHours) -> Moment {
        var second = Self.second(of: moment)
        // Wall clocks show every time of the day within two days, whatever they skip.
        for _ in 0..<Self.evenMax {
            let even = even(at: second)
            let shown = Self.remainder(second + Int64(even.offset), by: Self.daySeconds)
            if hours.contains(minute: Int(shown / 60)) {
                return max(moment, Moment(microseconds: second * Self.micro))
            }
            let next = second + Self.remainder(Int64(hours.start) * 60 - shown, by: Self.daySeconds)
            if next < even.end { return Moment(microseconds: next * Self.micro) }
            second = even.end
        }
        return .distantFuture
    }

    private func even(at second: Int64) -> Even {
        let latest = known.withLock { $0.even }
        if latest.start <= second, second < latest.end { return latest }
        let offset = offset(at: second)
        let found = Even(
            start: second, end: change(after: second, until: second + Self.evenLength, offset: offset),
            offset: offset)
        known.withLock { $0.even = found }
        return found
    }

    /// Seconds east of Greenwich at an instant, for writing local times.
    public func offsetSeconds(at moment: Moment) -> Int { offset(at: Self.second(of: moment)) }

    private func stretch(at moment: Moment) -> Day {
        let latest = known.withLock { $0.day }
        let asked = moment.microseconds
        if latest.start <= asked, asked < latest.end { return latest }
        let second = Self.second(of: moment)
        var number = Int32(clamping: Self.floor(second + Int64(offset(at: second)), by: Self.daySeconds))
        var start = startSecond(of: number)
        var end = startSecond(of: number + 1)
        // Where clocks went back over midnight the wall clock shows the old date again, which by then is over.
        while second >= end {
            number += 1
            start = end
            end = startSecond(of: number + 1)
        }
        let day = Day(number: number, start: start * Self.micro, end: end * Self.micro)
        known.withLock { $0.day = day }
        return day
    }

    /// The first second at which the wall clock shows local midnight of the date or later.
    private func startSecond(of number: Int32) -> Int64 {
        if let start = known.withLock({ $0.starts[number] }) { return start }
        let start = findStart(of: number)
        known.withLock { known in
            if known.starts.count >= Self.startsMax { known.starts.removeAll(keepingCapacity: true) }
            known.starts[number] = start
        }
        return start
    }

    private func findStart(of number: Int32) -> Int64 {
        // A little further than instants are held, so that the first and the last of them still lie inside a date.
        let margin = 3 * Self.daySeconds
        let midnight = min(max(Int64(number) * Self.daySeconds, Self.firstSecond - margin), Self.lastSecond + margin)
        var segment = midnight - Self.reach
        let end = midnight + Self.reach
        while true {
            // From `segment` on this offset holds until `next`, so the wall clock runs evenly in between.
            let offset = offset(at: segment)
            let next = change(after: segment, until: end, offset: offset)
            let candidate = max(segment, midnight - Int64(offset))
            if candidate < next || next >= end { return candidate }
            segment = next
        }
    }

    /// The first second in `(begin, end]` at which another offset than `offset` holds; `end` when there is none.
    private func change(after begin: Int64, until end: Int64, offset: Int) -> Int64 {
        var low = begin
        var high = begin
        while high < end {
            high = min(end, high + Self.step)
            if self.offset(at: high) != offset {
                while high - low > 1 {
                    let middle = low + (high - low) / 2
                    if self.offset(at: middle) == offset { low = middle } else { high = middle }
                }
                return high
            }
            low = high
        }
        return end
    }

    private func offset(at second: Int64) -> Int {
        rules.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(second)))
    }

    private static func second(of moment: Moment) -> Int64 {
        min(max(floor(moment.microseconds, by: micro), firstSecond), lastSecond)
    }

    private static func floor(_ value: Int64, by divisor: Int64) -> Int64 {
        value / divisor - (value % divisor < 0 ? 1 : 0)
    }

    private static func remainder(_ value: Int64, by divisor: Int64) -> Int64 {
        value - floor(value, by: divisor) * divisor
    }

    /// How far ahead one offset is looked for, and how many such stretches a search goes through.
    private static let evenLength: Int64 = 48 * 3_600
    private static let evenMax = 8
    private static let micro: Int64 = 1_000_000
    private static let daySeconds: Int64 = 86_400
    /// No zone was ever further from Greenwich than 15 h 13 min (Manila until 1844).
    private static let reach: Int64 = 16 * 3_600
    /// Offsets are compared at this distance; no zone changed there and back within it.
    private static let step: Int64 = 8 * 3_600
    /// 0001-01-01 and 9999-12-31 in seconds.
    private static let firstSecond: Int64 = -62_135_596_800
    private static let lastSecond: Int64 = 253_402_300_799
}

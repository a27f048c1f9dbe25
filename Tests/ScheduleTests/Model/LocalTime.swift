import Foundation

/// Microseconds since 1970-01-01T00:00:00Z; the model's own numbers, so that nothing of what it checks computes for it.
typealias Micros = Int64

extension Micros {
    static let second: Micros = 1_000_000
    static let minute = 60 * second
    static let hour = 60 * minute
    static let never = Micros.max
}

/// Local dates of one zone, by the offsets that Foundation gives and by search for where a date begins: slow and plain.
final class LocalTime {
    private let zone: TimeZone
    private var beginnings: [Int: Micros] = [:]

    init(_ name: String) {
        guard let zone = TimeZone(identifier: name) else { fatalError("no zone \(name)") }
        self.zone = zone
    }

    /// What the wall clock shows, in seconds since 1970-01-01T00:00 of that wall.
    func wall(_ at: Micros) -> Int {
        let seconds = Int(floorDivide(at, .second))
        return seconds + zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds)))
    }

    /// The local date's number: days since 1970-01-01.
    func day(_ at: Micros) -> Int { Int(floorDivide(Int64(wall(at)), 86_400)) }

    /// The first instant of a local date.
    func start(ofDay day: Int) -> Micros {
        if let known = beginnings[day] { return known }
        var low = Int64(day) * 86_400 - 16 * 3_600
        var high = Int64(day) * 86_400 + 16 * 3_600
        while high - low > 1 {
            let middle = (low + high) / 2
            if self.day(middle * .second) >= day { high = middle } else { low = middle }
        }
        beginnings[day] = high * .second
        return high * .second
    }

    /// The Monday of a date's ISO week. 1970-01-01 was a Thursday.
    func monday(ofDay day: Int) -> Int { day - Int(floorModulo(Int64(day) + 3, 7)) }

    /// Whether the wall clock is within `from` ..< `to`, minutes after midnight, `to` before `from` the next morning.
    func isQuiet(_ at: Micros, from: Int, to: Int) -> Bool {
        let minute = Int(floorModulo(Int64(wall(at)), 86_400)) / 60
        return from < to ? minute >= from && minute < to : minute >= from || minute < to
    }

    /// The first instant from `at` on, within two days, at which quiet hours hold.
    func nextQuiet(_ at: Micros, from: Int, to: Int) -> Micros {
        if isQuiet(at, from: from, to: to) { return at }
        // The wall clock may jump: minute by minute is slow and cannot be wrong.
        var next = floorDivide(at, .minute) * .minute + .minute
        while next < at + 48 * .hour {
            if isQuiet(next, from: from, to: to) { return next }
            next += .minute
        }
        return .never
    }
}

private func floorDivide(_ value: Int64, _ by: Int64) -> Int64 { (value - floorModulo(value, by)) / by }

private func floorModulo(_ value: Int64, _ by: Int64) -> Int64 {
    let rest = value % by
    return rest < 0 ? rest + by : rest
}

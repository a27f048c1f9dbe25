/// Instants as a person writes them: with an offset (RFC 3339), or as the wall clock of their zone shows them.
public enum LocalTime {
    /// Reads "2026-11-26T14:00:00+01:00", or "2026-11-26 14:00" and "2026-11-26 14:00:30" in the zone.
    ///
    /// Throws `ModelError` with `badTime` for anything else, for a time that the zone's clocks skipped, and for one
    /// that they showed twice, with both readings: nobody guesses which was meant.
    public static func moment(_ text: String, in zone: Zone) throws(ModelError) -> Moment {
        if let moment = Moment(rfc3339: text) { return moment }
        guard let local = localSecond(text) else {
            throw ModelError(
                .badTime,
                "“\(text)” is no time; write 2026-11-26T14:00:00+01:00, or \"2026-11-26 14:00\" in your own zone")
        }
        let readings = readings(of: local, in: zone)
        switch readings.count {
        case 1: return readings[0]
        case 0:
            throw ModelError(
                .badTime, "the clocks of \(zone.name) skipped \(text); write the time with its offset, or another one")
        default:
            let both = readings.map { $0.text(in: zone) }.joined(separator: " or ")
            throw ModelError(.badTime, "the clocks of \(zone.name) showed \(text) twice; write \(both)")
        }
    }

    /// Every instant at which the zone's wall clock shows this second, earliest first.
    private static func readings(of local: Int64, in zone: Zone) -> [Moment] {
        // No offset is further than a day from Greenwich, and no zone changed its clocks twice within two days.
        let offsets = Set([-day, 0, day].map { zone.offsetSeconds(at: Moment(seconds: local + $0)) })
        return offsets.map { Moment(seconds: local - Int64($0)) }
            .filter { Int64(zone.offsetSeconds(at: $0)) + $0.seconds == local }.sorted()
    }

    /// Seconds of the wall clock since 1970-01-01 00:00 on it; nil for what is no local time.
    private static func localSecond(_ text: String) -> Int64? {
        guard text.utf8.count == 16 || text.utf8.count == 19 else { return nil }
        // As UTC, a local time is that many seconds after the same date's midnight.
        let seconds = text.utf8.count == 16 ? ":00" : ""
        return Moment(rfc3339: text + seconds + "Z")?.seconds
    }

    private static let day: Int64 = 86_400
}

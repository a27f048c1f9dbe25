import PlimsollModel

/// The deployment's clock as a person's wall shows it. Durations from a coordinator count from its `now`, so that the
/// clock of the person's machine does not matter.
struct WallClock: Sendable {
    let now: Moment
    /// nil: this machine does not know the zone, or there is none of that name; then nothing is said in local time.
    private let zone: Zone?

    init(atMicroseconds: Int64, zone: String) {
        now = Moment(microseconds: atMicroseconds)
        self.zone = try? Zone.named(zone)
    }

    private init(now: Moment, zone: Zone?) {
        self.now = now
        self.zone = zone
    }

    /// As it was asked for; nil where it is not known.
    var zoneName: String? { zone?.name }

    /// The same clock so much later.
    func later(by duration: Duration) -> WallClock { WallClock(now: now + duration, zone: zone) }

    /// "2026-03-30 14:00", in UTC where the zone is not known.
    func stamp(_ moment: Moment) -> String {
        guard let zone else { return String(moment.rfc3339.prefix(16)).replacing("T", with: " ") + " UTC" }
        return String(moment.text(in: zone).prefix(16)).replacing("T", with: " ")
    }

    /// "14:00", with the date in front where that is another day; nil where the zone is not known.
    func time(in seconds: UInt64) -> String? {
        guard let zone else { return nil }
        let moment = now + .seconds(Int64(clamping: seconds))
        let text = stamp(moment)
        return zone.day(at: moment) == zone.day(at: now) ? String(text.suffix(5)) : text
    }

    /// "3h 12m (14:00)".
    func wait(_ seconds: UInt64) -> String {
        let day: UInt64 = 86_400
        let wait =
            seconds < 2 * day ? DurationText.readable(.seconds(Int64(clamping: seconds))) : "\(seconds / day) days"
        return time(in: seconds).map { "\(wait) (\($0))" } ?? wait
    }
}

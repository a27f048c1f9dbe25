extension PolicyDocument {
    /// Why nobody at all could be leased anything under this document, in words for a question; nil: somebody could.
    ///
    /// Limits and estimates are whole seconds, so every limit above zero has room for the shortest estimate: of limits
    /// on work only zero stops everyone.
    public var stopsEveryone: String? {
        let zero: [(String, Bool)] = [
            ("open-leases", limits.openLeases == 0), ("day-time", limits.dayTime == .zero),
            ("week-time", limits.weekTime == .zero), ("day-tasks", limits.dayTasks == 0),
            ("kind-day", limits.kindDay == .zero), ("kind-week", limits.kindWeek == .zero),
        ]
        if let key = zero.first(where: \.1)?.0 { return "\(key) is 0" }
        if let rest = limits.dailyRest, rest >= .hours(24) {
            return "daily-rest is \(DurationText.format(rest)), which leaves no time of a day"
        }
        // A stretch cannot say all day, only all but its last minute.
        if let quiet = limits.quietHours, quiet.length >= QuietHours.minutesADay - 1 {
            return "quiet-hours \(quiet) leave no time of a day"
        }
        return nil
    }
}

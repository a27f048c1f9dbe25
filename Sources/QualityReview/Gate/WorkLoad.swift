import PlimsollModel

/// What a person has on them at one instant, as the rules about time see it: leased time that is over, and of open
/// leases the time up to now. Worked out once for each decision, by walking back from now as far as a rule looks.
struct WorkLoad {
    let now: Moment
    /// Leased time that is over, open leases past their deadline included.
    let history: WorkHistory
    /// Since when, without a gap, leases that are open now have been; nil: none is.
    let openSince: Moment?
    /// When leased time last ended: now while a lease is open; nil: none is known.
    let lastEnd: Moment?
    private let open: [OpenLease]

    init(of person: PersonFacts, at now: Moment) {
        self.now = now
        var history = person.worked
        var since: Moment?
        for lease in person.openLeases {
            // Beyond its deadline a lease is no leased time, though nobody has ended it yet.
            if lease.deadline > now {
                since = min(since ?? lease.granted, lease.granted)
            } else {
                history.add(
                    WorkInterval(start: lease.granted, end: lease.deadline), kind: lease.kind, severity: lease.severity)
            }
        }
        // The clock does not go back for a person (P8), so nothing lies ahead of now.
        openSince = since.map { min($0, now) }
        lastEnd = openSince == nil ? history.intervals.all.last?.end : now
        self.history = history
        open = person.openLeases
    }

    /// Leased time since the last gap of `gap` or more, shorter gaps left out; zero when nothing was leased for `gap`.
    func run(withoutGap gap: Duration) -> Duration {
        var total: Int64 = 0
        walk(history.intervals, openSince) { interval, gapAfter in
            guard gapAfter < gap.microseconds else { return false }
            total += interval.end.microseconds - interval.start.microseconds
            return true
        }
        return .microseconds(total)
    }

    /// The start of the first leased time since the last gap of `gap` or more; nil when nothing was leased for `gap`.
    func start(afterGap gap: Duration) -> Moment? {
        var start: Moment?
        walk(history.intervals, openSince) { interval, gapAfter in
            guard gapAfter < gap.microseconds else { return false }
            start = interval.start
            return true
        }
        return start
    }

    /// On how many local dates time was leased since the last gap of `gap` or more, and whether on today's.
    func dates(afterGap gap: Duration, in zone: Zone) -> (count: Int, includesToday: Bool) {
        let today = zone.bounds(at: now)
        var count = 0
        var counted: Int?
        var includesToday = false
        var day = Int(today.day.rawValue)
        var start = today.start
        func back(to moment: Moment) -> Int {
            while moment < start {
                day -= 1
                start = zone.start(of: LocalDay(Int32(clamping: day)))
            }
            return day
        }
        walk(history.intervals, openSince) { interval, gapAfter in
            guard gapAfter < gap.microseconds else { return false }
            // An open lease that began this instant has no length, and its date is worked on all the same.
            let last = back(to: max(interval.start, Moment(microseconds: interval.end.microseconds - 1)))
            includesToday = includesToday || last == Int(today.day.rawValue)
            let top = counted.map { min(last, $0 - 1) } ?? last
            let first = back(to: interval.start)
            if top >= first { count += top - first + 1 }
            counted = first
            return true
        }
        return (count, includesToday)
    }

    /// Leased time since `moment`: of everything, of one kind, or of one severity.
    func leased(since moment: Moment) -> Duration { leased(history.intervals, openSince, since: moment) }

    func leased(kind: String, since moment: Moment) -> Duration {
        leased(history.kinds[kind] ?? WorkIntervals(), openSince { $0.kind == kind }, since: moment)
    }

    func leased(severity: Int, since moment: Moment) -> Duration {
        leased(history.severities[severity] ?? WorkIntervals(), openSince { $0.severity == severity }, since: moment)
    }

    /// Leased time from the first of `days` on and before `end`, by totals where intervals are gone.
    func leased(from day: LocalDay, in zone: Zone) -> Duration {
        var total = leased(since: zone.start(of: day))
        for past in history.totals.reversed() {
            if past.day < day { break }
            total += past.worked
        }
        return total
    }

    private func openSince(_ isMeant: (OpenLease) -> Bool) -> Moment? {
        guard openSince != nil else { return nil }
        var since: Moment?
        for lease in open where lease.deadline > now && isMeant(lease) {
            since = min(since ?? lease.granted, lease.granted)
        }
        return since.map { min($0, now) }
    }

    private func leased(_ intervals: WorkIntervals, _ openSince: Moment?, since moment: Moment) -> Duration {
        var total: Int64 = 0
        walk(intervals, openSince) { interval, _ in
            guard interval.end > moment else { return false }
            total += interval.end.microseconds - max(interval.start, moment).microseconds
            return interval.start > moment
        }
        return .microseconds(total)
    }

    /// From the latest to the earliest, each with the gap after it in microseconds, while `visit` says so.
    @inline(__always)
    private func walk(_ intervals: WorkIntervals, _ openSince: Moment?, _ visit: (WorkInterval, Int64) -> Bool) {
        var later = now
        if let openSince {
            guard visit(WorkInterval(start: openSince, end: now), 0) else { return }
            later = openSince
        }
        for interval in intervals.all.reversed() where interval.start < later {
            // What lies under an open lease counts with it.
            let end = min(interval.end, later)
            guard visit(WorkInterval(start: interval.start, end: end), later.microseconds - end.microseconds) else {
                return
            }
            later = interval.start
        }
    }
}

public import PlimsollModel

/// What a person did, by local date: for that person's own eyes.
public struct OwnThroughput: Sendable, Hashable {
    public struct Project: Sendable, Hashable {
        public let name: String
        public let labels: Int
        /// Nil: of that date it is not kept by project any more, or it would be the time of one task (P10).
        public let leased: Duration?
    }

    public struct Day: Sendable, Hashable {
        public let day: LocalDay
        public let labels: Int
        public let leased: Duration
        /// By name.
        public let projects: [Project]
    }

    public let today: LocalDay
    /// The first date that was asked for.
    public let since: LocalDay
    /// The first date for which leased time is told by project.
    public let projectsSince: LocalDay
    /// Newest first; dates with nothing on them are left out.
    public let days: [Day]
}

/// Labels of one date in one project.
public struct LabelCount: Sendable, Hashable {
    public let day: LocalDay
    public let project: String
    public let labels: Int
}

extension OwnThroughput {
    /// What was read: `leases` are the stretches in which leases were open, `worked` what counts as leased time.
    struct Parts {
        var worked: WorkHistory
        var totals: [DayTotal]
        var leases: [String: [TaskID: WorkIntervals]]
        var labels: [LabelCount]
    }

    /// With fewer tasks of a project on a date, its time would be that of one task (P10).
    static let tasksMin = 2

    init(_ parts: Parts, today: LocalDay, since: LocalDay, projectsSince: LocalDay, in zone: Zone) {
        let first = max(since, projectsSince)
        var leased = DayWork(parts.worked.intervals, since: since, in: zone)
        for total in parts.totals { leased.add(total) }
        var labels: [LocalDay: [String: Int]] = [:]
        for count in parts.labels { labels[count.day, default: [:]][count.project, default: 0] += count.labels }
        var byProject: [String: [LocalDay: Duration]] = [:]
        for (project, tasks) in parts.leases {
            let dates = tasks.values.flatMap { DayWork($0, since: first, in: zone).days.keys }
            let counts = Dictionary(dates.map { ($0, 1) }, uniquingKeysWith: +)
            // Time that was corrected away is no project's either.
            let counted = WorkIntervals(tasks.values.flatMap(\.all)).intersection(parts.worked.intervals)
            byProject[project] = DayWork(counted, since: first, in: zone).days
                .filter { counts[$0.key, default: 0] >= Self.tasksMin }
        }
        self.today = today
        self.since = since
        self.projectsSince = first
        let dates = Set(leased.days.keys).union(labels.keys)
        days = dates.filter { $0 >= since }.sorted(by: >).map { day in
            let own = labels[day] ?? [:]
            let names = Set(own.keys).union(byProject.filter { $0.value[day] != nil }.keys)
            return Day(
                day: day, labels: own.values.reduce(0, +), leased: leased.days[day] ?? .zero,
                projects: names.sorted().map { name in
                    Project(name: name, labels: own[name] ?? 0, leased: byProject[name]?[day])
                })
        }
    }
}

/// Every key of the sections `limits` and `ceiling`, in the order in which documents are written.
extension PolicyField where Root == WorkloadLimits {
    /// Counts beyond this are mistakes, and sums of two still fit everywhere.
    static var countMax: Int { 1_000_000 }

    static let limits: [PolicyField] = [
        .count("open-leases", \.openLeases, 0...countMax, "Leases open at once, per person."),
        .duration("day-time", \.dayTime, "Leased time on a local date."),
        .duration("week-time", \.weekTime, "Leased time in an ISO week."),
        .count("day-tasks", \.dayTasks, 0...countMax, "Labels accepted plus leases open on a local date."),
        .duration("continuous-time", \.continuousTime, from: .seconds(1), "Leased time until a break is due."),
        .duration("break", \.breakTime, from: .seconds(1), "How long nothing is leased in a break."),
        .duration(
            "lease-lifetime", \.leaseLifetime, from: LeaseLength.shortest, "Leased time of one lease with extensions."),
        .count("parked-leases", \.parkedLeases, 0...countMax, "Leases a person may have parked."),
        // Its slot is held meanwhile, so there is always an end.
        .duration(
            "parked-time", \.parkedTime, mayBeNone: false, meantByNone: WorkloadLimits.parkedTimeByDefault,
            "How long a lease may stay parked."),
        .duration(
            "daily-rest", \.dailyRest, from: LegalCeiling.dailyRest, mayBeNone: false,
            "Time with nothing leased between two work periods."),
        .duration("weekly-rest", \.weeklyRest, "Time with nothing leased after work on weekly-rest-days dates."),
        .count("weekly-rest-days", \.weeklyRestDays, 1...6, "Local dates with work after which weekly-rest is due."),
        .hours("quiet-hours", \.quietHours, "Local hours with no leases, unless the engineer opens them."),
        .duration("kind-day", \.kindDay, "Leased time on one kind on a local date."),
        .duration("kind-week", \.kindWeek, "Leased time on one kind in an ISO week."),
        .duration("severity-2-day", \.severity2Day, "Leased time on severity 2 on a local date."),
        .duration("severity-3-day", \.severity3Day, "Leased time on severity 3 on a local date."),
    ]
}

/// Every key of the section `oversight`.
extension PolicyField where Root == OversightLimits {
    static let oversight: [PolicyField] = [
        .count("span-warn", \.spanWarn, 1...20, "Engineers of one supervisor above which a warning is given."),
        .must("span-max", \.spanMax, 1...49, "Engineers of one supervisor above which nobody more is enrolled."),
        .must("group-operations", \.groupOperations, 2...1_000, "Smallest group shown in figures on operations."),
        .must("group-wellbeing", \.groupWellbeing, 2...1_000, "Smallest group shown in figures on wellbeing."),
        .count("redelivery", \.redelivery, 2...1_000_000, "Failed deliveries after which a task is quarantined."),
        .must("cord-share", \.cordShare, 1...100, "Percent of a project's engineers whose cords pause it."),
    ]
}

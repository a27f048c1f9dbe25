public import PlimsollModel

/// How much leased time a person has on them, as a grant keeps it and the person sees it.
public struct LoadFigures: Sendable, Hashable {
    /// Since the last gap as long as a break.
    public let continuous: Duration
    /// On the local date, and in the ISO week.
    public let day: Duration
    public let week: Duration

    /// As of `now`, in the person's zone; zero days and weeks where the zone is unknown.
    public init(of person: PersonFacts, limits: WorkloadLimits, at now: Moment) {
        let load = WorkLoad(of: person, at: now)
        continuous = load.run(withoutGap: limits.breakTime ?? LegalCeiling.sixHoursGap)
        do {
            let zone = try Zone.named(person.zone)
            day = load.leased(since: zone.bounds(at: now).start)
            week = load.leased(since: zone.weekBounds(at: now).start)
        } catch {
            // The gate refuses such a person, so there is no grant to say anything about.
            day = .zero
            week = .zero
        }
    }
}

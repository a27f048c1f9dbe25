import PlimsollModel
import Postgres

/// How a project's queue stands. Slots are counted: one task with overlap 3 counts three.
public struct QueueStatus: Sendable, Hashable {
    public let project: String
    public let state: ProjectState
    public let waiting: Int64
    public let leased: Int64
    public let parked: Int64
    public let done: Int64
    public let late: Int64
    public let quarantined: Int64
    /// Of the slots that wait, how long the longest has.
    public let oldestWaiting: Duration
    /// nil: too few people worked in every window.
    public let rate: QueueRate?
    /// True when few people are at work, so that leased and done are as of the last full hour.
    public let isCoarse: Bool
    /// Why slots wait; empty when none does.
    public let reasons: [WaitingReason]

    /// When nothing waits at the present rate; nil when that is unknown.
    public var drain: Duration? {
        guard let rate, rate.labelsPerHour > 0 else { return nil }
        return .seconds(Int64((Double(waiting + leased + parked) / rate.labelsPerHour * 3_600).rounded(.up)))
    }
}

/// Labels accepted over a window that enough people contributed to.
public struct QueueRate: Sendable, Hashable {
    public let labelsPerHour: Double
    public let window: Duration

    public init(labelsPerHour: Double, window: Duration) {
        self.labelsPerHour = labelsPerHour
        self.window = window
    }
}

/// Why tasks wait, and what to do about it.
public struct WaitingReason: Sendable, Hashable {
    public enum Code: String, Sendable, CaseIterable {
        case paused
        case closed
        case noCoordinator = "no-coordinator"
        case nobodyEnrolled = "nobody-enrolled"
        case noNotice = "no-notice"
        case nobodyAvailable = "nobody-available"
        case nobodyConnected = "nobody-connected"
        case allLeased = "all-leased"
        case quarantined
        case beingHandedOut = "being-handed-out"
    }

    public let code: Code
    public let sentence: String
    public let remedy: String

    public init(_ code: Code, _ sentence: String, _ remedy: String) {
        self.code = code
        self.sentence = sentence
        self.remedy = remedy
    }
}

enum QueueStatements {
    /// The sums: the last fold and the rows that it has not taken in, in one statement so that no row is counted twice
    /// or not at all; with what tells why slots wait. Cost: the projects, the rows of about a second, and one index
    /// probe a lane. Indexes: tally_fold_pkey, tally_writer, span_pkey.
    static let status = Statement(
        "queue_status",
        """
        with now as materialized (select clock() as at),
        last as (select f.* from tally_fold f where f.fold = (select max(fold) from tally_fold)),
        rest as (
            select project_id, sum(slots) slots, sum(leased) leased, sum(parked) parked, sum(done) done,
                sum(late) late, sum(quarantined) quarantined
            from tally where writer >= coalesce((select max(up_to) from last), '0'::xid8) group by project_id)
        select p.project_id, p.name, p.state,
            (coalesce(l.slots, 0) + coalesce(r.slots, 0))::bigint,
            (coalesce(l.leased, 0) + coalesce(r.leased, 0))::bigint,
            (coalesce(l.parked, 0) + coalesce(r.parked, 0))::bigint,
            (coalesce(l.done, 0) + coalesce(r.done, 0))::bigint,
            (coalesce(l.late, 0) + coalesce(r.late, 0))::bigint,
            (coalesce(l.quarantined, 0) + coalesce(r.quarantined, 0))::bigint,
            (select least(
                (select min(s.since) from lane a join span s using (lane_id) where a.project_id = p.project_id),
                (select min(b.since) from lane a join block b using (lane_id) where a.project_id = p.project_id))),
            now.at
        from now, project p left join last l using (project_id) left join rest r on r.project_id = p.project_id
        where $1 = '' or p.name = $1 order by p.name
        """)
    /// Labels of the minutes since a moment, and how many people contributed in its hours. Indexes: tally_minute_pkey,
    /// contribution_pkey.
    static let rate = Statement(
        "queue_rate",
        """
        select
            coalesce((select sum(done) from tally_minute where project_id = $1
                and minute >= clock() - make_interval(hours => $2)), 0)::bigint,
            (select count(distinct person_id) from contribution where project_id = $1
                and hour >= date_trunc('hour', clock() - make_interval(hours => $2)))
        """)
    /// What moved since the hour began, which coarse figures leave out. Indexes: tally_minute_pkey, tally_writer.
    static let sinceHour = Statement(
        "queue_since_hour",
        """
        with recent as (
            select leased, done from tally_minute where project_id = $1 and minute >= date_trunc('hour', clock())
            union all
            select leased, done from tally where project_id = $1
                and writer >= coalesce((select max(up_to) from tally_fold), '0'::xid8)
                and at >= date_trunc('hour', clock()))
        select coalesce(sum(leased), 0)::bigint, coalesce(sum(done), 0)::bigint from recent
        """)
    /// How many people are at work: those who contributed in the last hour or hold something. Indexes:
    /// contribution_pkey; the open leases are few.
    static let atWork = Statement(
        "queue_at_work",
        """
        select count(*) from (
            select person_id from contribution where project_id = $1
                and hour >= date_trunc('hour', clock() - interval '1 hour')
            union select person_id from lease where project_id = $1) w
        """)
    /// What stands between waiting slots and people, without naming anybody. Indexes: enrolment_pkey, notice_pkey.
    static let obstacles = Statement(
        "queue_obstacles",
        """
        select
            (select count(*) from coordinator c where c.left_at is null),
            (select count(*) from enrolment e where e.project_id = $1),
            coalesce((select array_agg(u.purpose order by u.purpose) from project_purpose u where u.project_id = $1
                and not exists (select from notice n where n.purpose = u.purpose and n.effective_at <= clock())), '{}')
        """)
}

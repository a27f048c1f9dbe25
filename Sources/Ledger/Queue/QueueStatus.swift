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
    /// Of the slots that wait, how long the longest has; nil: none waits.
    public let oldestWaiting: Duration?
    /// nil: too few people worked in every window.
    public let rate: QueueRate?
    /// True when few people are at work, so that the figures are as of the last full hour.
    public let isCoarse: Bool
    /// Why slots wait; where none does, what holds for the whole deployment alone.
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
    /// What is told of people is told of all of them together: connected yes or no, and available yes or no, the same
    /// whatever the cause (P9).
    public enum Code: String, Sendable, CaseIterable {
        /// Not of tasks that wait, but of tasks that nobody will be given until somebody decides.
        case quarantined
        case paused
        case closed
        /// Of the whole deployment, and so said of every project, whatever its state and whether or not anything waits.
        case readOnly = "read-only"
        /// None is a member now, so nothing is handed out.
        case noCoordinator = "no-coordinator"
        /// A purpose that the project needs has no notice in force, so nobody can agree.
        case noNotice = "no-notice"
        case nobodyEnrolled = "nobody-enrolled"
        /// Some of what waits takes longer than anybody is ever leased at once.
        case tooLong = "too-long"
        /// Somebody could be given something, and too few could to say whether any of them is connected.
        case fewAvailable = "few-available"
        /// A small group or more could be given something, and none of those is connected to any coordinator.
        case nobodyConnected = "nobody-connected"
        /// Many are at work and none of them can be given more now: what waits goes out as they finish.
        case allLeased = "all-leased"
        /// Nobody enrolled can be given any of what waits.
        case nobodyAvailable = "nobody-available"
        /// Somebody is connected and available: what waits goes out as it is asked for.
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
    /// or not at all; with how old the oldest waiting span is. Cost: the projects, the rows of about a second, one
    /// index probe a lane (which steps over what was consumed while an old snapshot is held: 100,000 spans, 33 ms), and
    /// the blocks in coordinators' hands, which are few. Indexes: tally_fold_pkey, tally_writer, span_since.
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
            \(oldest),
            now.at
        from now, project p left join last l using (project_id) left join rest r on r.project_id = p.project_id
        where $1 = '' or p.name = $1 order by p.name
        """)
    /// Since when the oldest slot of the project `p` has waited; null: none does. Indexes: span_since; blocks are few.
    static let oldest = """
        (select least(
            (select min(s.since) from lane a cross join lateral (select since from span
                where lane_id = a.lane_id order by since limit 1) s where a.project_id = p.project_id),
            (select min(b.since) from lane a join block b using (lane_id) where a.project_id = p.project_id)))
        """
    /// Labels of the full hours before this one, at most a week of them, and of this one unless $3; with how many seconds
    /// that is. From a full hour on: a window that moves with the minute would tell what each minute that leaves it
    /// brought, when only one person may have been at work. Index: tally_minute_pkey. Here and below the clock stands in
    /// a subquery: it is volatile, and as such bounds no index scan.
    static let labels = Statement(
        "queue_labels",
        """
        with this as materialized (select date_trunc('hour', at) as hour, at from (select clock() as at) c)
        select (select coalesce(sum(greatest(done, 0)), 0)::bigint from tally_minute
                where project_id = $1 and minute >= (select hour - make_interval(hours => $2) from this)
                    and (not $3 or minute < (select hour from this))),
            extract(epoch from case when $3 then make_interval(hours => $2)
                else at - hour + make_interval(hours => $2) end)::float8
        from this
        """)
    /// Who contributed in those hours, no further than $3 people: one index probe for each of them, over at most a week
    /// of hours of few people. With $4 not in this hour: that somebody contributed in it must not show by a rate that is
    /// shown. Index: contribution_pkey.
    static let contributors = Statement(
        "queue_contributors",
        """
        with recursive seen as (
            select '{}'::bigint[] as people
            union all
            select s.people || c.person_id from seen s cross join lateral (
                select person_id from contribution where project_id = $1
                    and hour >= (select date_trunc('hour', clock()) - make_interval(hours => $2))
                    and (not $4 or hour < (select date_trunc('hour', clock())))
                    and person_id <> all(s.people)
                order by hour desc limit 1) c
            where cardinality(s.people) < $3)
        select people from seen order by cardinality(people) desc limit 1
        """)
    /// How many people beside those known ($2) hold something, counted no further than $3. Indexes: enrolment_pkey,
    /// then lease_person for each enrolled person until enough are found: a scan of the open leases would walk their
    /// dead rows under an old snapshot.
    static let holders = Statement(
        "queue_holders",
        """
        select count(*) from (
            select from enrolment e where e.project_id = $1 and e.person_id <> all($2::bigint[])
                and exists (select from lease l where l.person_id = e.person_id and l.project_id = $1)
            limit $3) w
        """)
    /// What moved since the hour began, which coarse figures leave out. Indexes: tally_minute_pkey, tally_writer.
    static let sinceHour = Statement(
        "queue_since_hour",
        """
        with recent as (
            select leased, parked, done, late from tally_minute where project_id = $1
                and minute >= (select date_trunc('hour', clock()))
            union all
            select leased, parked, done, late from tally where project_id = $1
                and writer >= coalesce((select max(up_to) from tally_fold), '0'::xid8)
                and at >= (select date_trunc('hour', clock())))
        select coalesce(sum(leased), 0)::bigint, coalesce(sum(parked), 0)::bigint, coalesce(sum(done), 0)::bigint,
            coalesce(sum(late), 0)::bigint
        from recent
        """)
    /// Since when the oldest slot has waited, as it was when the hour began, and what was imported since. The first
    /// fold of the hour has written it down; where no coordinator has folded yet, none has handed out anything, and it
    /// is what it is now ($2). The comment in 015_avail.sql speaks of the first look; an applied step stays as it is.
    /// Indexes: queue_hour_pkey; imports are few.
    static let oldestOfHour = Statement(
        "queue_oldest_of_hour",
        """
        with this as materialized (select date_trunc('hour', clock()) as hour),
        made as (
            insert into queue_hour (project_id, hour, oldest) select $1::bigint, hour, $2::timestamptz from this
            on conflict do nothing returning oldest),
        gone as (delete from queue_hour where project_id = $1 and hour < (select hour from this))
        select least(
            (select oldest from made union all
                select q.oldest from queue_hour q join this using (hour) where q.project_id = $1 limit 1),
            (select min(i.imported_at) from import i where i.project_id = $1 and i.imported_at >= (select hour from this)))
        """)
    /// What stands between waiting slots and people, without naming anybody: whether a coordinator lives, whether
    /// anybody is enrolled, purposes without a notice, and what the living coordinators say of their workers (null: none
    /// is connected). Indexes: coordinator_life_pkey backwards, enrolment_pkey, notice_pkey, presence_pkey.
    static let obstacles = Statement(
        "queue_obstacles",
        """
        with alive as materialized (
            select c.coordinator_id from coordinator c where c.left_at is null
                and (select l.until from coordinator_life l where l.coordinator_id = c.coordinator_id
                    order by l.n desc limit 1) > clock())
        select
            exists (select from alive),
            exists (select from enrolment e where e.project_id = $1),
            coalesce((select array_agg(u.purpose order by u.purpose) from project_purpose u where u.project_id = $1
                and not exists (select from notice n where n.purpose = u.purpose and n.effective_at <= clock())), '{}'),
            (select bool_or(p.available) from alive join presence p using (coordinator_id) where p.project_id = $1)
        """)
}

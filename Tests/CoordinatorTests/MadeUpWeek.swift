import Coordinator
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// What happened, as it is: what no view shows.
struct Deed: Sendable {
    enum What: String, Sendable, CaseIterable {
        case take, answer, park, release, decline
    }

    var at: Moment
    var person: String
    var project: String
    /// The key of the task, of which each is given out once at a time.
    var task: String
    var what: What
}

/// A deployment in which people do things, and what they did.
struct MadeUpWeek {
    /// The smallest group that figures on operations are shown of, and
    static let k = 5
    /// on agreements and wellbeing.
    static let wellbeing = 10
    static let tasks = 300
    /// As many as the shipped policy lets anybody hold.
    static let heldMax = 3

    private struct Holder: Hashable {
        var person: String
        var project: String
    }

    let deployment: Deployment
    let people: [String: [String]]
    /// Who lets the supervisor who answers for them see their labels.
    let shown: [String]
    let start: Moment
    private(set) var deeds: [Deed] = []
    /// So many of them a coordinator has folded.
    private(set) var folded = 0
    private(set) var now: Moment
    /// For each project with somebody connected, whether any of those could be given something.
    private(set) var presence: [String: Bool] = [:]
    private var held: [Holder: [String]] = [:]
    private let projects: [String: ProjectID]
    private let coordinator: CoordinatorID

    /// `counts` people in each project, all of whom take part; three of `big` also work in `few`. The clock stands.
    init(_ deployment: Deployment, _ counts: [String: Int], at start: Moment) async throws {
        try await deployment.setClock(start, standing: true)
        try await deployment.policy("day-tasks: 50")
        var people: [String: [String]] = [:]
        var next = 0
        for (project, count) in counts.sorted(by: { $0.key < $1.key }) {
            people[project] = (next..<next + count).map { "p\($0 + 10)" }
            next += count
            try await deployment.project(project, people: people[project] ?? [], zone: "UTC", tasks: Self.tasks)
        }
        if let few = people["few"], let big = people["big"] {
            for person in big.prefix(3) {
                _ = try await deployment.ledger.enrolEngineer(
                    person, zone: "UTC", projects: ["few"],
                    selection: SelectionRecord(
                        rule: "volunteers/1", dataUsed: "none", decidedBy: "boss-\(big[0])",
                        alternativeOffered: "the usual work"),
                    by: "op")
            }
            people["few"] = few + big.prefix(3)
        }
        // A coordinator lives, so that reasons speak of people; and labels stand on agreements.
        try await deployment.owner.execute(
            script: """
                insert into coordinator (name, address) values ('one', 'host:1');
                insert into coordinator_life select coordinator_id, 1, clock() + interval '30 days' from coordinator;
                insert into provenance (person_id, project_id, policy_version, instructions_version, agreements)
                    select person_id, project_id, 1, 1, array['taking-part@part/1#1'] from enrolment
                """)
        var projects: [String: ProjectID] = [:]
        for project in counts.keys { projects[project] = try await deployment.ledger.project(named: project).id }
        self.deployment = deployment
        self.people = people
        self.projects = projects
        self.start = start
        now = start
        shown = Array((people["big"] ?? []).prefix(2) + (people["mid"] ?? []).prefix(1))
        coordinator = CoordinatorID(try await deployment.number("select coordinator_id from coordinator"))
        try await letThemselvesBeShown()
    }

    private func letThemselvesBeShown() async throws {
        let ledger = deployment.ledger
        let notice = try await ledger.publishNotice(
            NoticeDraft(
                id: "shown", version: 1, locale: "en", purpose: PurposeName.throughputToSupervisor.rawValue,
                text: "Your supervisor sees how much you do.", data: "labels", recipients: "the supervisor",
                retention: "none", withdrawalMethod: "plimsoll consent withdraw", alternativeOffered: "nothing changes",
                assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
                consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"), validityDays: nil,
                isMaterial: false), by: "op")
        for person in shown {
            _ = try await ledger.giveAgreement(
                notice: notice.id, version: 1, sha256: notice.sha256,
                voice: ConsentVoice(name: person, certificateSerial: "ab01"))
        }
    }

    // MARK: Time and coordinators

    mutating func setClock(_ moment: Moment) async throws {
        try await deployment.setClock(moment, standing: true)
        now = moment
    }

    /// As every coordinator does each second.
    mutating func fold() async throws {
        _ = try await deployment.ledger.foldTally()
        folded = deeds.count
    }

    /// What the coordinator says of the workers it has at hand.
    mutating func connect(_ presence: [String: Bool]) async throws {
        try await deployment.ledger.reportPresence(
            presence.compactMap { name, isAvailable in
                projects[name].map { ProjectPresence(project: $0, isAvailable: isAvailable) }
            }, of: coordinator)
        self.presence = presence
    }

    func look(withThroughput: Bool = false) async throws -> Look {
        var look = Look(of: self)
        // With nothing remembered, so that a look shows what is there now.
        let availability = Availability(ledger: deployment.ledger)
        for view in SupervisorView.allCases where view != .throughput || withThroughput {
            try await look.read(view, of: self, availability)
        }
        return look
    }

    // MARK: Who was at work

    /// Who was, of the first `count` deeds: who answered something in the hour of a moment, and who held something at
    /// the end.
    func atWork(_ project: String, in hour: Moment, count: Int) -> Set<String> {
        var holding: [String: Int] = [:]
        var answered: Set<String> = []
        for deed in deeds.prefix(count) where deed.project == project {
            holding[deed.person, default: 0] += deed.what == .take ? 1 : -1
            if deed.what == .answer, deed.at >= hour.fullHour { answered.insert(deed.person) }
        }
        return answered.union(holding.filter { $0.value > 0 }.keys)
    }

    /// How many people hold something of each project.
    var holders: [String: Int] {
        held.filter { !$0.value.isEmpty }.reduce(into: [:]) { $0[$1.key.project, default: 0] += 1 }
    }

    /// How many deeds there were before a moment.
    func count(before moment: Moment) -> Int { deeds.firstIndex { $0.at >= moment } ?? deeds.count }

    // MARK: What happens

    /// Something that somebody does, mostly where many work.
    mutating func happen(_ random: inout SplitMix64) async throws {
        let project = ["big", "big", "big", "mid", "few", "one"].randomElement(using: &random) ?? "big"
        guard let person = people[project]?.randomElement(using: &random) else { return }
        let what: [Deed.What] = [.take, .take, .answer, .answer, .answer, .release, .decline, .park]
        try await act(person, project, what.randomElement(using: &random) ?? .take)
    }

    /// Some of the large project answer a task each.
    mutating func workTogether(_ count: Int) async throws {
        for person in people["big"]?.prefix(count) ?? [] { try await act(person, "big", .take, .answer) }
    }

    /// Everybody in a project comes to hold as much as anybody may.
    mutating func fillHands(_ project: String) async throws {
        for person in people[project] ?? [] {
            for _ in 0..<Self.heldMax { try await act(person, project, .take) }
        }
    }

    /// Deeds one after the other, as flushes write them; what is not possible is left out.
    mutating func act(_ person: String, _ project: String, _ all: Deed.What...) async throws {
        for what in all { try await perform(what, person, project) }
    }

    private mutating func perform(_ what: Deed.What, _ person: String, _ project: String) async throws {
        let holder = Holder(person: person, project: project)
        let task: String
        if what == .take {
            guard held[holder, default: []].count < Self.heldMax else { return }
            task = try await deployment.lease(to: person, project: project)
            held[holder, default: []].append(task)
        } else {
            guard !held[holder, default: []].isEmpty else { return }
            // The oldest, by its fence.
            task = held[holder, default: []].removeFirst()
            try await deployment.owner.execute(script: Self.end(person, project, what))
        }
        deeds.append(Deed(at: now, person: person, project: project, task: task, what: what))
    }

    /// Everything that is held is gone, and nobody was it.
    mutating func dropHeld() async throws {
        try await deployment.owner.execute(script: "delete from lease; delete from parked")
        held = [:]
    }

    private static func end(_ person: String, _ project: String, _ what: Deed.What) -> String {
        let mine = """
            select l.* from lease l join person p using (person_id) join project j on j.project_id = l.project_id
            where p.name = '\(person)' and j.name = '\(project)' order by l.fence limit 1
            """
        let ended = """
            insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
            select person_id, fence, task_id, slot, lane_id, granted_at, clock(), '\(what == .park ? "parked" : what.rawValue)'
            from mine
            """
        let fact = """
            insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to, kind, severity)
            select m.person_id, (select coalesce(max(n), 0) + 1 from usage u where u.person_id = m.person_id), clock(),
                (clock() at time zone 'UTC')::date, 0, 0, m.granted_at, least(m.deadline, clock()), 'puzzle', 0 from mine m
            """
        func counted(_ columns: String, _ values: String) -> String {
            "insert into tally (project_id, at, \(columns)) select project_id, clock(), \(values) from mine"
        }
        let back = """
            back as (insert into span (lane_id, slot, first_task, last_task, fresh, since)
                select lane_id, slot, task_id, task_id, false, clock() from mine)
            """
        let gone = "delete from lease l using mine m where l.task_id = m.task_id and l.slot = m.slot"
        switch what {
        case .take: return ""
        case .answer:
            return """
                with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)),
                counted as (\(counted("leased, done", "-1, 1"))),
                contributed as (insert into contribution (project_id, hour, person_id)
                    select project_id, date_trunc('hour', clock()), person_id from mine on conflict do nothing)
                insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id,
                    accepted_on, answer_hash, answer)
                select task_id, slot, person_id, fence, project_id, 1, provenance_id,
                    (clock() at time zone 'UTC')::date, '\\x00', '"a"' from mine
                """
        case .park:
            return """
                with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)),
                counted as (\(counted("leased, parked", "-1, 1")))
                insert into parked (task_id, slot, person_id, fence, lane_id, project_id, first_granted_at,
                    parked_at, until, provenance_id)
                select task_id, slot, person_id, fence, lane_id, project_id, first_granted_at, clock(),
                    clock() + interval '3 days', provenance_id from mine
                """
        case .release:
            return """
                with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)), counted as (\(counted("leased", "-1"))),
                \(back) \(gone)
                """
        case .decline:
            return """
                with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)), counted as (\(counted("leased", "-1"))),
                reason as (insert into decline_reason (project_id, task_id, reason)
                    select project_id, task_id, 'other' from mine),
                \(back) \(gone)
                """
        }
    }
}

extension Moment {
    var fullHour: Moment { Moment(seconds: seconds / 3_600 * 3_600) }
    var fullMinute: Moment { Moment(seconds: seconds / 60 * 60) }
}

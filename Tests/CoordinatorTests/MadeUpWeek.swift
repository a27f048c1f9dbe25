import Coordinator
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// What a supervisor can read, at one instant, of everything that is read by many: queue status of each project, leases
/// and tasks, the words of people, teams.
struct Look: Sendable, Equatable {
    var at: Moment
    var statuses: [String: QueueStatus] = [:]
    var leases: [String: [LeaseRow]] = [:]
    var tasks: [String: [TaskRow]] = [:]
    var words: [String: Bool] = [:]
    var teams: [TeamRow] = []
    var members: [String: [String]] = [:]

    /// Everything of one project but the reasons of people, which follow from the words.
    func cells(of project: String) -> [String] {
        guard let status = statuses[project] else { return [] }
        return [
            "\(status.waiting) \(status.leased) \(status.parked) \(status.done) \(status.late) \(status.quarantined)",
            "\(String(describing: status.oldestWaiting)) \(status.isCoarse)",
            "\(String(describing: status.rate)) \(String(describing: status.drain)) \(status.state)",
            "\(leases[project] ?? [])", "\(tasks[project] ?? [])",
        ]
    }
}

/// What happened, as it is: what no view shows.
struct Deed: Sendable {
    var at: Moment
    var person: String
    var project: String
    var isLabel: Bool
}

/// A deployment in which people do things, and what they did.
struct MadeUpWeek {
    let deployment: Deployment
    let people: [String: [String]]
    private(set) var deeds: [Deed] = []
    private let k = 5

    init(deployment: Deployment, people: [String: [String]]) {
        self.deployment = deployment
        self.people = people
    }

    func look() async throws -> Look {
        let ledger = deployment.ledger
        // With nothing remembered, so that a look shows what is there now.
        let availability = Availability(ledger: ledger)
        var look = Look(at: try await deployment.now())
        let all = try await availability.queueStatus()
        for project in people.keys {
            let status = try await availability.queueStatus(project: project)
            // One project alone or all of them: the same words.
            #expect(status == all.filter { $0.project == project })
            look.statuses[project] = status[0]
            look.leases[project] = try await ledger.leases(project: project, limit: 500, hidingFew: true)
            look.tasks[project] = try await ledger.tasks(project: project, limit: 500, hidingFew: true)
            look.tasks[project]? += try await ledger.tasks(
                project: project, state: .waiting, limit: 500, hidingFew: true)
        }
        for row in try await availability.engineers() { look.words[row.name] = row.isAvailable }
        look.teams = try await ledger.teams()
        look.members = people
        return look
    }

    /// Something that somebody does, mostly where many work.
    mutating func happen(_ random: inout SplitMix64) async throws {
        let project = ["big", "big", "big", "mid", "few", "one"].randomElement(using: &random) ?? "big"
        guard let person = people[project]?.randomElement(using: &random) else { return }
        try await act(
            person, project, ["take", "answer", "answer", "release", "park"].randomElement(using: &random) ?? "")
    }

    /// Some of the large project answer a task each.
    mutating func workTogether(_ count: Int) async throws {
        for person in people["big"]?.prefix(count) ?? [] {
            for deed in ["take", "answer"] { try await act(person, "big", deed) }
        }
    }

    /// 2. Where few are at work, whatever one of them does in this hour is not to be seen, here and in other projects.
    mutating func fewAtWorkDoNotShow(_ look: Look, _ random: inout SplitMix64, _ seed: UInt64) async throws {
        var before = look
        for (project, members) in people.sorted(by: { $0.key < $1.key }) {
            guard before.statuses[project]?.isCoarse == true, let person = members.randomElement(using: &random) else {
                continue
            }
            for deeds in [["take", "park"], ["take", "answer", "take", "release"]] {
                for deed in deeds { try await act(person, project, deed) }
                let after = try await self.look()
                // One more may be the fifth, and then enough are at work to be shown.
                guard after.statuses[project]?.isCoarse == true else {
                    before = after
                    break
                }
                for other in people.keys {
                    #expect(
                        after.cells(of: other) == before.cells(of: other),
                        "seed \(seed): \(other) shows that \(person) did \(deeds) in \(project)")
                }
                for (name, word) in after.words where name != person { #expect(word == before.words[name]) }
                #expect(after.teams == before.teams)
            }
        }
    }

    /// 1. With nothing leased, one person after the other comes into a state.
    mutating func statesDoNotShow(_ seed: UInt64) async throws {
        try await deployment.owner.execute(script: "delete from lease; delete from parked")
        let states = PersonState.allCases.filter { $0 != .openLeases }
        var before = try await look()
        var said: [String: [[WaitingReason]]] = [:]
        for (index, person) in (people["big"] ?? []).enumerated() {
            // Two causes for each, one after the other: the second is the same word.
            for state in [states[(index * 2) % states.count], states[(index * 2 + 1) % states.count]] {
                let was = before.words[person] ?? false
                try await deployment.bring(person, into: state)
                let after = try await look()
                #expect(after.words[person] == false, "seed \(seed): \(person) after \(state)")
                for project in people.keys {
                    #expect(
                        after.cells(of: project) == before.cells(of: project),
                        "seed \(seed): \(project) shows that \(person) came into \(state)")
                    if !was { #expect(after.statuses[project] == before.statuses[project], "seed \(seed): \(state)") }
                    let available = (people[project] ?? []).count { after.words[$0] == true }
                    said["\(project) \(available)", default: []].append(after.statuses[project]?.reasons ?? [])
                }
                for (name, word) in after.words where name != person { #expect(word == before.words[name]) }
                if !was { #expect(after == before, "seed \(seed): \(state) is told from another cause") }
                #expect(after.teams == before.teams)
                before = after
            }
        }
        // The same words, the same reasons, to the letter.
        for (words, reasons) in said { #expect(Set(reasons).count == 1, "seed \(seed): \(words)") }
    }

    // MARK: Deeds, as flushes write them

    mutating func act(_ person: String, _ project: String, _ deed: String) async throws {
        let mine = """
            select l.* from lease l join person p using (person_id) join project j on j.project_id = l.project_id
            where p.name = '\(person)' and j.name = '\(project)' order by l.fence limit 1
            """
        let ended = """
            insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
            select person_id, fence, task_id, slot, lane_id, granted_at, clock(), '\(deed == "park" ? "parked" : deed)' from mine
            """
        let fact = """
            insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to, kind, severity)
            select m.person_id, (select coalesce(max(n), 0) + 1 from usage u where u.person_id = m.person_id), clock(),
                clock()::date, 0, 0, m.granted_at, least(m.deadline, clock()), 'puzzle', 0 from mine m
            """
        func counted(_ columns: String, _ values: String) -> String {
            "insert into tally (project_id, at, \(columns)) select project_id, clock(), \(values) from mine"
        }
        let holds = try await deployment.number("select count(*) from (\(mine)) m")
        switch deed {
        case "take":
            guard holds < 3 else { return }
            try await deployment.lease(to: person, project: project)
        case "answer":
            guard holds > 0 else { return }
            try await deployment.owner.execute(
                script: """
                    with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)),
                    counted as (\(counted("leased, done", "-1, 1"))),
                    contributed as (insert into contribution (project_id, hour, person_id)
                        select project_id, date_trunc('hour', clock()), person_id from mine on conflict do nothing)
                    insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id,
                        accepted_on, answer_hash, answer)
                    select task_id, slot, person_id, fence, project_id, 1, provenance_id, clock()::date, '\\x00', '"a"'
                    from mine
                    """)
            deeds.append(Deed(at: try await deployment.now(), person: person, project: project, isLabel: true))
        case "park":
            guard holds > 0 else { return }
            try await deployment.owner.execute(
                script: """
                    with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)),
                    counted as (\(counted("leased, parked", "-1, 1")))
                    insert into parked (task_id, slot, person_id, fence, lane_id, project_id, first_granted_at,
                        parked_at, until, provenance_id)
                    select task_id, slot, person_id, fence, lane_id, project_id, first_granted_at, clock(),
                        clock() + interval '3 days', provenance_id from mine
                    """)
        default:
            guard holds > 0 else { return }
            try await deployment.owner.execute(
                script: """
                    with mine as (\(mine)), ended as (\(ended)), fact as (\(fact)),
                    counted as (\(counted("leased", "-1"))),
                    back as (insert into span (lane_id, slot, first_task, last_task, fresh, since)
                        select lane_id, slot, task_id, task_id, false, clock() from mine)
                    delete from lease l using mine m where l.task_id = m.task_id and l.slot = m.slot
                    """)
        }
    }
}

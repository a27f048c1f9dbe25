import Ledger
import PlimsollModel

/// What a flush must know beyond the cached state: fates of leases that are not open, and how tasks stand whose
/// leases end without a label. In the common flush (wants and answers to open leases) nothing is looked up.
struct FlushLookups: Sendable {
    struct Key: Hashable, Sendable {
        var person: PersonID
        var task: TaskID
    }

    var settled: [Key: [SettledRecord]] = [:]
    var standings: [TaskID: TaskStanding] = [:]
    /// Late answers' slots that may be granted anew, each with what the grant would stand on.
    var freeSlots: [Fence: ProvenanceID] = [:]
    /// What tasks are about that were leased elsewhere and are to be extended here.
    var contents: [TaskID: TaskContent] = [:]
    /// What keeps answers to open and parked leases from counting; most have none.
    var bars: [Fence: AnswerBar] = [:]
}

extension Dispatcher {
    func lookUp(
        _ present: [PersonID], _ taken: [PersonID: PersonWork], _ session: FlushSession, _ plan: FlushPlan
    ) async throws -> FlushLookups {
        var unknown: [(person: PersonID, task: TaskID, fence: Fence)] = []
        var answered: Set<Fence> = []
        var ending: [TaskID: LaneID] = [:]
        var unread: [(lane: LaneID, task: TaskID)] = []
        var lookups = FlushLookups()
        for person in present {
            guard let state = plan.states[person] else { continue }
            func look(_ lease: LeaseReference, ends: Bool) {
                if let held = state.held[lease.fence], held.stored.task == lease.task {
                    if ends { ending[lease.task] = held.stored.lane }
                } else if let parked = state.parked[lease.fence], parked.task == lease.task {
                    if ends { ending[lease.task] = parked.lane }
                } else {
                    unknown.append((person, lease.task, lease.fence))
                }
            }
            let mine = taken[person] ?? PersonWork()
            for answer in mine.answers {
                let fence = answer.answer.lease.fence
                let bar = bar(toAnswerOf: fence, state)
                if let bar { lookups.bars[fence] = bar }
                look(answer.answer.lease, ends: bar?.endsLease == true)
                answered.insert(fence)
            }
            for (task, fence) in gone(from: state) { unknown.append((person, task, fence)) }
            for change in mine.changes {
                switch change.kind {
                case .decline, .release: look(change.lease, ends: true)
                case .park: look(change.lease, ends: false)
                case .extend:
                    look(change.lease, ends: false)
                    if let held = state.held[change.lease.fence], held.content == nil {
                        unread.append((held.stored.lane, held.stored.task))
                    }
                }
            }
            for end in mine.ends { look(end.lease, ends: true) }
            for presented in mine.presented {
                for lease in presented.leases { look(lease, ends: false) }
                for held in unheard(presented, state) { ending[held.stored.task] = held.stored.lane }
            }
            for pick in doubtful[person]?.picks ?? [] { ending[pick.slot.content.task] = pick.lane }
            for fence in doubtful[person]?.cameBack ?? [] {
                if let held = state.held[fence] { ending[held.stored.task] = held.stored.lane }
            }
        }
        if !unknown.isEmpty {
            for record in try await session.settled(unknown) {
                lookups.settled[FlushLookups.Key(person: record.person, task: record.task), default: []].append(record)
            }
            try await learn(lookups.settled.values.joined().filter { $0.kind == .ended }.map(\.lane), session)
            try await findFreeSlots(unknown.filter { answered.contains($0.fence) }, session, plan, &lookups)
        }
        if !unread.isEmpty { lookups.contents = try await session.contents(unread) }
        if !ending.isEmpty {
            lookups.standings = try await session.standings(ending.map { ($0.key, $0.value) })
        }
        return lookups
    }

    /// A late answer whose slot is still free may be granted anew: asks for those that ended and were not settled.
    private func findFreeSlots(
        _ unknown: [(person: PersonID, task: TaskID, fence: Fence)], _ session: FlushSession, _ plan: FlushPlan,
        _ lookups: inout FlushLookups
    ) async throws {
        var candidates: [FlushSession.Candidate] = []
        var keys: [(fence: Fence, key: ProvenanceKey)] = []
        for lease in unknown {
            let records = lookups.settled[FlushLookups.Key(person: lease.person, task: lease.task)] ?? []
            guard let ended = records.first(where: { $0.kind == .ended && $0.fence == lease.fence }),
                !records.contains(where: { $0.kind != .ended && $0.fence == lease.fence }),
                let project = storedLane(ended.lane)?.project,
                let key = plan.states[lease.person].flatMap({
                    provenanceKey(of: $0, provenanceScope(of: ended.lane, project))
                })
            else { continue }
            candidates.append(
                FlushSession.Candidate(task: lease.task, slot: ended.slot, person: lease.person, source: nil))
            keys.append((lease.fence, key))
        }
        guard !candidates.isEmpty else { return }
        let verdicts = try await session.verdicts(candidates, coordinator: coordinator)
        let free = zip(keys, verdicts).filter { $0.1 == .free }.map(\.0)
        guard !free.isEmpty else { return }
        for (question, provenance) in zip(free, try await session.provenances(free.map(\.key))) {
            lookups.freeSlots[question.fence] = provenance
        }
    }
}

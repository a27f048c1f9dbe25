import Coordinator
import PlimsollModel

/// Every lease that ended had a reason to end so, and ended when it had to.
extension Cell {
    func absorb(
        _ end: Rows.End, _ rows: Rows, _ actions: [Action], _ situation: Situation, _ before: CellState,
        _ grants: inout [NewGrant]
    ) {
        let now = situation.now
        guard let personIndex = state.index(of: end.person), let lane = state.lane(end.lane),
            let project = state.projects.first(where: { $0.lanes.contains { $0.id == end.lane } })
        else { return fail("harness", "history of nobody: \(end)") }
        if state.leases[end.fence] == nil {
            // It came and went within this step.
            state.leases[end.fence] = LeaseModel(
                fence: end.fence, task: end.task, slot: end.slot, person: end.person, lane: end.lane,
                project: project.id, granted: end.granted, deadline: .never, coordinator: 0, session: 0, policy: 0)
            grants.append(NewGrant(fence: end.fence, policy: rows.labels.first { $0.fence == end.fence }?.policy))
            expectWarning(of: end.fence, end.person, at: now)
        }
        guard var lease = state.leases[end.fence] else { return }
        if lease.task != end.task || lease.person != end.person || lease.slot != end.slot {
            fail("P4", "history speaks of another lease under fence \(end.fence): \(end), \(lease)")
        }
        if let complaint = objection(to: end, lease, actions, situation) { fail("ends", complaint) }
        if end.how == "label", lease.state != .open {
            // Answered out of the park, or late and granted anew: the gate's business like any grant.
            if case .ended(let how) = lease.state, how != "parked" {
                grants.append(NewGrant(fence: end.fence, policy: nil, isDone: true))
            }
            if end.granted != now || end.at != now { fail("ends", "an answer made leased time: \(end)") }
        } else if lease.state == .open {
            checkTime(end, lease, now)
            checkDeadline(end, lease, lane, rows, actions, situation, before)
            if end.at > end.granted {
                state.people[personIndex].worked.append(
                    Stretch(from: end.granted, to: end.at, kind: lane.kind, severity: lane.severity))
            }
            lease.leasedBefore += end.at - end.granted
        } else {
            if end.at != end.granted { fail("ends", "leased time of a lease that was not open: \(end), \(lease)") }
            // It may have come back within this step.
            expectWarning(of: end.fence, end.person, at: now)
        }
        count("ended " + end.how)
        if end.how == "expired" || end.how == "stream_lost" {
            state.tasks[end.task]?.failures.append(end.person)
        }
        if end.how == "declined" { state.people[personIndex].never.insert(end.task) }
        lease.state = end.how == "label" ? .answered : .ended(end.how)
        state.leases[end.fence] = lease
    }

    private func checkTime(_ end: Rows.End, _ lease: LeaseModel, _ now: Micros) {
        if end.granted != lease.granted { fail("ends", "another begin than the grant's: \(end), \(lease)") }
        let latest = max(lease.granted, min(now, lease.deadline))
        switch end.how {
        case "stream_lost", "coordinator_lost":
            if end.at < lease.granted || end.at > latest { fail("ends", "outside of the lease: \(end), \(lease)") }
        case "unheard":
            if end.at < lease.granted || end.at > latest { fail("ends", "outside of the lease: \(end), \(lease)") }
        case "parked" where wentBackUnheard(end, lease): break
        default:
            if end.at != latest { fail("ends", "ended at \(end.at) and not at \(latest): \(end), \(lease)") }
        }
    }

    /// Why this lease may not have ended so; nil: it may.
    private func objection(
        to end: Rows.End, _ lease: LeaseModel, _ actions: [Action], _ situation: Situation
    ) -> String? {
        func isAsked(_ kind: Action.ChangeKind) -> Bool {
            actions.contains {
                if case .change(_, kind, let asked) = $0 { asked.fence == end.fence } else { false }
            }
        }
        let isDue = lease.isDue(at: situation.now)
        let person = state.index(of: end.person) ?? 0
        let isFine: Bool
        switch end.how {
        case "label": isFine = state.sent[end.fence] != nil
        case "released": isFine = isAsked(.release)
        case "declined": isFine = isAsked(.decline)
        case "parked": isFine = isAsked(.park) || isDue || wentBackUnheard(end, lease)
        case "expired": isFine = isDue
        case "limit":
            // Or answered without an agreement that holds: kept, and over.
            let isAnswered = actions.contains {
                if case .submit(_, let lease, _) = $0 { lease.fence == end.fence } else { false }
            }
            let purposes = state.purposes(of: lease.lane, lease.project)
            isFine = isDue || isAnswered && !state.agrees(state.people[person], to: purposes, at: situation.now)
        case "park_expired":
            if case .parked(let until) = lease.state { isFine = until <= situation.now } else { isFine = false }
        case "withdrawn":
            isFine = actions.contains {
                if case .withdraw(person, let purpose, _) = $0 {
                    state.purposes(of: lease.lane, lease.project).contains(purpose)
                } else {
                    false
                }
            }
        case "denied": isFine = actions.contains { if case .deny(person) = $0 { true } else { false } }
        case "left":
            isFine = actions.contains {
                if case .leave(person, let project) = $0 { state.projects[project].id == lease.project } else { false }
            }
        case "project_closed":
            isFine = actions.contains {
                if case .project(let project, .closed) = $0 {
                    state.projects[project].id == lease.project
                } else {
                    false
                }
            }
        case "stream_lost", "unheard": isFine = isAway(person)
        case "coordinator_lost": isFine = situation.gone.contains(lease.coordinator)
        default: isFine = false
        }
        return isFine ? nil : "nothing explains \(end) of \(lease)"
    }

    /// A process of this person is, or was a moment ago, without a connection.
    private func isAway(_ person: Int) -> Bool {
        workers.contains { $0.person == person && ($0.coordinator == nil || step - $0.movedAt <= Self.memory) }
    }

    /// It had come back from a park, and its worker never heard of that.
    private func wentBackUnheard(_ end: Rows.End, _ lease: LeaseModel) -> Bool {
        lease.isAsBefore(at: end.at) && isAway(state.index(of: end.person) ?? 0)
    }

    /// For how many steps a lost stream may be on its way to being noticed after its worker came back.
    private static let memory = 60
}

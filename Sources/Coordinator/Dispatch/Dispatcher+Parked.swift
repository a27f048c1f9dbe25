import Ledger
import PlimsollModel
import QualityReview

/// Parked leases come back to the same person when there is nothing else, or after a while.
extension StoredParked {
    /// When it would have been granted had it never been parked: parked time is no leased time.
    func leasedSince(at now: Moment) -> Moment { now - (parkedAt - firstGrantedAt) }
}

extension Dispatcher {
    /// The parked lease that waits longest.
    func parkedToReturn(_ state: PersonState) -> StoredParked? {
        state.parked.values.filter { deployment?.projects[$0.project]?.state == "open" }
            .min { ($0.parkedAt, $0.fence) < ($1.parkedAt, $1.fence) }
    }

    /// Opens a parked lease again if the gate lets its person work in that lane now.
    func returnParked(
        _ parked: StoredParked, _ stream: StreamID, _ state: inout PersonState, _ plan: inout FlushPlan
    ) -> Bool {
        guard let content = parkedContents[parked.fence], let lane = lanes[parked.lane],
            let project = deployment?.projects[parked.project],
            case .granted(let count, let until) = Gate.decide(
                person: state.facts, lane: ask(of: lane, project: project), limits: limits, now: state.at, want: 1
            ).decision, count > 0
        else { return false }
        // The lifetime counts leased time, before and after the park.
        let end = limits.leaseLifetime.map { parked.leasedSince(at: state.at) + $0 } ?? .distantFuture
        guard end > state.at else { return false }
        let lease = unpark(parked, deadline: min(until, end), for: stream, &state, &plan)
        state.held[lease.fence] = HeldLease(stored: lease, content: content)
        let why = GrantReason(
            policyVersion: deployment?.policyVersion ?? 0, provenance: lease.provenance,
            openLeases: state.held.count, openLeasesLimit: limits.openLeases,
            dayTasks: state.dayLabels + state.held.count, dayTasksLimit: limits.dayTasks)
        plan.grant(
            state.person, lease,
            why: [
                Int64(why.openLeases), Int64(limits.openLeases ?? -1), Int64(why.dayTasks),
                Int64(limits.dayTasks ?? -1),
            ])
        plan.attached.append(FlushPlan.Attached(stream: stream, person: state.person, lease: lease, isNew: true))
        plan.unparkedFor[stream, default: 0] += 1
        offer(content, lease, project, why, state.at, to: stream, &plan)
        return true
    }
}

import Ledger
import PlimsollModel
import QualityReview

/// Parked leases come back to the same person when there is nothing else, or after a while.
extension StoredParked {
    /// When it would have been granted had it never been parked: parked time is no leased time.
    func leasedSince(at now: Moment) -> Moment { now - (parkedAt - firstGrantedAt) }
}

extension StoredLease {
    /// Whether it was parked and came back.
    var cameBack: Bool { firstGrantedAt < grantedAt }
}

extension Dispatcher {
    /// What comes back before anything new, or what does when there is nothing else; first the one that waits longest.
    /// What keeps one of them away, as a limit on its kind, may leave the next one free.
    func parkedToReturn(to stream: StreamState, _ state: PersonState, first: Bool) -> [StoredParked] {
        state.parked.values.filter { parked in
            // Its holder put it aside for something else, but not for good.
            let isFirst = parked.atLimit || state.at - parked.parkedAt >= configuration.times.parkedAside
            return isFirst == first && (stream.project ?? parked.project) == parked.project
                && deployment?.projects[parked.project]?.state == "open"
        }
        .sorted { ($0.parkedAt, $0.fence) < ($1.parkedAt, $1.fence) }
    }

    /// Opens a parked lease again if the gate lets its person work in that lane now.
    func returnParked(
        _ parked: StoredParked, _ stream: StreamID, _ state: inout PersonState, _ plan: inout FlushPlan
    ) -> Bool {
        guard deployment?.readOnly == false,
            let content = plan.parkedRead[parked.fence] ?? parkedContents[parked.fence],
            let lane = lanes[parked.lane], let project = deployment?.projects[parked.project]
        else { return false }
        let answer = Gate.decide(
            person: state.facts, lane: ask(of: lane, project: project, effortSeconds: content.effortSeconds),
            limits: state.line.limits(in: project.id), now: state.at, want: 1)
        guard case .granted(let count, let until) = answer.decision, count > 0, let horizon = answer.horizon else {
            return false
        }
        // The lifetime counts leased time, before and after the park.
        let limits = state.line.limits(in: project.id)
        let end = limits.leaseLifetime.map { parked.leasedSince(at: state.at) + $0 } ?? .distantFuture
        guard end > state.at else { return false }
        var lease = unpark(parked, deadline: min(until, end), for: stream, &state, &plan)
        // Parked in this very flush it stands on what it stood on.
        lease.provenance = state.provenances[provenanceScope(of: parked.lane, parked.project)] ?? lease.provenance
        let load = LoadFigures(of: state.facts, limits: limits, at: state.at)
        let parks = horizon.parks(at: lease.deadline, since: lease.firstGrantedAt, lifetime: limits.leaseLifetime)
        state.held[lease.fence] = HeldLease(stored: lease, content: content, parks: parks)
        state.facts.openLeases.append(OpenLease(lease, in: lane.lane.leased))
        let why = GrantReason(
            policyVersion: deployment?.policyVersion ?? 0, provenance: lease.provenance,
            figures: figures(load, openLeases: state.facts.openLeases.count, state),
            deadlineRule: horizon.rule(at: lease.deadline))
        plan.grant(state.person, lease, why: why.figures, deadlineRule: why.deadlineRule)
        plan.attached.append(FlushPlan.Attached(stream: stream, person: state.person, lease: lease, isNew: true))
        plan.unparkedFor[stream, default: 0] += 1
        if parks { plan.parking.append((lease, state.person)) }
        offer(content, lease, project, why, parks: parks, state.at, to: stream, &plan)
        return true
    }
}

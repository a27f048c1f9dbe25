import Ledger
import PlimsollModel

/// For what one provenance of a person stands: a task of a higher severity stands on one more agreement.
struct ProvenanceScope: Hashable, Sendable {
    var project: ProjectID
    var severity: Int
}

/// What grants stand on, for exports and withdrawals to go by.
extension Dispatcher {
    func provenanceScope(of lane: LaneID, _ project: ProjectID) -> ProvenanceScope {
        ProvenanceScope(project: project, severity: storedLane(lane)?.severity ?? 1)
    }

    func provenanceKey(of state: PersonState, _ scope: ProvenanceScope) -> ProvenanceKey? {
        guard let deployment, let stored = deployment.projects[scope.project] else { return nil }
        let purposes = stored.purposes + [PurposeName.severity(scope.severity)].compactMap(\.self)
        return ProvenanceKey(
            person: state.person, project: scope.project, policyVersion: deployment.policyVersion,
            instructionsVersion: stored.instructionsVersion,
            agreements: Set(purposes.compactMap { state.agreementReferences[$0] }).sorted())
    }

    /// What each grant stands on, once for each person, project, severity and state of agreements.
    func nameProvenances(
        of grants: [(person: PersonID, scope: ProvenanceScope)], _ session: FlushSession, _ plan: inout FlushPlan
    ) async throws {
        var missing: [(person: PersonID, scope: ProvenanceScope, key: ProvenanceKey)] = []
        var seen: Set<ProvenanceKey> = []
        for (person, scope) in grants {
            guard let state = plan.states[person], state.provenances[scope] == nil,
                let key = provenanceKey(of: state, scope), seen.insert(key).inserted
            else { continue }
            missing.append((person, scope, key))
        }
        guard !missing.isEmpty else { return }
        plan.madeProvenances = true
        for (question, provenance) in zip(missing, try await session.provenances(missing.map(\.key))) {
            plan.states[question.person]?.provenances[question.scope] = provenance
        }
    }

    /// What is parked comes back under what holds by then: its holder sees the instructions of that day.
    func nameProvenancesOfParked(
        _ people: [PersonID], _ session: FlushSession, _ plan: inout FlushPlan
    ) async throws {
        let parked = people.flatMap { person in
            let wants = (streamsOf[person] ?? []).contains { (streams[$0]?.want ?? 0) > 0 }
            return (wants ? plan.states[person]?.parked.values.map { $0 } ?? [] : []).map {
                (person: person, scope: provenanceScope(of: $0.lane, $0.project))
            }
        }
        try await nameProvenances(of: parked, session, &plan)
    }
}

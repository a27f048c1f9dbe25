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

    /// What each grant stands on, once for each person, project, severity and state of agreements. Severities that need
    /// no agreement of their own stand on the same.
    func nameProvenances(
        of grants: [(person: PersonID, scope: ProvenanceScope)], _ session: FlushSession, _ plan: inout FlushPlan
    ) async throws {
        var missing: [ProvenanceKey] = []
        var scopes: [ProvenanceKey: Set<ProvenanceScope>] = [:]
        for (person, scope) in grants {
            guard let state = plan.states[person], state.provenances[scope] == nil,
                let key = provenanceKey(of: state, scope)
            else { continue }
            if scopes[key] == nil { missing.append(key) }
            scopes[key, default: []].insert(scope)
        }
        guard !missing.isEmpty else { return }
        plan.madeProvenances = true
        for (key, provenance) in zip(missing, try await session.provenances(missing)) {
            for scope in scopes[key] ?? [] { plan.states[key.person]?.provenances[scope] = provenance }
        }
    }

    /// What is parked comes back under what holds by then: its holder sees the instructions of that day. Also where
    /// nothing is wanted yet, as a want may come in while this flush is under way.
    func nameProvenancesOfParked(
        _ people: [PersonID], _ session: FlushSession, _ plan: inout FlushPlan
    ) async throws {
        let parked = people.flatMap { person in
            (plan.states[person]?.parked.values.map { $0 } ?? []).map {
                (person: person, scope: provenanceScope(of: $0.lane, $0.project))
            }
        }
        try await nameProvenances(of: parked, session, &plan)
    }
}

import Ledger
import PlimsollModel
import QualityReview

/// What queue status is told of the workers here: for which projects anybody is connected, and whether any of them
/// could be given something now. The only place where that is known; see ``Ledger/reportPresence(_:of:)``.
extension Dispatcher {
    /// Lanes asked about before others get their turn with this actor.
    private static let lanesPerTurn = 256

    /// For each open project with somebody connected, whether anybody connected is available. Empty where nothing is
    /// granted.
    ///
    /// The gate is not asked again for a project for which somebody available was found, so while work flows it is
    /// asked for a few streams. Only where nobody can be given anything it is asked for all of them, a few at a time.
    func presence() async -> [ProjectPresence] {
        var found: [ProjectID: Bool] = [:]
        var asked = 0
        for id in Array(streams.keys) {
            guard mayGrant, let deployment, !deployment.readOnly else { return [] }
            asked += look(at: id, deployment, &found) + 1
            if asked >= Self.lanesPerTurn {
                asked = 0
                await Task.yield()
            }
        }
        return found.map { ProjectPresence(project: $0, isAvailable: $1) }
    }

    /// A worker that has asked for nothing yet may be of a person whose state was not read; the first want brings it.
    /// Gives how many lanes were asked about.
    private func look(at id: StreamID, _ deployment: DeploymentState, _ found: inout [ProjectID: Bool]) -> Int {
        guard let stream = streams[id], stream.isAttached, !stream.isLeaving, var state = people[stream.person] else {
            return 0
        }
        var isFresh = false
        var asked = 0
        for id in state.facts.enrolled where found[id] != true && (stream.project ?? id) == id {
            guard let project = deployment.projects[id], project.state == "open" else { continue }
            if !isFresh { state.refreshOpenLeases(lanes: storedLane) }
            isFresh = true
            found[id] = (laneOrder[id] ?? []).contains {
                asked += 1
                return couldGive($0, of: project, to: state)
            }
        }
        return asked
    }

    /// The lane holds something that this person was not looked through for, and the gate is open.
    private func couldGive(_ lane: LaneID, of project: StoredProject, to state: PersonState) -> Bool {
        guard let feed = lanes[lane], mayHoldMore(lane, for: state.person) || !feed.isEmpty,
            let longest = longest(in: feed, of: project, for: state)
        else { return false }
        return feed.hasSomething(for: state.person, longest: longest)
            || mayLook(in: lane, for: state.person, longest: longest)
    }
}

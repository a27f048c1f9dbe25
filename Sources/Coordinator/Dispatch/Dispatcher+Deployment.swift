import Ledger
import Logging
import PlimsollModel
import QualityReview

/// Taking on the deployment's state when the epoch has moved, and membership.
extension Dispatcher {
    /// Makes `state` the one that decisions are made by. People are read anew: roles, denials and enrolments may have
    /// changed with it.
    func adopt(_ state: DeploymentState) {
        // Read without the epoch's lock, it may be older than what a flush has read since.
        if let deployment, deployment.epoch > state.epoch { return }
        var compiled: [ProjectID: AnswerSchema] = [:]
        for (id, project) in state.projects.merging(state.closedProjects, uniquingKeysWith: { open, _ in open }) {
            if storedProject(id)?.answerSchema == project.answerSchema, let known = schemas[id] {
                compiled[id] = known
                continue
            }
            do {
                compiled[id] = try AnswerSchema.compile(Array(project.answerSchema.utf8))
            } catch {
                // Refused at creation; should one be there all the same, the project takes no answers (P2: in doubt,
                // no).
                logger.error("a project's answer schema cannot be read", metadata: ["project": "\(project.name)"])
            }
        }
        schemas = compiled
        adoptPolicy(state)
        for (id, project) in state.projects {
            share.setWeight(Double(project.weight), of: id)
            // What stands still saves no share up.
            if project.state != "open" { share.markIdle(id) }
        }
        for id in deployment?.projects.keys.filter({ state.projects[$0] == nil }) ?? [] {
            share.remove(id)
            laneOrder[id] = nil
        }
        deployment = state
    }

    /// Open, paused or closed.
    func storedProject(_ id: ProjectID) -> StoredProject? {
        deployment?.projects[id] ?? deployment?.closedProjects[id]
    }

    private func adoptPolicy(_ state: DeploymentState) {
        if deployment?.policyVersion == state.policyVersion, deployment != nil { return }
        do {
            document = try state.policyInForce()
        } catch {
            // P2: a document that cannot be read is a doubt; the strictest reading is that nothing is granted.
            logger.error(
                "the policy cannot be read; nothing is granted until another is applied",
                metadata: ["version": "\(state.policyVersion)", "error": "\(error.forLog)"])
            document = .defaults
            document.limits.openLeases = 0
        }
    }

    /// Called by the membership loop. The life is counted from before the question, by the monotonic clock, so it is
    /// over here before it is over in the database.
    func lifeRenewed(_ id: CoordinatorID, askedAt: ContinuousClock.Instant) {
        if coordinator != id {
            // A new life: what the old one held is being adopted like any other's.
            coordinator = id
            people = [:]
            doubtful = [:]
            strays = [:]
            prefetch = [:]
            for lane in lanes.keys {
                guard let feed = lanes[lane] else { continue }
                lanes[lane] = LaneFeed(lane: feed.lane, isShared: feed.isShared, now: clock.now)
            }
            feedStaleness = .everything
            wakeFeeder()
        }
        life.renew(id, askedAt: askedAt, until: askedAt + configuration.times.selfStop)
    }

    /// The loops have ended.
    func lifeOver() { life.end(of: coordinator) }

    /// What the new life vouches for: its streams present what they hold.
    func presentAgain(after old: CoordinatorID) {
        for (id, stream) in streams where !stream.held.isEmpty {
            let leases = stream.held.compactMap { fence in
                heldTasks[fence].map { LeaseReference(task: $0, fence: fence) }
            }
            enqueue(stream.person) {
                $0.presented.append(PersonWork.Presented(stream: id, leases: leases, by: .newLife(after: old)))
            }
        }
    }

    /// Leases that a gone coordinator vouched for and nobody presented.
    func endOrphans(
        _ orphans: [(person: PersonID, task: TaskID, fence: Fence)], of gone: CoordinatorID, lastSign: Moment
    ) {
        for orphan in orphans {
            enqueue(orphan.person) {
                $0.ends.append(
                    PersonWork.End(
                        lease: LeaseReference(task: orphan.task, fence: orphan.fence), how: .coordinatorLost,
                        vouchedBy: gone, lastSign: lastSign))
            }
        }
    }

    func markFeedStale(_ what: FeedStaleness = .everything) {
        feedStaleness.formUnion(what)
        wakeFeeder()
    }

    func refreshPerson(_ person: PersonID) {
        if streamsOf[person] != nil { enqueue(person) { $0.refresh = true } }
    }
}

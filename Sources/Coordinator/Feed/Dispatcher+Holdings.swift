import Ledger
import Logging
import PlimsollModel

/// What this coordinator holds in the database, slots and leases: compared with memory after a doubt, given back when
/// nobody takes it, ended when it was forgotten.
extension Dispatcher {
    func tickLanes(_ session: FeedSession) async throws {
        let now = clock.now
        let elapsed = lastTick.map { now - $0 } ?? configuration.times.poll
        // A rate over a few milliseconds says nothing, and a claim by it would keep slots from other coordinators.
        guard elapsed * 2 >= configuration.times.poll else { return }
        lastTick = now
        for lane in lanes.keys {
            lanes[lane]?.tick(elapsed: elapsed)
            guard let feed = lanes[lane], !feed.isEmpty || feed.hasSpent else { continue }
            // In a lane that is drawn from, what nobody took for longer than a claim may last is surplus, or not for
            // the people who are here.
            let isIdle = now - feed.lastGrant > configuration.times.holding
            let patience = isIdle ? configuration.times.holding : configuration.times.surplus
            try await giveBack(lane, heldSince: now - patience, session)
        }
    }

    private func giveBack(
        _ lane: LaneID, heldSince: ContinuousClock.Instant, _ session: FeedSession
    ) async throws {
        guard let back = lanes[lane]?.giveBack(heldSince: heldSince) else { return }
        // Should it fail, the rows are still under our number and in nobody's memory: the next session finds them.
        let newest = try await session.giveBack(
            lane: lane, blocks: back.blocks, returned: back.returned, ranges: back.ranges)
        if let newest, newest > lanes[lane]?.lane.newestSpan ?? 0 { lanes[lane]?.lane.newestSpan = newest }
    }

    /// Brings memory in line with what the database says that we hold: after a lost connection, a claim may be lost
    /// (see ``FeedStatements``), a giving back may have happened or not, and so may a flush.
    func compareHoldings(_ session: FeedSession) async throws {
        areHoldingsDoubtful = false
        do {
            let held = try await session.holdings()
            guard session.coordinator == coordinator else { return }
            let known = Set(held.blocks.map(\.id))
            for lane in lanes.keys { lanes[lane]?.keepOnly(blocks: known) }
            let fences = Set(held.returned.map(\.fence))
            for lane in strays.keys { strays[lane]?.removeAll { !fences.contains($0.fence) } }
            for back in held.returned where strays[back.lane]?.contains(where: { $0.fence == back.fence }) != true {
                lanes[back.lane]?.addReturned(
                    back.content, slot: back.slot, fence: back.fence, since: held.now, now: clock.now)
            }
            var forgotten: [LaneID: [Int64]] = [:]
            for block in held.blocks where lanes[block.lane]?.holds(.block(block.id)) == false {
                forgotten[block.lane, default: []].append(block.id)
            }
            for (lane, blocks) in forgotten { try await session.dissolve(blocks, of: lane, now: held.now) }
            if !forgotten.isEmpty { feedStaleness = .everything }
        } catch {
            areHoldingsDoubtful = true
            throw error
        }
    }

    /// Returned slots whose task is not in memory go straight back as spans.
    func giveBackStrays(_ session: FeedSession) async throws {
        for (lane, leases) in strays {
            strays[lane] = nil
            do {
                try await session.giveBack(
                    lane: lane, blocks: [], returned: leases.map(\.fence),
                    ranges: leases.map {
                        SpanRange(slot: $0.slot, first: $0.task, last: $0.task, fresh: false, since: $0.grantedAt)
                    })
            } catch {
                // In a new life they are adopted like all that the old one held.
                if session.coordinator == coordinator { strays[lane, default: []].append(contentsOf: leases) }
                throw error
            }
        }
    }

    /// A drain gives everything back, so that nobody waits for this life to run out.
    func returnEverything(_ session: FeedSession) async {
        for lane in lanes.keys {
            do {
                try await giveBack(lane, heldSince: clock.now, session)
            } catch {
                logger.warning("slots stay with this coordinator until it is adopted", metadata: ["lane": "\(lane)"])
                return
            }
        }
    }

    /// P12: what this coordinator holds in the database and has forgotten in memory ends all the same, if only a minute
    /// later.
    func endOverdue(_ session: FeedSession) async throws {
        guard clock.now - lookedForOverdueAt >= configuration.times.overdue else { return }
        lookedForOverdueAt = clock.now
        let late = configuration.times.deadlineGrace + configuration.times.overdue
        for lease in try await session.overdue(of: coordinator, by: late) {
            end(lease, how: .expired, vouchedBy: coordinator)
        }
    }

    func end(_ lease: FeedSession.Held, how: LeaseEnd, vouchedBy: CoordinatorID?) {
        enqueue(lease.person) {
            $0.ends.append(
                PersonWork.End(
                    lease: LeaseReference(task: lease.task, fence: lease.fence), how: how, vouchedBy: vouchedBy))
        }
    }
}

import Ledger
import PlimsollModel
import Postgres
import TestSupport

/// What happens to all schedules between two of their steps: time, policies, read-only mode, a death.
extension World {
    func prepare(_ step: Int) async throws {
        var random = SplitMix64(seed: seed, UInt64(number), UInt64(step), 1 << 32)
        if random.chance(3) {
            let was = situation
            try await kill(random.below(2), step)
            // Before the clock goes on: a death takes seconds, in which leases end.
            try await absorb(since: was, step)
        }
        let was = situation
        if random.chance(7) {
            note("step \(step): another policy")
            try await apply(PolicyDraw.policy(&random, generous: isSlow && random.chance(60)))
        }
        if random.chance(situation.readOnly == [true] ? 50 : 3) {
            let isOn = situation.readOnly == [false]
            note("step \(step): read-only \(isOn)")
            _ = try await ledger.setReadOnly(isOn, reason: "a schedule", by: "op")
            situation.readOnly = [isOn]
            counts["read-only switched", default: 0] += 1
        }
        if let by = jump(&random) {
            note("step \(step): \(by / .second) s pass")
            try await moveClock(by: by)
        }
        try await absorb(since: was, step)
    }

    /// What came true by itself since the last look.
    private func absorb(since was: Situation, _ step: Int) async throws {
        var meanwhile = situation
        meanwhile.current = Array(Set(was.current + situation.current)).sorted()
        meanwhile.readOnly = was.readOnly.union(situation.readOnly)
        let rows = try await look()
        for (cell, rows) in zip(cells, rows) {
            cell.step = step
            cell.absorb(rows, [], meanwhile, before: cell.state)
            if !cell.violations.isEmpty { cell.log.append("step \(step), before its operation: \(rows)") }
        }
    }

    /// How much time passes; nil: none.
    private func jump(_ random: inout SplitMix64) -> Micros? {
        enum Length { case none, seconds, moment, minutes, hours, days }
        let length = random.pick(weighted: [
            (Length.none, isSlow ? 30 : 46), (.seconds, isSlow ? 10 : 30), (.moment, 12), (.minutes, isSlow ? 44 : 7),
            (.hours, 4), (.days, 1),
        ])
        switch length {
        case .none?, nil: return nil
        case .seconds?: return Micros(1 + random.below(70)) * .second
        case .moment?: return momentAhead(&random)
        case .minutes?:
            let minutes = isSlow ? 8 + random.below(26) : 2 + random.below(43)
            return Micros(minutes) * .minute + Micros(random.below(60)) * .second
        case .hours?: return Micros(1 + random.below(13)) * .hour + Micros(random.below(3_600)) * .second
        case .days?: return Micros(1 + random.below(2)) * 24 * .hour + Micros(random.below(3_600)) * .second
        }
    }

    /// To just before, at, or just after something that happens by itself to one of the cells.
    private func momentAhead(_ random: inout SplitMix64) -> Micros? {
        guard let cell = random.pick(cells.filter { $0.step < $0.length }) else { return nil }
        let now = situation.now
        var moments: Set<Micros> = []
        for lease in cell.state.leases.values {
            switch lease.state {
            case .open: moments.formUnion([lease.deadline, lease.deadline + 5 * .second])
            case .parked(let until): moments.insert(until)
            default: break
            }
        }
        for person in cell.state.people {
            let day = person.local.day(now)
            moments.insert(person.local.start(ofDay: day + 1))
            for consent in person.consents.values where consent.opens { moments.insert(consent.until) }
            let policy = person.limits(under: situation.present)
            if let last = person.worked.map(\.to).max() {
                moments.insert(last + (policy.breakTime ?? 0))
                moments.insert(last + policy.restBetweenDays)
            }
        }
        let ahead = moments.filter { $0 > now + .second && $0 < now + 12 * .hour }.sorted().prefix(6)
        guard let moment = random.pick(Array(ahead)) else { return nil }
        let offsets: [Micros] = [-.second, 0, .second]
        return moment + offsets[random.below(3)] - now
    }

    // MARK: Time

    func moveClock(by duration: Micros) async throws {
        situation.now += duration
        try await setClock(situation.now)
        try await settle()
    }

    /// Sets the clock. Coordinators that live stay members, as if they had renewed their lives by the new clock; those
    /// that are dead run out by it.
    /// Under the epoch's lock: no flush is under way that has read the clock before. And nobody reads of lives
    /// meanwhile: a statement that began with the old ones would hold them against the new clock.
    func setClock(_ moment: Micros) async throws {
        let names = members.suffix(2).map { "'\($0.name)'" }.joined(separator: ",")
        let isSet = try await eventually(within: .seconds(30)) {
            do {
                try await owner.execute(
                    script: """
                        begin;
                        lock table coordinator_life in access exclusive mode;
                        select pg_advisory_xact_lock(\(EpochLock.key));
                        update standing_clock set at = to_timestamp(\(moment / .second))
                            + interval '\(moment % .second) microseconds';
                        insert into coordinator_life (coordinator_id, n, until)
                            select l.coordinator_id, max(l.n) + 1, clock() + interval '3 seconds'
                            from coordinator_life l join coordinator c using (coordinator_id)
                            where c.left_at is null and c.name in (\(names.isEmpty ? "''" : names)) group by 1;
                        commit;
                        """)
                return true
            } catch let error as PostgresError where error.sqlState == "40P01" {
                try await owner.execute(script: "rollback")
                return false
            }
        }
        if !isSet { faults.append("the clock could not be set") }
        let made = try await eventually(within: .seconds(30)) {
            do {
                _ = try await owner.query(Query(.unprepared("select ensure_partitions(1)")))
                return true
            } catch let error as PostgresError where error.sqlState == "55P03" {
                return false
            }
        }
        if !made { faults.append("there are no partitions for the day") }
    }

    /// Waits until everything has ended whose time is over.
    func settle() async throws {
        try await readLive()
        _ = try await owner.query(Query(.unprepared("notify plimsoll_lane")))
        var left: Int64 = 0
        let isSettled = try await eventually(within: .seconds(30)) {
            left = try await owner.query(Query(Self.due, .int8Array(live)))[0].int8(0)
            return left == 0
        }
        if !isSettled { faults.append("P12: \(left) leases whose time is over did not end") }
    }

    private static let due = Statement(
        "world_due",
        """
        select (select count(*) from lease l where l.deadline + interval '5 seconds' <= clock()
                and l.coordinator_id = any($1::bigint[]))
            + (select count(*) from lease l join coordinator c using (coordinator_id)
                where c.left_at is not null and clock() >= c.left_at + interval '15 seconds')
            + (select count(*) from parked where until <= clock())
        """)

    func readLive() async throws {
        let rows = try await owner.query(
            Query(Statement("world_members", "select coordinator_id, name, left_at is null from coordinator")))
        let names = Set(members.suffix(2).map(\.name))
        live = []
        for row in rows {
            if try row.bool(2), names.contains(try row.text(1)) { live.append(try row.int8(0)) }
            if try !row.bool(2) { situation.gone.insert(try row.int8(0)) }
        }
    }

    // MARK: Commands

    func apply(_ policy: Limits, beside: Bool = false) async throws {
        let row = try await ledger.applyPolicy(
            policy.document, reason: "a schedule", stoppingEveryone: true, by: "op")
        situation.policies[row.version] = policy
        situation.current = beside ? situation.current + [row.version] : [row.version]
        counts["policies", default: 0] += 1
    }

    /// A coordinator dies; another is started, and those that live take over.
    private func kill(_ place: Int, _ step: Int) async throws {
        note("step \(step): coordinator \(place) is killed")
        counts["kills", default: 0] += 1
        let dead = members.suffix(2)[members.count - 2 + place]
        dead.life.cancel()
        _ = await dead.life.result
        for cell in cells.indices {
            for hand in cells[cell].workers.indices where cells[cell].workers[hand].coordinator == place {
                cells[cell].step = step
                lose(hand, of: cell)
            }
        }
        let other = members[members.count - 1 - place]
        try await startMember()
        // Places are kept: who died was at `place`, and so is who comes instead.
        let new = members.removeLast()
        members.removeLast(2)
        members += place == 0 ? [new, other] : [other, new]
        situation.now += 4 * .second
        try await setClock(situation.now)
        let isAdopted = try await eventually(within: .seconds(30)) {
            let query = Query(
                Statement(
                    "world_adopted",
                    "select count(*) from coordinator where name = $1 and (left_at is null or adopted_at is null)"),
                .text(dead.name))
            return try await owner.query(query)[0].int8(0) == 0
        }
        if !isAdopted { faults.append("P12: nobody took over from a dead coordinator") }
        try await settle()
    }
}

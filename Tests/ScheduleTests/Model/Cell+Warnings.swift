import PlimsollModel

/// The word before a limit: five minutes before it parks something, and at no other time.
extension Cell {
    /// A limit that parks a lease, or may.
    struct LimitAhead {
        let fence: Fence
        let at: Micros
        /// The step in which its word was due.
        var dueIn: Int?
        /// Its word was heard, or comes no more.
        var isSpent = false
    }

    static let warnBefore: Micros = 5 * .minute
    /// Between two looks at the database's clock, which stands still, a coordinator's own goes on.
    private static let clockSlack: Micros = 2 * .minute
    /// So many steps after the clock was set every coordinator has looked at it.
    private static let clockSteps = 10

    func expectWarning(of fence: Fence, _ person: PersonID, at limit: Micros) {
        limitsAhead[person, default: []].append(LimitAhead(fence: fence, at: limit))
    }

    /// Takes in how often the present connection of a hand was warned by now: each time of another limit that is near.
    func hear(_ warnings: Int, by hand: Int, _ situation: Situation) {
        let new = warnings - workers[hand].warnings
        guard new > 0 else { return }
        workers[hand].warnings = warnings
        workers[hand].warnedAt = situation.now
        count("warnings", new)
        let person = person(ofHand: hand)
        for _ in 0..<new {
            let limits = limitsAhead[person.id] ?? []
            let near = limits.indices.filter {
                !limits[$0].isSpent && limits[$0].at - Self.warnBefore <= situation.now + Self.clockSlack
            }
            // The earliest, so that the others explain what comes later.
            guard let index = near.min(by: { limits[$0].at < limits[$1].at }) else {
                if !uncertain.contains(person.id) {
                    fail("section 9", "\(person.name) was warned, and no limit that parks anything is near")
                }
                return
            }
            limitsAhead[person.id]?[index].isSpent = true
        }
    }

    /// After a step: what nobody was warned of by now nobody will be.
    func passLimits(_ situation: Situation) {
        limitsAhead = limitsAhead.mapValues { limits in
            limits.map { limit in
                var limit = limit
                if limit.dueIn == nil, limit.at - Self.warnBefore <= situation.now { limit.dueIn = step }
                if let dueIn = limit.dueIn, step - dueIn > Self.clockSteps { limit.isSpent = true }
                return limit
            }
        }
    }

    /// A lease of whose limit this hand must hear by now and has not; nil: none for certain.
    func unwarned(_ hand: Int, _ situation: Situation) -> LeaseModel? {
        state.leases.values.first { lease in
            // A limit that is less than five minutes before or after another may be told with it.
            let nearest = lease.deadline < .never ? lease.deadline - Self.warnBefore : .never
            let alone = nearest - Self.warnBefore - Self.clockSlack
            guard lease.state == .open, lease.parks == true, let told = lease.told, told.hand == hand,
                isRemembered(lease), told.at < alone, situation.now >= nearest,
                workers[hand].warnedAt.map({ $0 < alone }) ?? true
            else { return false }
            return (limitsAhead[lease.person] ?? []).allSatisfy { limit in
                guard limit.at > nearest, let other = state.leases[limit.fence] else { return true }
                return other.told?.hand == hand && isRemembered(other)
            }
        }
    }
}

import PlimsollModel

/// Limits that count leases and labels.
extension LimitCheck {
    static let openLeases = LimitCheck(rule: .openLeases) { person, _, limits, _ in
        guard let limit = limits.openLeases else { return .clear }
        let open = person.openLeases.count
        guard open >= limit else { return .allows(count: limit - open) }
        // By its deadline at the latest the next lease is over.
        let next = limit > 0 ? person.openLeases.lazy.map(\.deadline).min() : nil
        return .refuses(Refusal(rule: .openLeases, value: String(open), limit: String(limit), until: next))
    }

    static let dayTasks = LimitCheck(rule: .dayTasks) { person, _, limits, now in
        guard let limit = limits.dayTasks else { return .clear }
        let today: (day: LocalDay, start: Moment, end: Moment)
        do {
            today = try Zone.named(person.zone).bounds(at: now)
        } catch {
            // P2: a day that cannot be told is a doubt, and a doubt is no lease.
            return .refuses(Refusal(rule: .dayTasks, value: "unknown zone", limit: String(limit), scope: person.zone))
        }
        // A date ahead of today is one that a change of zone brought; counting it is the stricter reading.
        var used = person.openLeases.count
        if let labels = person.labelsByDay, labels.day >= today.day { used += labels.count }
        guard used >= limit else { return .allows(count: limit - used) }
        return .refuses(
            Refusal(
                rule: .dayTasks, value: String(used), limit: String(limit), until: limit > 0 ? today.end : nil))
    }
}

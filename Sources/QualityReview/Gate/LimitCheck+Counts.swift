import PlimsollModel

/// Limits that count leases and labels.
extension LimitCheck {
    static let openLeases = LimitCheck(rule: .openLeases) { question in
        guard let limit = question.limits.openLeases else { return .clear }
        let open = question.person.openLeases
        let gauge = Gauge(used: open.count, limit: limit)
        guard open.count >= limit else { return .allows(count: limit - open.count, gauge: gauge) }
        // By its deadline at the latest the next lease is over; past it, any moment now.
        let next = limit > 0 ? open.lazy.map(\.deadline).min() : nil
        let until = next.map { $0 > question.now ? $0 : question.now + overdueLeaseEnds }
        return .refuses(
            Refusal(rule: .openLeases, value: String(open.count), limit: String(limit), until: until), gauge: gauge)
    }

    /// When to come back while a lease that is past its deadline is in its grace.
    private static let overdueLeaseEnds = Duration.seconds(5)

    static let dayTasks = LimitCheck(rule: .dayTasks) { question in
        guard let limit = question.limits.dayTasks else { return .clear }
        return question.inEachZone { zone in
            let today = zone.bounds(at: question.now)
            // A date ahead of today is one that a change of zone brought; counting it is the stricter reading.
            var used = question.person.openLeases.count
            if let labels = question.person.labelsByDay, labels.day >= today.day { used += labels.count }
            let gauge = Gauge(used: used, limit: limit)
            guard used >= limit else { return .allows(count: limit - used, gauge: gauge) }
            return .refuses(
                Refusal(
                    rule: .dayTasks, value: String(used), limit: String(limit), until: limit > 0 ? today.end : nil),
                gauge: gauge)
        }
    }
}

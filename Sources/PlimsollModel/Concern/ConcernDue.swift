/// When a concern is due its first reply by a human being, and whose turn it is. Pure; dates are of the zone in which
/// those who answer live.
public enum ConcernDue {
    /// The next working day: Monday to Friday. What is raised on a Friday or at a weekend is due on Monday.
    public static func firstReply(raisedOn day: LocalDay) -> LocalDay {
        var due = day.advanced(by: 1)
        while !isWorking(due) { due = due.advanced(by: 1) }
        return due
    }

    /// Working days that have passed since the day it was due, without it: 0 when it is not overdue.
    public static func daysOverdue(dueOn due: LocalDay, on today: LocalDay) -> Int {
        let days = today.days(since: due)
        guard days > 0 else { return 0 }
        // Five in each whole week, and the rest one by one.
        var count = days / 7 * 5
        var day = due.advanced(by: days / 7 * 7)
        while day < today {
            day = day.advanced(by: 1)
            if isWorking(day) { count += 1 }
        }
        return count
    }

    /// Whom a concern without a reply is addressed to: the first of the project's named persons, with each working day
    /// that it is overdue one more. Operators too once the list is used up, or where there is none.
    public static func addressees(_ namedPersons: [String], daysOverdue: Int) -> (names: [String], operators: Bool) {
        (Array(namedPersons.prefix(daysOverdue + 1)), daysOverdue >= namedPersons.count)
    }

    private static func isWorking(_ day: LocalDay) -> Bool { day.weekday <= 5 }
}

/// When enough people have pulled the cord for a project to stop.
public enum CordThreshold {
    /// How many different people: the policy's share of the project's engineers, rounded up, and never fewer than the
    /// smallest group that figures on operations are shown of (k). Nil: the project has fewer than k engineers, so a
    /// cord is a concern that is due the same day.
    public static func people(engineers: Int, oversight: OversightLimits) -> Int? {
        guard engineers >= oversight.groupOperations else { return nil }
        return max(oversight.groupOperations, (engineers * oversight.cordShare + 99) / 100)
    }
}

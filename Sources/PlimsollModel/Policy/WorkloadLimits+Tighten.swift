extension WorkloadLimits {
    /// These limits made stricter by a layer (team, project, engineer); a layer can never loosen.
    ///
    /// Of each limit the stricter one holds: the smaller amount of work, the longer rest. What is nil in the layer
    /// stays as it is. Quiet hours become the shortest stretch that covers both.
    public func tightened(by layer: WorkloadLimits) -> WorkloadLimits {
        var result = self
        result.openLeases = Self.least(openLeases, layer.openLeases)
        result.dayTime = Self.least(dayTime, layer.dayTime)
        result.weekTime = Self.least(weekTime, layer.weekTime)
        result.dayTasks = Self.least(dayTasks, layer.dayTasks)
        result.continuousTime = Self.least(continuousTime, layer.continuousTime)
        result.breakTime = Self.most(breakTime, layer.breakTime)
        result.leaseLifetime = Self.least(leaseLifetime, layer.leaseLifetime)
        result.parkedLeases = Self.least(parkedLeases, layer.parkedLeases)
        result.parkedTime = Self.least(parkedTime, layer.parkedTime)
        result.dailyRest = Self.most(dailyRest, layer.dailyRest)
        result.weeklyRest = Self.most(weeklyRest, layer.weeklyRest)
        result.weeklyRestDays = Self.least(weeklyRestDays, layer.weeklyRestDays)
        result.quietHours = quietHours.map { $0.covering(layer.quietHours) } ?? layer.quietHours
        result.kindDay = Self.least(kindDay, layer.kindDay)
        result.kindWeek = Self.least(kindWeek, layer.kindWeek)
        result.severity2Day = Self.least(severity2Day, layer.severity2Day)
        result.severity3Day = Self.least(severity3Day, layer.severity3Day)
        return result
    }

    /// Of what only holds in pairs, the other half as it is shipped where one half is there.
    var completed: WorkloadLimits {
        var result = self
        (result.continuousTime, result.breakTime) = Self.paired(
            continuousTime, breakTime, Self.defaults.continuousTime, Self.defaults.breakTime)
        (result.weeklyRest, result.weeklyRestDays) = Self.paired(
            weeklyRest, weeklyRestDays, Self.defaults.weeklyRest, Self.defaults.weeklyRestDays)
        return result
    }

    private static func paired<One, Other>(
        _ one: One?, _ other: Other?, _ shippedOne: One?, _ shippedOther: Other?
    ) -> (One?, Other?) {
        one == nil && other == nil ? (nil, nil) : (one ?? shippedOne, other ?? shippedOther)
    }

    private static func least<Amount: Comparable>(_ left: Amount?, _ right: Amount?) -> Amount? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    private static func most<Amount: Comparable>(_ left: Amount?, _ right: Amount?) -> Amount? {
        guard let left, let right else { return left ?? right }
        return max(left, right)
    }
}

extension QuietHours {
    /// The shortest stretch that is quiet wherever either is.
    func covering(_ other: QuietHours?) -> QuietHours {
        guard let other else { return self }
        let bounds = [(start, end), (start, other.end), (other.start, end), (other.start, other.end)]
        let covers = bounds.compactMap { QuietHours(start: $0.0, end: $0.1) }.filter { candidate in
            (0..<Self.minutesADay).allSatisfy { minute in
                candidate.contains(minute: minute) || !contains(minute: minute) && !other.contains(minute: minute)
            }
        }
        // Together they can fill the day, which a stretch cannot say; then all but its last minute is quiet.
        let all = QuietHours(start: start, end: (start + Self.minutesADay - 1) % Self.minutesADay)
        return covers.min { $0.length < $1.length } ?? all ?? self
    }
}

import TestSupport

/// Policies and layers out of a seed: most limits as shipped or none, some so low that a short schedule meets them.
enum PolicyDraw {
    /// `generous`: nothing but the law and the lease's own length stands in the way for hours.
    static func policy(_ random: inout SplitMix64, generous: Bool = false) -> Limits {
        var limits = Limits.shipped
        if generous {
            limits.quietHours = nil
            (limits.openLeases, limits.dayTime, limits.weekTime) = (6, nil, nil)
            (limits.kindDay, limits.kindWeek, limits.severity2Day, limits.severity3Day) = (nil, nil, nil, nil)
            (limits.continuousTime, limits.breakTime) = (nil, nil)
            return limits
        }
        limits.quietHours = draw(
            &random, nil, [.init(from: 20 * 60, to: 8 * 60), .init(from: 12 * 60, to: 13 * 60 + 30)], 25)
        limits.openLeases = draw(&random, 3, [1, 2, 4, 6, nil])
        limits.dayTime = draw(&random, 4 * .hour, [8 * .minute, 30 * .minute, 10 * .hour, nil])
        limits.weekTime = draw(&random, 20 * .hour, [25 * .minute, 2 * .hour, nil], 30)
        limits.dayTasks = draw(&random, nil, [3, 5, 8], 25)
        (limits.continuousTime, limits.breakTime) = draw(
            &random, (50 * .minute, 10 * .minute),
            [(5 * .minute, 2 * .minute), (12 * .minute, 5 * .minute), (nil, nil)])
        limits.leaseLifetime = draw(&random, 50 * .minute, [3 * .minute, 10 * .minute], 30)
        limits.parkedLeases = draw(&random, 3, [1, 2], 40)
        limits.parkedTime = draw(&random, 72 * .hour, [20 * .minute, 3 * .hour], 40)
        limits.dailyRest = draw(&random, 11 * .hour, [14 * .hour, 22 * .hour, 23 * .hour], 30)
        limits.weeklyRest = draw(&random, 35 * .hour, [60 * .hour], 20)
        limits.weeklyRestDays = draw(&random, 6, [1, 2], 30)
        limits.kindDay = draw(&random, 2 * .hour, [6 * .minute, 15 * .minute, nil], 40)
        limits.kindWeek = draw(&random, 12 * .hour, [20 * .minute, nil], 30)
        limits.severity2Day = draw(&random, 60 * .minute, [4 * .minute, nil], 40)
        limits.severity3Day = draw(&random, 0, [5 * .minute, nil], 50)
        limits.redelivery = draw(&random, 5, [2, 3, nil], 50)
        return limits
    }

    /// What somebody sets for themselves.
    static func layer(_ random: inout SplitMix64) -> Limits {
        var limits = Limits()
        switch random.below(6) {
        case 0: limits.openLeases = 1 + random.below(2)
        case 1: limits.dayTime = 6 * .minute
        case 2: limits.dayTasks = 2 + random.below(3)
        case 3: (limits.continuousTime, limits.breakTime) = (4 * .minute, 15 * .minute)
        case 4: limits.kindDay = 5 * .minute
        default: limits.dailyRest = 20 * .hour
        }
        return limits
    }

    private static func draw<Value>(
        _ random: inout SplitMix64, _ usual: Value, _ others: [Value], _ percent: Int = 50
    ) -> Value {
        random.chance(percent) ? random.pick(others) ?? usual : usual
    }
}

public import PlimsollModel

/// Shares grants between projects in proportion to weight, counted in effort and not in tasks.
///
/// Each project carries a virtual time that moves on by effort divided by weight with each grant; the eligible project
/// with the least comes next (start-time fair queueing: Goyal, Vin, Cheng 1996). A project that had nothing to give
/// re-enters at the current time, so being idle earns no arrears; one that is ready but that nobody at hand may work
/// on keeps its claim up to `creditMax`, so it cannot starve the others later. A pure value: the holder locks.
public struct FairShare: Sendable {
    /// How far a ready project may fall behind its share, in effort seconds.
    public static let creditMax = 3_600.0
    /// An effort of zero or less counts as this, so that every grant moves its project on.
    public static let effortSecondsMin = 1

    private struct Share {
        var weight: Double
        var time: Double
        var isReady: Bool
    }

    private var shares: [ProjectID: Share] = [:]
    /// The virtual time of the latest grant; never goes back.
    private var clock = 0.0

    public init() {}

    /// Makes a project known or changes its weight; what it was granted before keeps counting. A weight that is no
    /// positive number counts as 1.
    public mutating func setWeight(_ weight: Double, of project: ProjectID) {
        let usable = weight.isFinite && weight > 0 ? weight : 1
        shares[project, default: Share(weight: usable, time: clock, isReady: false)].weight = usable
    }

    /// Forgets a project that was closed.
    public mutating func remove(_ project: ProjectID) { shares[project] = nil }

    /// The project has tasks to give. Coming from idle it starts at the current time.
    public mutating func markReady(_ project: ProjectID) {
        var share = shares[project] ?? Share(weight: 1, time: clock, isReady: false)
        if !share.isReady {
            share.time = max(share.time, clock)
            share.isReady = true
        }
        shares[project] = share
    }

    /// The project has nothing to give, or stands still: what it is behind by is forgotten when it is ready again. Said of
    /// one that is not known, nothing changes.
    public mutating func markIdle(_ project: ProjectID) { shares[project]?.isReady = false }

    /// The project whose turn it is among those that a person may work on; ties go to the lowest id.
    ///
    /// Nil when none of them is ready. Costs one look-up for each candidate.
    public func next(among eligible: some Sequence<ProjectID>) -> ProjectID? {
        var best: (project: ProjectID, time: Double)?
        for project in eligible {
            guard let share = shares[project], share.isReady else { continue }
            let time = effectiveTime(share)
            if let known = best, (known.time, known.project) <= (time, project) { continue }
            best = (project, time)
        }
        return best?.project
    }

    /// Records that `count` tasks of this effort were granted.
    public mutating func charge(_ project: ProjectID, effortSeconds: Int, count: Int = 1) {
        guard var share = shares[project], count > 0 else { return }
        let start = effectiveTime(share)
        clock = max(clock, start)
        share.time = start + cost(effortSeconds, count) / share.weight
        shares[project] = share
    }

    /// Takes back a charge whose grant did not commit.
    public mutating func refund(_ project: ProjectID, effortSeconds: Int, count: Int = 1) {
        guard var share = shares[project], count > 0 else { return }
        share.time -= cost(effortSeconds, count) / share.weight
        shares[project] = share
    }

    private func effectiveTime(_ share: Share) -> Double { max(share.time, clock - Self.creditMax / share.weight) }

    private func cost(_ effortSeconds: Int, _ count: Int) -> Double {
        Double(max(Self.effortSecondsMin, effortSeconds)) * Double(count)
    }
}

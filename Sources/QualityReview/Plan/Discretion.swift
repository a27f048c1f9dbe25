/// A figure about many people as it is shown, or why it is not.
public enum ShownFigure: Sendable, Hashable {
    /// To the nearest multiple of `step`.
    case about(Int64, step: Int64)
    case hidden(Reason)

    public enum Reason: String, Sendable, Hashable {
        /// Fewer than k people add to it, or it is about fewer to begin with.
        case fewPeople = "too few people"
    }
}

/// What may be said of people's load to somebody who can ask again and again, each time under another policy.
///
/// 1. *Small groups.* A figure to which fewer than k people add is hidden, and one to which nobody adds as well: that
///    a limit stops nobody once a single person has a raise would say that it stopped that person. So is every figure
///    about a group that has fewer than k people to begin with. A sum over rules is the sum of the figures shown, so
///    nothing can be taken off it to find a hidden one.
/// 2. *Rounding.* A figure is rounded to a step (1, 2, 5, 10, ... of its unit) that is no less than what the k - 1 people
///    who add most add together. Whatever fewer than k people did is smaller than what rounding takes away, so neither a
///    figure by itself nor the difference of two (a total less the other parts, everything less one project, one policy
///    less another, this hour less the last) tells it: each could as well have added nothing.
/// 3. *One figure for plans that hardly differ.* Rounding alone could be worn down by many plans whose limits lie a minute
///    apart, seeing when figures jump. So a figure is held against the same figure of every earlier plan of the day, over
///    the same people and days: where fewer than k people add something else than in one of those, that one's figure is
///    shown. What was to be counted at most (everybody, every lease granted) is held against as the first of them, so "all
///    but a few" reads as all. Therefore of all plans of a day, any two different figures in one place are those of two
///    plans that differ in what at least k people add.
///
/// What does not hold, because nothing but showing no figure at all could make it so: that a figure stays the same
/// whenever one person adds something else. Between plans that each differ a little from the next it changes at some
/// place, and there one more person may decide that it does; by how much it changes is then what k people or more add.
/// How many plans there may be in a day is limited and each is on the record. Against somebody who changes the limits
/// of teams or people between two plans, which is on the record and seen by those people, the second and third rule
/// hold only in part: figures are rounded, but earlier ones were made under the earlier limits.
public struct Discretion: Sendable {
    /// The smallest group that is shown.
    public let smallestGroup: Int

    public init(smallestGroup: Int) { self.smallestGroup = smallestGroup }

    /// One figure under each of several plans, in the order in which they were made.
    ///
    /// `whole` is what there was to be counted at most, for people, or nil where figures have no such bound; `group` is
    /// everybody the figure is about. `unit`: how much of what is added makes one of what is shown.
    public func figures(
        of plans: [Contributions], whole: Contributions?, group: Contributions, unit: Int64
    ) -> [ShownFigure] {
        guard group.count >= smallestGroup else { return plans.map { _ in .hidden(.fewPeople) } }
        return representatives(of: plans, whole: whole).map { representative in
            representative.map { rounded($0, unit) } ?? .hidden(.fewPeople)
        }
    }

    /// For each plan whose figure is shown for it: its own, or that of an earlier plan that hardly differs; nil:
    /// hidden.
    func representatives(of plans: [Contributions], whole: Contributions?) -> [Contributions?] {
        var kept = whole.map { [$0] } ?? []
        return plans.map { plan in
            if plan.count < smallestGroup { return nil }
            if let near = kept.first(where: { $0.difference(from: plan) < smallestGroup }) { return near }
            kept.append(plan)
            return plan
        }
    }

    /// The step of a figure, in what is shown.
    func step(of contributions: Contributions, _ unit: Int64) -> Int64 {
        let least = contributions.largest(smallestGroup - 1)
        var step: Int64 = 1
        var next = 0
        while step * unit < least {
            step = step / [1, 2, 5][next] * [2, 5, 10][next]
            next = (next + 1) % 3
        }
        return step
    }

    private func rounded(_ contributions: Contributions, _ unit: Int64) -> ShownFigure {
        let step = step(of: contributions, unit)
        let size = step * unit
        // What is not nothing does not read as nothing.
        return .about(max(step, (contributions.total + size / 2) / size * step), step: step)
    }
}

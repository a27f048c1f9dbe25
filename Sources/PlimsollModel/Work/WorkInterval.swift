/// A stretch of leased time: from a grant to its end, `[start, end)`.
public struct WorkInterval: Sendable, Hashable, Codable {
    public var start: Moment
    public var end: Moment

    /// An end before the start counts as no time at all.
    public init(start: Moment, end: Moment) {
        self.start = start
        self.end = max(start, end)
    }

    public var duration: Duration { end - start }
    public var isEmpty: Bool { end <= start }
}

/// A union of intervals: sorted, disjoint, and none touches the next.
public struct WorkIntervals: Sendable, Hashable {
    public private(set) var all: [WorkInterval] = []
    /// The length of the union, in microseconds.
    public private(set) var microseconds: Int64 = 0

    public init() {}

    public init(_ intervals: some Sequence<WorkInterval>) {
        for interval in intervals { add(interval) }
    }

    public var isEmpty: Bool { all.isEmpty }

    /// Adds a stretch; what is covered already counts once. Constant time for one that ends last, as work does.
    public mutating func add(_ interval: WorkInterval) {
        guard !interval.isEmpty else { return }
        guard let last = all.last, last.end >= interval.start else {
            all.append(interval)
            microseconds += interval.microseconds
            return
        }
        if last.start <= interval.start {
            let end = max(last.end, interval.end)
            microseconds += end.microseconds - last.end.microseconds
            all[all.count - 1].end = end
            return
        }
        insert(interval)
    }

    private mutating func insert(_ interval: WorkInterval) {
        // The first that is not wholly before it, and the first that is wholly after.
        var first = all.count
        while first > 0, all[first - 1].end >= interval.start { first -= 1 }
        var next = first
        var merged = interval
        while next < all.count, all[next].start <= merged.end {
            merged.start = min(merged.start, all[next].start)
            merged.end = max(merged.end, all[next].end)
            microseconds -= all[next].microseconds
            next += 1
        }
        all.replaceSubrange(first..<next, with: CollectionOfOne(merged))
        microseconds += merged.microseconds
    }

    /// Forgets what ended at `moment` or before; a stretch that reaches over it is kept whole.
    public mutating func forget(until moment: Moment) {
        let gone = all.prefix { $0.end <= moment }
        guard !gone.isEmpty else { return }
        for interval in gone { microseconds -= interval.microseconds }
        all.removeFirst(gone.count)
    }
}

extension WorkInterval {
    var microseconds: Int64 { end.microseconds - start.microseconds }
}

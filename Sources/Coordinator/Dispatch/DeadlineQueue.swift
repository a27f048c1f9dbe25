import HeapModule
import PlimsollModel

/// Which lease this coordinator vouches for ends next. A lease that ended or was extended leaves a stale entry behind,
/// which the reader recognises.
struct DeadlineQueue: Sendable {
    struct Entry: Sendable, Comparable {
        var at: Moment
        var fence: Fence
        var task: TaskID
        var person: PersonID

        static func < (left: Entry, right: Entry) -> Bool { (left.at, left.fence) < (right.at, right.fence) }
    }

    private var heap = Heap<Entry>()

    mutating func insert(_ entry: Entry) { heap.insert(entry) }

    /// Everything due at `now`.
    mutating func popDue(at now: Moment) -> [Entry] {
        var due: [Entry] = []
        while let first = heap.min, first.at <= now { due.append(heap.removeMin()) }
        return due
    }
}

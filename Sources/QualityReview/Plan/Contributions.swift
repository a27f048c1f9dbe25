/// What each of many people adds to one figure. People are numbered in the order in which they were looked at; who adds
/// nothing is not in it.
public struct Contributions: Sendable, Hashable {
    private var people: [Int32] = []
    private var values: [Int64] = []

    public init() {}

    /// Adds a person's part. People come in the order of their numbers, each once.
    public mutating func add(_ value: Int64, of person: Int32) {
        guard value > 0 else { return }
        people.append(person)
        values.append(value)
    }

    /// How many people add something.
    public var count: Int { people.count }
    public var total: Int64 { values.reduce(0, +) }

    /// What the `most` people who add most add together.
    public func largest(_ most: Int) -> Int64 { values.sorted(by: >).prefix(most).reduce(0, +) }

    /// How many people add something else here than there.
    public func difference(from other: Contributions) -> Int {
        var (here, there, differing) = (0, 0, 0)
        while here < people.count || there < other.people.count {
            if there == other.people.count || here < people.count && people[here] < other.people[there] {
                here += 1
                differing += 1
            } else if here == people.count || other.people[there] < people[here] {
                there += 1
                differing += 1
            } else {
                if values[here] != other.values[there] { differing += 1 }
                here += 1
                there += 1
            }
        }
        return differing
    }
}

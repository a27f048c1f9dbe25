import PlimsollModel

/// How a lease ends without a label.
enum LeaseEnd: String, Sendable {
    case released
    case declined
    case expired
    case streamLost = "stream_lost"
    case coordinatorLost = "coordinator_lost"
    case parkExpired = "park_expired"
    /// A limit was reached and nothing more could be parked, or an agreement that it needed had run out.
    case limit
    /// A grant whose commit was in doubt and that no worker was told of.
    case unheard

    /// Whether it counts toward quarantine.
    var countsAsFailure: Bool { self == .expired || self == .streamLost }
    /// Whether the same person may be given the task again.
    var mayAskAgain: Bool { self != .declined }
}

/// What waits to be settled for one person in the next flush.
struct PersonWork: Sendable {
    struct Answer: Sendable {
        var stream: StreamID
        var answer: SubmittedAnswer
    }

    struct Change: Sendable {
        enum Kind: Sendable { case decline(reason: String?), release, park, extend }
        var stream: StreamID
        var lease: LeaseReference
        var kind: Kind
    }

    /// Leases that a stream presents.
    struct Presented: Sendable {
        enum By: Sendable {
            /// A new stream, which hears of each; what else its process was granted never reached it and ends.
            case hello(session: Int64)
            /// This coordinator in a new life, for a stream that is still open: only what the old life vouched for.
            /// What the worker presented elsewhere meanwhile stays there.
            case newLife(after: CoordinatorID)
        }

        var stream: StreamID
        var leases: [LeaseReference]
        var by: By
    }

    struct End: Sendable {
        var lease: LeaseReference
        var how: LeaseEnd
        /// Only when the lease is still vouched for by this coordinator (nil: whoever vouches).
        var vouchedBy: CoordinatorID?
        /// The last life sign of who held or vouched for it: leased time ends there. Nil: it ends when it is settled.
        var lastSign: Moment?
    }

    var answers: [Answer] = []
    var changes: [Change] = []
    var presented: [Presented] = []
    var ends: [End] = []
    /// Look at the database's state even though nothing else is asked (a withdrawal was heard of).
    var refresh = false
    /// How often another transaction held the person's lock.
    var misses = 0
    /// How often a flush with this person failed.
    var attempts = 0

    /// Leases about which a worker hears in this flush whatever became of them.
    var fencesAsked: Set<Fence> { Set(answers.map(\.answer.lease.fence) + changes.map(\.lease.fence)) }

    var items: Int { answers.count + changes.count + ends.count }

    /// Puts work that was not settled back in front of what came since.
    mutating func prepend(_ earlier: PersonWork) {
        answers.insert(contentsOf: earlier.answers, at: 0)
        changes.insert(contentsOf: earlier.changes, at: 0)
        presented.insert(contentsOf: earlier.presented, at: 0)
        ends.insert(contentsOf: earlier.ends, at: 0)
        refresh = refresh || earlier.refresh
        misses = max(misses, earlier.misses)
        attempts = max(attempts, earlier.attempts)
    }
}

/// Named times and sizes of a coordinator. `doctor` shows them.
public struct CoordinatorConfiguration: Sendable {
    /// What this coordinator is called in its certificate and in `doctor`.
    public var name: String
    /// Where workers reach it, host:port; shown, never dialled.
    public var address: String
    public var times = Times.defaults
    public var sizes = Sizes.defaults

    public init(name: String, address: String) {
        self.name = name
        self.address = address
    }

    public struct Times: Sendable {
        /// How often a worker shows that it lives.
        public var heartbeat: Duration
        /// A stream loses its leases this long after its last life sign, reconnecting included.
        public var streamTimeToLive: Duration
        /// How often the coordinator renews its own life in the database (which is `MembershipSession.life` long).
        public var lifeRenewal: Duration
        /// Without a renewal for this long, by the monotonic clock, it stops granting by itself.
        public var selfStop: Duration
        /// Without a word from the database for this long it tells its workers to stop: it would not hear of a
        /// withdrawal (P3).
        public var cutOff: Duration
        /// How long leases of a coordinator that is gone may be presented to another before they end.
        public var presenting: Duration
        /// Past its deadline a lease still takes an answer for this long; it is not counted as leased time.
        public var deadlineGrace: Duration
        /// How often it is looked for lost streams and for leases whose deadline is over.
        public var sweep: Duration
        /// How often it is looked in the database itself for leases this long past their deadline, which should be
        /// none.
        public var overdue: Duration
        /// The slow poll behind the wake-ups.
        public var poll: Duration
        /// Slots that nobody took for this long go back, so that another coordinator can grant them.
        public var holding: Duration
        /// The same in a lane from which others are granted all the time: longer than what is claimed ahead lasts.
        public var surplus: Duration
        /// What its holder put aside comes back before anything new after this; without, when there is nothing else.
        public var parkedAside: Duration
        /// A worker whose work is in other hands asks again after this.
        public var askAgainSoon: Duration
        /// A worker for whom nothing is left asks again after this.
        public var askAgainLater: Duration
        /// A worker whose person holds all the leases there may be asks again after this: one of them may be a lost
        /// process's.
        public var askAgainForRoom: Duration
        /// How often queue status is told for which projects workers are connected.
        public var presence: Duration
        /// How often it is looked for what withdrawals owe: slots for others, manifests of earlier exports.
        public var withdrawals: Duration
        /// How often partitions are made and dropped.
        public var housekeeping: Duration
        /// How often a coordinator looks whether events wait for the chain.
        public var seal: Duration
        /// How old the chain's last head is when links since then are signed for.
        public var chainHead: Duration
        /// How long a drain waits for answers to settle.
        public var drain: Duration

        public static let defaults = Times(
            heartbeat: .seconds(5), streamTimeToLive: .seconds(60), lifeRenewal: .seconds(1),
            selfStop: .seconds(2), cutOff: .seconds(3), presenting: .seconds(15), deadlineGrace: .seconds(5),
            sweep: .seconds(1), overdue: .seconds(60), poll: .milliseconds(250), holding: .milliseconds(500),
            surplus: .seconds(2), parkedAside: .seconds(3_600),
            askAgainSoon: .milliseconds(300), askAgainLater: .seconds(5), askAgainForRoom: .seconds(2),
            presence: .seconds(1),
            withdrawals: .seconds(1), housekeeping: .seconds(600), seal: .milliseconds(250), chainHead: .seconds(10),
            drain: .seconds(5))
    }

    public struct Sizes: Sendable {
        /// Flushes that run at once, each on a connection of its own.
        public var flushes: Int
        /// People in one flush.
        public var peoplePerFlush: Int
        /// Answers, declines and the like in one flush, roughly.
        public var itemsPerFlush: Int
        /// A person whose lock was held by others this often gets a flush that waits.
        public var missesMax: Int
        /// A flush that failed is tried this often for a person before the worker is told to send again.
        public var attemptsMax: Int
        /// Slots that one claim brings at most, and at least when it goes to the database at all. The least is one:
        /// what a block holds beyond its waiting workers is kept from the workers of other coordinators.
        public var claimMax: Int
        public var claimMin: Int
        /// People who wait for a look through the database; others are asked to come back.
        public var looksWaitingMax: Int

        public static let defaults = Sizes(
            flushes: 3, peoplePerFlush: 256, itemsPerFlush: 4_096, missesMax: 3, attemptsMax: 4, claimMax: 8_192,
            claimMin: 1, looksWaitingMax: 1_000)
    }
}

public import Identity

/// What a worker needs to know before it starts.
public struct WorkerConfiguration: Sendable {
    /// The coordinators, at least one; tried in random order.
    public var addresses: [CoordinatorAddress]
    /// Where `key.pem`, `cert.pem` and `ca.pem` are.
    public var identity: IdentityFiles
    /// Only tasks of this project. Nil: of every project the person may work on.
    public var project: String?
    /// How many leases are wanted in hand at a time, 1 to 64.
    public var inFlight: Int
    /// Ends by itself after so many answers. Nil: never.
    public var answersMax: Int?
    /// What the coordinator is told about this program.
    public var clientVersion: String
    public var limits: WorkerLimits

    /// The most leases in flight on a stream (protocol revision 1).
    public static let inFlightMax = 64
    /// The most coordinators of one configuration.
    public static let addressesMax = 64

    /// Throws `badConfiguration` for values out of their range.
    public init(
        addresses: [String], identity: IdentityFiles, project: String? = nil, inFlight: Int = 1,
        answersMax: Int? = nil, clientVersion: String = "plimsoll-swift/1", limits: WorkerLimits = .defaults
    ) throws(WorkerError) {
        guard (1...Self.addressesMax).contains(addresses.count) else {
            throw WorkerError(.badConfiguration, "name 1 to \(Self.addressesMax) coordinators as host:port")
        }
        guard (1...Self.inFlightMax).contains(inFlight) else {
            throw WorkerError(.badConfiguration, "in flight is 1 to \(Self.inFlightMax), not \(inFlight)")
        }
        if let answersMax, answersMax < 1 {
            throw WorkerError(.badConfiguration, "the number of answers to end after is 1 or more, not \(answersMax)")
        }
        var parsed: [CoordinatorAddress] = []
        for address in addresses { parsed.append(try CoordinatorAddress(address)) }
        self.addresses = parsed
        self.identity = identity
        self.project = project
        self.inFlight = inFlight
        self.answersMax = answersMax
        self.clientVersion = clientVersion
        self.limits = limits
    }
}

/// The named limits of a worker. Every wait, batch and retry has one.
public struct WorkerLimits: Sendable {
    /// From the start of connecting to the welcome.
    public var welcomeWait = Duration.seconds(10)
    /// How long a sent answer or request may stay without a reply before the coordinator counts as frozen.
    public var replyWait = Duration.seconds(10)
    /// How long a coordinator may say nothing at all while a want is open.
    public var silenceMax = Duration.seconds(10)
    /// The first and the longest wait between two attempts to connect; the real one is drawn evenly from zero to it.
    public var backoffFirst = Duration.milliseconds(100)
    public var backoffMax = Duration.seconds(10)
    /// How long after `try again` an answer is sent anew.
    public var tryAgainWait = Duration.seconds(1)
    /// The shortest wait before asking again, whatever the coordinator says.
    public var askAgainMin = Duration.milliseconds(50)
    /// How far past its deadline a lease counts as held when nothing is heard.
    public var deadlineGrace = Duration.seconds(10)
    /// The longest that a move away from a draining coordinator is put off, so that not all workers come at once.
    public var moveSpread = Duration.seconds(2)
    /// A worker that is told to go finishes what it holds for so long, then gives the rest back.
    public var drainWait = Duration.seconds(30)
    /// How long it listens for leases that were on their way when it said goodbye.
    public var lastLeaseWait = Duration.milliseconds(300)
    /// After both, how long it waits for the last replies.
    public var farewellWait = Duration.seconds(5)
    /// How often the certificate's age is looked at.
    public var renewalCheck = Duration.seconds(30)
    /// The most bytes of answers in one message; a message of gRPC is 4 MiB at most by default.
    public var messageBytesMax = 3 * 1024 * 1024
    /// How often a handler may correct an answer that the schema refused, before the lease is given back.
    public var correctionsMax = 2
    public var connection = WorkConnection.Options.defaults

    public init() {}

    public static var defaults: Self { Self() }
}

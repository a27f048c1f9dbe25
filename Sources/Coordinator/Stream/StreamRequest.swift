public import PlimsollModel

/// What a worker's hello says, after the gateway has proved who it is.
public struct StreamOpening: Sendable {
    /// The person's name, from the certificate.
    public var person: String
    /// Serial of the certificate, lower-case hex; a denial of it ends the stream.
    public var serial: String
    /// The worker's id, from the certificate.
    public var worker: String
    /// Leases in flight that this stream wants at most, 1 to ``StreamLimits/inFlightMax``.
    public var inFlight: Int
    /// Only tasks of this project; nil: of every project the person may work on.
    public var project: String?
    /// Leases from an earlier stream.
    public var held: [LeaseReference]
    /// Names the worker process in all its streams; 0: none. What it was granted and does not present never reached it.
    public var session: Int64

    public init(
        person: String, serial: String, worker: String, inFlight: Int, project: String? = nil,
        held: [LeaseReference] = [], session: Int64 = 0
    ) {
        self.person = person
        self.serial = serial
        self.worker = worker
        self.inFlight = inFlight
        self.project = project
        self.held = held
        self.session = session
    }
}

/// Names one lease as its holder does: P4 asks for exactly this task, person and fence.
public struct LeaseReference: Hashable, Sendable {
    public var task: TaskID
    public var fence: Fence

    public init(task: TaskID, fence: Fence) {
        self.task = task
        self.fence = fence
    }
}

/// One message of a worker.
public struct StreamRequest: Sendable {
    /// More leases wanted, on top of wants still open.
    public var want = 0
    public var submits: [SubmittedAnswer] = []
    public var declines: [Decline] = []
    public var releases: [LeaseReference] = []
    public var parks: [LeaseReference] = []
    public var extends: [LeaseReference] = []
    /// The worker is going: no more leases; what it holds stays until settled.
    public var leaving = false

    public init() {}

    public var items: Int { submits.count + declines.count + releases.count + parks.count + extends.count }
}

public struct SubmittedAnswer: Sendable {
    public var lease: LeaseReference
    /// JSON, UTF-8, as it came; at most ``StreamLimits/answerBytesMax`` bytes (checked by the gateway).
    public var answer: [UInt8]

    public init(lease: LeaseReference, answer: [UInt8]) {
        self.lease = lease
        self.answer = answer
    }
}

/// A no to one task, with an optional coarse reason that is kept about the task alone (P9).
public struct Decline: Sendable {
    public var lease: LeaseReference
    /// One of unclear, not-my-field, distressing, other; nil: none given.
    public var reason: String?

    public init(lease: LeaseReference, reason: String? = nil) {
        self.lease = lease
        self.reason = reason
    }
}

/// Named sizes of the work stream.
public enum StreamLimits {
    /// Leases in flight on one stream.
    public static let inFlightMax = 64
    /// Items in one message, of each list.
    public static let itemsPerMessageMax = 64
    /// Bytes of one answer and of one payload.
    public static let answerBytesMax = 262_144
    /// Streams of one person on one coordinator.
    public static let streamsPerPersonMax = 8
    /// Items a stream may have sent and not yet seen settled; beyond it the stream is ended.
    public static let unsettledItemsMax = 256
    /// Replies that wait for a worker that does not read; beyond it the stream is ended.
    public static let unreadRepliesMax = 1_024
}

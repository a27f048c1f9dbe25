/// One place of the chain with what it names, as the database has them; each part may be gone or changed.
public struct ChainEntry: Sendable, Hashable {
    public var seq: Int64
    /// The event that the link names.
    public var eventID: Int64
    public var previous: [UInt8]
    public var hash: [UInt8]
    /// Nil: the row is gone, or kept back with `withheldLeaf` in its place.
    public var event: ChainedEvent?
    /// What the link took of an event that whoever handed the chain out kept back; it tells nothing of the event.
    public var withheldLeaf: [UInt8]?
    public var detail: Detail
    /// SHA-256 of the document that the detail names, as its table has it now; nil: there is none.
    public var documentHash: [UInt8]?

    /// What is known of the event's detail.
    public enum Detail: Sendable, Hashable {
        case here(ChainDetail)
        case erased
        /// Whoever handed the chain out kept it back, and says whether it is the one that was hashed.
        case withheld(matches: Bool)
    }

    public init(
        seq: Int64, eventID: Int64, previous: [UInt8], hash: [UInt8], event: ChainedEvent?,
        withheldLeaf: [UInt8]? = nil, detail: Detail, documentHash: [UInt8]? = nil
    ) {
        self.seq = seq
        self.eventID = eventID
        self.previous = previous
        self.hash = hash
        self.event = event
        self.withheldLeaf = withheldLeaf
        self.detail = detail
        self.documentHash = documentHash
    }

    /// The document that the event names; nil: none, or what is here is not what was hashed.
    public var document: ChainDocument? {
        guard let event, case .here(let detail) = detail else { return nil }
        return ChainDocument(kind: event.kind, detail: detail.text)
    }

    /// Nil: the event is gone.
    var leaf: [UInt8]? { event?.leaf ?? withheldLeaf }
}

/// The erasable part of an event: names and values lie nowhere else.
public struct ChainDetail: Sendable, Hashable {
    public var salt: [UInt8]
    /// Who did it. Also the first member of `text`.
    public var actor: String
    /// A JSON object, as it was hashed.
    public var text: [UInt8]

    public init(salt: [UInt8], actor: String, text: [UInt8]) {
        self.salt = salt
        self.actor = actor
        self.text = text
    }

    /// Whether this is what the event's hash was made of, and the actor beside the text is the one in it.
    public func isDetail(of event: ChainedEvent) -> Bool {
        ChainedEvent.hash(salt: salt, detail: text) == event.hash && namesItsActor
    }

    private var namesItsActor: Bool {
        var start = Array(#"{"actor":"#.utf8)
        CanonicalJSON.appendQuoted(actor, to: &start)
        return text.starts(with: start)
    }
}

/// Where a chain ended when an audit of it began.
public struct ChainEnd: Sendable, Hashable {
    /// The last link; 0: there is none.
    public var lastLink: Int64
    /// The last signed head; 0: there is none.
    public var lastHead: Int64
    /// Committed events that no link names yet.
    public var waiting: Int64
    /// How long the oldest of them waits.
    public var oldestWaiting: Duration
    /// The first event that has neither a link nor a mark that it waits for one.
    public var unchained: Int64?
    /// The first mark whose event is gone.
    public var lost: Int64?

    public init(
        lastLink: Int64 = 0, lastHead: Int64 = 0, waiting: Int64 = 0, oldestWaiting: Duration = .zero,
        unchained: Int64? = nil, lost: Int64? = nil
    ) {
        self.lastLink = lastLink
        self.lastHead = lastHead
        self.waiting = waiting
        self.oldestWaiting = oldestWaiting
        self.unchained = unchained
        self.lost = lost
    }
}

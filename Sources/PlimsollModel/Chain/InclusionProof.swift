/// Proof that an event is in the chain: the event, and the way from its link to a head that a coordinator signed.
///
/// Of the links in between it has leaves alone, which tell nobody what happened to whom and when (P9).
public struct InclusionProof: Sendable, Hashable {
    public var event: ChainedEvent
    public var detail: ChainDetail
    /// The event's place.
    public var seq: Int64
    /// The hash of the link before it.
    public var previous: [UInt8]
    /// The leaves of the links after it, up to the head's.
    public var leaves: [[UInt8]]
    public var head: SignedHead

    public init(
        event: ChainedEvent, detail: ChainDetail, seq: Int64, previous: [UInt8], leaves: [[UInt8]], head: SignedHead
    ) {
        self.event = event
        self.detail = detail
        self.seq = seq
        self.previous = previous
        self.leaves = leaves
        self.head = head
    }

    /// Nil: the event was in the chain when the head was signed. Else what does not fit. `check` is nil for a head that
    /// a coordinator of the deployment signed, else why not.
    public func fault(_ check: (SignedHead) -> String?) -> String? {
        guard detail.isDetail(of: event) else { return "the detail is not the one of event \(event.id)" }
        var link = ChainLink(seq: seq, previous: previous, leaf: event.leaf)
        for leaf in leaves { link = ChainLink(seq: link.seq + 1, previous: link.hash, leaf: leaf) }
        guard link.seq == head.head.seq, link.hash == head.head.hash else {
            return "the way from event \(event.id) does not lead to head \(head.head.seq)"
        }
        return check(head).map { "head \(head.head.seq) is not in order: \($0)" }
    }

    public var json: JSONValue {
        [
            "event": .number(JSONNumber(event.id)), "at_microseconds": .number(JSONNumber(event.at.microseconds)),
            "kind": .string(event.kind), "event_hash": .string(Hex.text(event.hash)),
            "salt": .string(Hex.text(detail.salt)), "actor": .string(detail.actor),
            "detail": .string(String(decoding: detail.text, as: UTF8.self)), "link": .number(JSONNumber(seq)),
            "previous": .string(Hex.text(previous)), "leaves": .array(leaves.map { .string(Hex.text($0)) }),
            "head": head.json,
        ]
    }

    /// Reads what ``json`` writes; nil for anything else.
    public init?(json: JSONValue) {
        guard let id = json["event"]?.numberValue?.int64, let at = json["at_microseconds"]?.numberValue?.int64,
            let kind = json["kind"]?.stringValue, let hash = json["event_hash"]?.stringValue.flatMap(Hex.bytes),
            let salt = json["salt"]?.stringValue.flatMap(Hex.bytes), let actor = json["actor"]?.stringValue,
            let detail = json["detail"]?.stringValue, let seq = json["link"]?.numberValue?.int64,
            let previous = json["previous"]?.stringValue.flatMap(Hex.bytes),
            let leaves = json["leaves"]?.arrayValue?.map({ $0.stringValue.flatMap(Hex.bytes) }),
            let head = json["head"].flatMap({ SignedHead(json: $0) })
        else { return nil }
        self.init(
            event: ChainedEvent(id: id, at: Moment(microseconds: at), kind: kind, hash: hash),
            detail: ChainDetail(salt: salt, actor: actor, text: Array(detail.utf8)), seq: seq, previous: previous,
            leaves: leaves.compactMap { $0 }, head: head)
        guard self.leaves.count == leaves.count else { return nil }
    }
}

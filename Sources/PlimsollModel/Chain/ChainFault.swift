/// Something about a chain that cannot be as it is unless somebody changed it.
public struct ChainFault: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// What an event or its detail says is not what was hashed.
        case edited
        /// Something that the chain names, or a place of it, is gone.
        case deleted
        /// A link does not follow the one before it.
        case reordered
        /// A head was signed for a place that the chain no longer reaches.
        case truncated
        /// Two chains: a signed head and the chain have different hashes for one place.
        case forked
        /// A head is not signed by a coordinator of this deployment.
        case unsigned
        /// An event is neither in the chain nor waits for it.
        case unchained
        /// A line of the head file is no head, or heads go back in it.
        case headFile = "head-file"
    }

    public var kind: Kind
    /// The place in the chain; nil where it has none.
    public var seq: Int64?
    /// The event; nil where it is about none.
    public var event: Int64?
    /// What was found, in one sentence without a full stop.
    public var finding: String

    public init(_ kind: Kind, seq: Int64? = nil, event: Int64? = nil, _ finding: String) {
        self.kind = kind
        self.seq = seq
        self.event = event
        self.finding = finding
    }
}

extension ChainFault.Kind {
    /// What it means, in one sentence without a full stop.
    public var meaning: String {
        switch self {
        case .edited: "the record of this event is not what was written when it happened"
        case .deleted: "a part of the record was taken away"
        case .reordered: "links were moved, exchanged or put in between"
        case .truncated: "the end of the record was cut off"
        case .forked: "the record was written anew from here on, or two databases have gone on from one copy"
        case .unsigned: "no coordinator of this deployment stands for this head"
        case .unchained: "an event was kept out of the chain"
        case .headFile: "the head file is not what a coordinator wrote"
        }
    }

    /// What to do, in one sentence without a full stop.
    public var remedy: String {
        switch self {
        case .forked, .truncated:
            "see whether the database was restored from an older copy; if not, keep both it and the head file as they "
                + "are and find out who had the database owner's rights"
        case .headFile: "compare it with another coordinator's head file, or leave it out"
        case .unsigned: "see that --ca or the identity's ca.pem holds every authority that this deployment had"
        default:
            "keep the database as it is, compare this place with a backup, and find out who had the database owner's "
                + "rights"
        }
    }
}

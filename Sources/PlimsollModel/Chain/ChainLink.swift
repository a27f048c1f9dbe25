import Crypto

/// What the chain keeps for good of one event: no name and no value, only the hash of where they lie (P11).
public struct ChainedEvent: Sendable, Hashable {
    /// Drawn before commit, so not in the order of the chain.
    public var id: Int64
    public var at: Moment
    /// Such as `consent.given`.
    public var kind: String
    /// SHA-256 over the detail's salt and text.
    public var hash: [UInt8]

    public init(id: Int64, at: Moment, kind: String, hash: [UInt8]) {
        self.id = id
        self.at = at
        self.kind = kind
        self.hash = hash
    }

    /// What links take of the event: SHA-256 over its fields.
    ///
    /// A hash of its own, so that a proof of inclusion can show a chain of hashes from one person's event to a signed
    /// head and does not tell when others gave or took back an agreement (P9).
    public var leaf: [UInt8] {
        var text = ChainText("plimsoll chain event 1")
        text.line("event", id)
        text.line("at", at.microseconds)
        text.line("hash", hex: hash)
        text.line("kind", text: kind)
        return Array(SHA256.hash(data: text.bytes))
    }

    /// The hash that an event with this salt and detail has.
    public static func hash(salt: [UInt8], detail: [UInt8]) -> [UInt8] {
        var hasher = SHA256()
        hasher.update(data: salt)
        hasher.update(data: detail)
        return Array(hasher.finalize())
    }
}

/// One place of the chain: it names an event and the link before it.
public struct ChainLink: Sendable, Hashable {
    /// From 1, without gaps.
    public var seq: Int64
    /// The hash of the link before; of the first: ``genesis``.
    public var previous: [UInt8]
    public var leaf: [UInt8]

    /// What stands before the first link: 32 zero bytes.
    public static let genesis = [UInt8](repeating: 0, count: 32)

    public init(seq: Int64, previous: [UInt8], leaf: [UInt8]) {
        self.seq = seq
        self.previous = previous
        self.leaf = leaf
    }

    /// SHA-256 over this place, so over everything before it too.
    public var hash: [UInt8] {
        var text = ChainText("plimsoll chain link 1")
        text.line("seq", seq)
        text.line("previous", hex: previous)
        text.line("leaf", hex: leaf)
        return Array(SHA256.hash(data: text.bytes))
    }
}

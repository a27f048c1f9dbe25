public import PlimsollModel

/// What a coordinator needs beside the database to keep the chain.
public struct ChainKeeping: Sendable {
    /// Signs heads as this coordinator; nil: events are chained, and others sign.
    public var signer: CoordinatorSigner?
    /// Where signed heads go.
    public var places: [any HeadPlace]

    public init(signer: CoordinatorSigner? = nil, places: [any HeadPlace] = []) {
        self.signer = signer
        self.places = places
    }
}

/// A place outside the database that keeps signed heads, so that whoever rewrites the database is found out: who owns
/// the database can change every row of the chain, and cannot change what left it.
public protocol HeadPlace: Sendable {
    /// For the log.
    var name: String { get }
    /// The place of the last head that is kept here; nil where that is not known, as of a program that is told of each.
    func last() async throws -> Int64?
    /// Keeps a head for good. Throws where that cannot be promised; it is tried again.
    func keep(_ head: SignedHead) async throws
}

public import PlimsollModel
public import Postgres

/// What one pass of a sealer did.
public struct ChainPass: Sendable {
    /// Events that are chained now.
    public var sealed = 0
    /// The head that was signed.
    public var head: SignedHead?
    /// Why a head that was due was not signed; the events are chained all the same.
    public var signingFailure: (any Error)?
}

/// One connection through which a coordinator seals the chain, when no other does.
///
/// Every coordinator tries. A pass is one short transaction under an advisory lock of its own, so no other lock waits
/// for the chain and a coordinator that freezes in a pass is cut off by the server after 2 s. One that wakes later
/// finds its transaction gone; and were it not, the unique keys of `chain_link` (place, event) and `chain_head` let no
/// second chain grow beside the first (P11).
public struct ChainSession: Sendable {
    private let connection: Connection

    public init(connection: Connection) {
        self.connection = connection
    }

    public static let settings: [(String, String)] = [
        ("search_path", "plimsoll"), ("timezone", "UTC"), ("synchronous_commit", "on"),
        ("statement_timeout", "5000"), ("lock_timeout", "1000"), ("idle_in_transaction_session_timeout", "2000"),
    ]

    /// Events of one pass; more wait for the next.
    public static let passMax = 1_000
    /// A head is signed early when so many links are new: a receipt's proof holds a hash for each link up to the head.
    public static let linksPerHeadMax = 1_000
    /// "PLIMSOLS".
    static let lockKey: Int64 = 0x504c_494d_534f_4c53

    public func close() async { await connection.close() }
    public var isUsable: Bool { get async { await connection.isUsable } }

    /// Chains what waits, and signs a head where the last one is `headInterval` old and links came since.
    /// `signer` nil: no head is signed. Nothing where another coordinator is at it.
    public func seal(headInterval: Duration, signer: CoordinatorSigner?) async throws -> ChainPass {
        let state = try await connection.query(Query(SealStatements.state))[0]
        guard try state.bool(0) || state.bool(1) else { return ChainPass() }
        return try await connection.transaction(retries: .none) { connection in
            let rows = try await connection.pipeline([
                Query(SealStatements.lock, .int8(Self.lockKey)), Query(SealStatements.lastLink),
                Query(SealStatements.lastHead, .interval(microseconds: headInterval.microseconds)),
                Query(SealStatements.waiting),
            ])
            guard try rows[0][0].bool(0) else { return ChainPass() }
            var batch = try SealBatch(after: rows[1].first)
            for row in rows[3] { try batch.add(row) }
            var pass = ChainPass(sealed: batch.seqs.count)
            var writes = batch.queries
            if let signer, let head = try batch.head(lastHead: rows[2][0]) {
                do {
                    let signed = SignedHead(head: head, signature: try signer(head.text))
                    writes.append(SealStatements.insert(signed))
                    pass.head = signed
                } catch {
                    pass.signingFailure = error
                }
            }
            if writes.isEmpty { return pass }
            _ = try await connection.pipelineAndCommit(writes)
            return pass
        }
    }
}

/// The links of one pass.
private struct SealBatch {
    private var last: (seq: Int64, hash: [UInt8])
    private(set) var seqs: [Int64] = []
    private var events: [Int64] = []
    private var previous: [[UInt8]] = []
    private var hashes: [[UInt8]] = []
    /// Those and such as were chained already.
    private var marks: [Int64] = []

    init(after row: Row?) throws {
        last = (0, ChainLink.genesis)
        if let row { last = (try row.int8(0), try row.bytes(1)) }
    }

    mutating func add(_ row: Row) throws {
        let event = ChainedEvent(
            id: try row.int8(0), at: Moment(microseconds: try row.timestamptz(1)), kind: try row.text(2),
            hash: try row.bytes(3))
        marks.append(event.id)
        if try row.bool(4) { return }
        let link = ChainLink(seq: last.seq + 1, previous: last.hash, leaf: event.leaf)
        last = (link.seq, link.hash)
        seqs.append(link.seq)
        events.append(event.id)
        previous.append(link.previous)
        hashes.append(last.hash)
    }

    var queries: [Query] {
        if marks.isEmpty { return [] }
        return [
            Query(
                SealStatements.link, .int8Array(seqs), .int8Array(events), .byteaArray(previous), .byteaArray(hashes)),
            Query(SealStatements.unmark, .int8Array(marks)),
        ]
    }

    /// The head that is due. Columns: the last head's place (0: none), whether it is old enough, now.
    func head(lastHead row: Row) throws -> ChainHead? {
        let new = last.seq - (try row.int8(0))
        guard new > 0, try row.bool(1) || new >= Int64(ChainSession.linksPerHeadMax) else { return nil }
        return ChainHead(seq: last.seq, hash: last.hash, at: Moment(microseconds: try row.timestamptz(2)))
    }
}

private enum SealStatements {
    /// Whether anything waits to be chained, or to be covered by a head; without any lock. Indexes:
    /// chain_unsealed_pkey, chain_link_pkey and chain_head_pkey backwards. Marks that were deleted are walked while an
    /// old snapshot keeps them, which events are too few for to matter.
    static let state = Statement(
        "chain_state",
        """
        select exists (select from chain_unsealed),
            coalesce((select max(seq) from chain_link), 0) > coalesce((select max(seq) from chain_head), 0)
        """)
    /// One sealer at a time; held to the end of the transaction. What the next statements of the transaction see is
    /// what the sealer before committed.
    static let lock = Statement("chain_lock", "select pg_try_advisory_xact_lock($1)")
    static let lastLink = Statement(
        "chain_last_link", "select seq, hash from chain_link order by seq desc limit 1")
    /// A clock that was set back makes no head wait longer.
    static let lastHead = Statement(
        "chain_last_head",
        """
        with now as materialized (select clock() as at)
        select coalesce(h.seq, 0), h.seq is null or now.at < h.signed_at or now.at >= h.signed_at + $1, now.at
        from now left join lateral (select seq, signed_at from chain_head order by seq desc limit 1) h on true
        """)
    /// In order of their ids, as far as they have committed: one that commits later comes after them. An event that has
    /// a link already is left as it is. Indexes: chain_unsealed_pkey, chain_event_pkey, chain_link_event_id_key.
    static let waiting = Statement(
        "chain_waiting",
        """
        select u.event_id, e.at, e.kind, e.hash, exists (select from chain_link l where l.event_id = u.event_id)
        from chain_unsealed u join chain_event e using (event_id)
        order by u.event_id limit \(ChainSession.passMax)
        """)
    static let link = Statement(
        "chain_seal",
        """
        insert into chain_link (seq, event_id, previous, hash)
        select * from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])
        """)
    static let unmark = Statement("chain_unmark", "delete from chain_unsealed where event_id = any($1::bigint[])")

    static func insert(_ signed: SignedHead) -> Query {
        Query(
            head, .int8(signed.head.seq), .bytea(signed.head.hash),
            .timestamptz(microseconds: signed.head.at.microseconds), .bytea(signed.signature.signature),
            .bytea(signed.signature.certificate))
    }
    private static let head = Statement(
        "chain_head",
        "insert into chain_head (seq, hash, signed_at, signature, certificate) values ($1, $2, $3, $4, $5)")
}

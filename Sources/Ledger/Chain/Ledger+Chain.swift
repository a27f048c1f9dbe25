public import PlimsollModel
import Postgres

/// An event as an operator lists it.
public struct ChainEventRow: Sendable, Hashable {
    public let event: ChainedEvent
    /// Nil: not sealed yet.
    public let seq: Int64?
    /// Nil: erased.
    public let detail: ChainDetail?
    /// Whether others see that it is there, and its date (P9).
    public var isPersonal: Bool { event.isPersonal(detail) }
}

extension Ledger {
    /// Events listed at once.
    public static let chainEventsMax = 10_000
    /// Links that an audit reads at once.
    public static let chainPageMax = 2_000
    /// Where the events of a page lie within so many numbers, they are read as they lie.
    public static let chainPageSpanMax: Int64 = 20_000

    /// Where the chain ends now. Compares every event's id with those of the links, so it costs a walk over both.
    public func chainEnd() async throws -> ChainEnd {
        try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            try await connection.execute(script: "set local statement_timeout = 0")
            let rows = try await connection.pipeline([
                Query(ChainReadStatements.end), Query(ChainReadStatements.unchained), Query(ChainReadStatements.lost),
            ])
            let row = rows[0][0]
            return ChainEnd(
                lastLink: try row.int8(0), lastHead: try row.int8(1), waiting: try row.int8(2),
                oldestWaiting: .microseconds(try row.int8(3)), unchained: try rows[1][0].int8OrNil(0),
                lost: try rows[2][0].int8OrNil(0))
        }
    }

    /// The next links after a place, in order, at most `chainPageMax`, with what they name.
    public func chainPage(after seq: Int64, upTo last: Int64) async throws -> [ChainEntry] {
        let place = [Bind.int8(seq), .int8(last)]
        let bounds = try await read(Query(ChainReadStatements.pageBounds, place))[0]
        guard let first = try bounds.int8OrNil(0), let end = try bounds.int8OrNil(1) else { return [] }
        let page =
            end - first < Self.chainPageSpanMax
            ? Query(ChainReadStatements.nearPage, place + [.int8(first), .int8(end)])
            : Query(ChainReadStatements.page, place)
        var entries = try await read(page).map { try ChainEntry($0) }
        let documents = entries.compactMap { entry in entry.document.map(\.place) }
        guard !documents.isEmpty else { return entries }
        let hashes = try await documentHashes(documents)
        for index in entries.indices {
            if let place = entries[index].document?.place { entries[index].documentHash = hashes[place] }
        }
        return entries
    }

    /// SHA-256 of documents that events name, as their tables have them now.
    private func documentHashes(_ places: [ChainDocument.Place]) async throws -> [ChainDocument.Place: [UInt8]] {
        var policies: [Int64] = []
        var notices: Set<String> = []
        for place in places {
            switch place {
            case .policy(let version): policies.append(version)
            case .notice(let id, _): notices.insert(id)
            }
        }
        var hashes: [ChainDocument.Place: [UInt8]] = [:]
        for row in try await read(Query(ChainReadStatements.policies, .int8Array(policies))) {
            hashes[.policy(version: try row.int8(0))] = try row.bytes(1)
        }
        for row in try await read(Query(ChainReadStatements.notices, .textArray(notices.sorted()))) {
            hashes[.notice(id: try row.text(0), version: try row.int8(1))] = try row.bytes(2)
        }
        return hashes
    }

    /// Signed heads after a place and up to another, in order.
    public func chainHeads(after seq: Int64, upTo last: Int64 = .max, limit: Int = .max) async throws -> [SignedHead] {
        try await read(Query(ChainReadStatements.heads, .int8(seq), .int8(last), .int8(Int64(limit))))
            .map { try SignedHead($0) }
    }

    /// Events whose details an erasure took that has no link up to `last`, one that waits for its link included. To be
    /// asked after the pages were read.
    public func erasedSince(_ last: Int64) async throws -> [Int64] {
        try await read(Query(ChainReadStatements.erasedSince, .int8(last))).flatMap { row in
            let detail = try JSONValue.parse(try row.bytes(0))
            return detail[ChainVerifier.erasedEvents]?.arrayValue?.compactMap { $0.numberValue?.int64 } ?? []
        }
    }

    /// The place of the last signed head; nil: there is none.
    public func lastChainHead() async throws -> Int64? {
        try await read(Query(ChainReadStatements.lastHead))[0].int8OrNil(0)
    }

    /// Events, newest first, at most `chainEventsMax`. `kind` ending in a point and a star: all kinds that begin so.
    ///
    /// What people did for themselves is found by no kind, and by its date and not its time: a question would tell as
    /// much as an answer (P9). Throws `.refused` for kinds of which there is nothing else.
    public func chainEvents(kind: String? = nil, since: Moment? = nil, limit: Int) async throws -> [ChainEventRow] {
        if let kind {
            let meant = ChainKind.allCases.filter { $0.isMeant(by: kind) }
            guard meant.isEmpty || meant.contains(where: { $0.privacy != .personal }) else {
                throw LedgerError(
                    .refused,
                    "events of the kind \(kind) are what people did for themselves, and nobody else sees which",
                    remedy: "ask without a kind: each is listed by its number and its date")
            }
        }
        let limit = min(limit, Self.chainEventsMax)
        let pageRows = max(limit, Self.chainListRowsMin)
        var events: [ChainEventRow] = []
        var before = Int64.max
        while events.count < limit {
            let page = try await read(
                Query(
                    ChainReadStatements.list, .text(kind), .timestamptz(microseconds: since?.utcDayStart.microseconds),
                    .int8(Int64(pageRows)), .int8(before), .textArray(ChainKind.alwaysPersonal))
            ).map { try ChainEventRow($0) }
            events += page.filter { $0.isPersonal ? kind == nil : $0.event.at >= since ?? $0.event.at }
            guard let last = page.last, page.count == pageRows else { break }
            before = last.event.id
        }
        return Array(events.prefix(limit))
    }

    /// Rows that are read at once for a list, however short: of some kinds a part is passed over.
    private static let chainListRowsMin = 500
}

enum ChainReadStatements {
    /// One snapshot of where everything ends. Indexes: chain_link_pkey and chain_head_pkey backwards; the marks are
    /// few.
    static let end = Statement(
        "chain_end",
        """
        select coalesce((select max(seq) from chain_link), 0), coalesce((select max(seq) from chain_head), 0),
            count(*), coalesce((extract(epoch from clock() - min(e.at)) * 1000000)::bigint, 0)
        from chain_unsealed u left join chain_event e using (event_id)
        """)
    /// A walk over all events; only an audit asks.
    static let unchained = Statement(
        "chain_unchained",
        """
        select min(e.event_id) from chain_event e
        where not exists (select from chain_link l where l.event_id = e.event_id)
            and not exists (select from chain_unsealed u where u.event_id = e.event_id)
        """)
    static let lost = Statement(
        "chain_lost",
        """
        select min(u.event_id) from chain_unsealed u
        where not exists (select from chain_event e where e.event_id = u.event_id)
        """)
    /// The links of a page. The limit inside keeps the planner from reading a whole table for one page. Index:
    /// chain_link_pkey forwards.
    private static let pageLinks = """
        (select seq, event_id, previous, hash from chain_link where seq > $1 and seq <= $2
            order by seq limit \(Ledger.chainPageMax)) l
        """
    /// Between which numbers the events of a page lie: mostly side by side, as they are sealed in the order in which they
    /// became visible.
    static let pageBounds = Statement("chain_page_bounds", "select min(event_id), max(event_id) from \(pageLinks)")
    /// Indexes: chain_event_pkey and chain_detail_pkey over one stretch each, which costs a third of looking up row by
    /// row.
    static let nearPage = Statement("chain_page_near", entries(where: "where event_id between $3 and $4"))
    /// Indexes: chain_event_pkey and chain_detail_pkey for each row.
    static let page = Statement("chain_page", entries())
    private static func entries(where stretch: String = "") -> String {
        """
        select l.seq, l.event_id, l.previous, l.hash, e.at, e.kind, e.hash, d.salt, d.actor, d.detail
        from \(pageLinks)
        left join (select * from chain_event \(stretch)) e using (event_id)
        left join (select * from chain_detail \(stretch)) d using (event_id)
        order by l.seq
        """
    }
    /// Index: policy_pkey.
    static let policies = Statement(
        "chain_policies",
        "select version, sha256(convert_to(document, 'UTF8')) from policy where version = any($1)")
    /// Index: notice_pkey.
    static let notices = Statement(
        "chain_notices",
        "select notice_id, version::bigint, sha256(convert_to(body, 'UTF8')) from notice where notice_id = any($1)")
    /// Index: chain_head_pkey.
    static let heads = Statement(
        "chain_heads",
        """
        select seq, hash, signed_at, signature, certificate from chain_head
        where seq > $1 and seq <= $2 order by seq limit $3
        """)
    /// Indexes: chain_link_pkey from the end on; the marks are few.
    static let erasedSince = Statement(
        "chain_erased_since",
        """
        select d.detail from (
            select event_id from chain_link where seq > $1
            union
            select event_id from chain_unsealed) n
        join chain_event e using (event_id) join chain_detail d using (event_id)
        where e.kind = 'person.erased'
        """)
    static let lastHead = Statement("chain_last_head_seq", "select max(seq) from chain_head")
    /// Index: chain_event_pkey backwards; a kind that is rare costs a walk.
    static let list = Statement(
        "chain_list",
        """
        select e.event_id, e.at, e.kind, e.hash, l.seq, d.salt, d.actor, d.detail
        from chain_event e left join chain_link l using (event_id) left join chain_detail d using (event_id)
        where e.event_id < $4 and ($1::text is null or e.kind <> all($5::text[])
                and (e.kind = $1 or right($1, 2) = '.*' and starts_with(e.kind, left($1, -1))))
            and ($2::timestamptz is null or e.at >= $2)
        order by e.event_id desc limit $3
        """)
}

extension ChainEventRow {
    fileprivate init(_ row: Row) throws {
        self.init(
            event: ChainedEvent(
                id: try row.int8(0), at: Moment(microseconds: try row.timestamptz(1)), kind: try row.text(2),
                hash: try row.bytes(3)),
            seq: try row.int8OrNil(4), detail: try ChainDetail(row, from: 5))
    }
}

extension Moment {
    /// The first moment of the date that it is in UTC.
    fileprivate var utcDayStart: Moment {
        let day: Int64 = 86_400_000_000
        let rest = microseconds % day
        return Moment(microseconds: microseconds - (rest < 0 ? rest + day : rest))
    }
}

extension ChainEntry {
    fileprivate init(_ row: Row) throws {
        var event: ChainedEvent?
        let id = try row.int8(1)
        if let at = try row.timestamptzOrNil(4) {
            event = ChainedEvent(
                id: id, at: Moment(microseconds: at), kind: try row.text(5), hash: try row.bytes(6))
        }
        self.init(
            seq: try row.int8(0), eventID: id, previous: try row.bytes(2), hash: try row.bytes(3), event: event,
            detail: try ChainDetail(row, from: 7).map { .here($0) } ?? .erased)
    }
}

extension ChainDetail {
    /// Nil where the row is gone or its salt is empty: erased.
    fileprivate init?(_ row: Row, from column: Int) throws {
        guard let salt = try row.bytesOrNil(column), !salt.isEmpty else { return nil }
        self.init(salt: salt, actor: try row.text(column + 1), text: try row.bytes(column + 2))
    }
}

extension SignedHead {
    init(_ row: Row) throws {
        self.init(
            head: ChainHead(
                seq: try row.int8(0), hash: try row.bytes(1), at: Moment(microseconds: try row.timestamptz(2))),
            signature: CoordinatorSignature(signature: try row.bytes(3), certificate: try row.bytes(4)))
    }
}

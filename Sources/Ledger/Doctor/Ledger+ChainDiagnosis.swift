import PlimsollModel
import Postgres

enum ChainDiagnosisStatements {
    /// Where the chain ends: the last link and when its event happened, what waits and since when, the last signed head
    /// and its age. Indexes: chain_link_pkey and chain_head_pkey backwards, chain_event_pkey; what waits is little.
    static let ends = Statement.unprepared(
        """
        select coalesce(l.seq, 0), coalesce((extract(epoch from now.at - e.at) * 1000000)::bigint, 0),
            u.waiting, coalesce((extract(epoch from now.at - u.oldest) * 1000000)::bigint, 0),
            coalesce(h.seq, 0), coalesce((extract(epoch from now.at - h.signed_at) * 1000000)::bigint, 0)
        from (select clock() as at) now
        left join lateral (select seq, event_id from chain_link order by seq desc limit 1) l on true
        left join chain_event e on e.event_id = l.event_id
        left join lateral (select seq, signed_at from chain_head order by seq desc limit 1) h on true
        cross join lateral (
            select count(*) as waiting, min(x.at) as oldest from chain_unsealed q join chain_event x using (event_id)) u
        """)
}

extension Ledger {
    /// An event that has waited this long for its place in the chain says that nobody seals: it takes a second else.
    static let sealerBehind = Duration.seconds(10)
    /// Links that no head covers for this long say that nobody signs: a head is due every 10 s else.
    static let signerBehind = Duration.seconds(60)

    /// How far the record is chained and signed (P11). What is not chained yet could be changed unseen.
    func chainRows() async throws -> [DiagnosisRow] {
        let row = try await read(Query(ChainDiagnosisStatements.ends))[0]
        return Self.chainRows(
            link: try row.int8(0), linkAge: .microseconds(try row.int8(1)), waiting: try row.int8(2),
            oldest: .microseconds(try row.int8(3)), head: try row.int8(4), headAge: .microseconds(try row.int8(5)))
    }

    static func chainRows(
        link: Int64, linkAge: Duration, waiting: Int64, oldest: Duration, head: Int64, headAge: Duration
    ) -> [DiagnosisRow] {
        func age(_ duration: Duration) -> String { DurationText.readable(max(.zero, duration)) }
        let sealed = link == 0 ? "nothing sealed yet" : "sealed up to \(link), an event of \(age(linkAge)) ago"
        let tail = waiting == 0 ? "nothing waits" : "\(waiting) not sealed, the oldest for \(age(oldest))"
        let isBehind = waiting > 0 && oldest > sealerBehind
        let chain = DiagnosisRow(
            "chain", isBehind ? .failed : .ok,
            "\(sealed); \(tail)" + (isBehind ? ": what is not sealed could be changed unseen (P11)" : ""),
            remedy: isBehind ? "start a coordinator; if one runs, its log says why it cannot seal" : "")
        let signed = head == 0 ? "none signed yet" : "signed up to \(head), \(age(headAge)) ago"
        // Without any head the first link's age is as good: nothing signed what there is.
        let isUnsigned = link > head && (head == 0 ? linkAge : headAge) > signerBehind && linkAge > signerBehind
        let heads = DiagnosisRow(
            "chain head", isUnsigned ? .warning : .ok,
            signed + (isUnsigned ? ": \(link - head) sealed events are under no signature" : ""),
            remedy: isUnsigned ? "see the coordinators' logs for why heads are not signed" : "")
        return [chain, heads]
    }
}

public import FoundationEssentials
public import PlimsollModel
import Postgres

enum ReceiptStatements {
    /// One event of a person with its notice, and who answers for the projects that need the purpose. Another person's
    /// is not found, as one that does not exist. Indexes: person_name_key, consent_event_receipt_id_key, notice_pkey.
    static let one = Statement(
        "receipt_one",
        """
        select e.person_id, e.n, e.purpose, e.state, e.at, e.valid_until, e.certificate_serial, e.event_hash,
            e.notice_id, e.notice_version, n.locale, n.body, n.sha256, n.data, n.recipients, n.retention,
            n.withdrawal_method, n.alternative_offered, n.validity_days,
            n.assessment || coalesce(', ' || n.assessment_on, ''),
            n.consultation || coalesce(', ' || n.consultation_on, ''), clock(),
            coalesce((select array_agg(distinct r.name) from project_purpose u join named_person r using (project_id)
                where u.purpose = e.purpose), '{}')
        from consent_event e join person p using (person_id)
        left join notice n on n.notice_id = e.notice_id and n.version = e.notice_version
        where p.name = $1 and e.receipt_id = $2
        """)
    /// The chain's event of a receipt, with its link and the first head that covers it. Index: chain_detail_subject,
    /// which has a person's few events; then the keys of the chain, chain_head_pkey forwards.
    static let link = Statement(
        "receipt_link",
        """
        select e.event_id, e.at, e.kind, e.hash, d.salt, d.actor, d.detail, l.seq, l.previous,
            h.seq, h.hash, h.signed_at, h.signature, h.certificate
        from chain_detail d join chain_event e using (event_id) join chain_link l using (event_id)
        join lateral (select * from chain_head x where x.seq >= l.seq order by x.seq limit 1) h on true
        where d.subject_id = $1 and e.kind like 'consent.%' and d.detail ->> 'receipt' = $2 and d.salt <> ''
        """)
    /// The links after a place and up to another. Index: chain_link_pkey.
    static let between = Statement(
        "receipt_between",
        """
        select e.event_id, e.at, e.kind, e.hash from chain_link l join chain_event e using (event_id)
        where l.seq > $1 and l.seq <= $2 order by l.seq
        """)
}

extension Ledger {
    /// Everything about one consent event of a person, with the proof that it is in the chain once a head covers it;
    /// and now. Nil: no such receipt of this person.
    public func receipt(_ id: UUID, of name: String) async throws -> (record: ReceiptRecord, now: Moment)? {
        try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            let rows = try await connection.query(Query(ReceiptStatements.one, .text(name), .uuid(id)))
            guard let row = rows.first else { return nil }
            let record = try ReceiptRecord(row, id: id, proof: await inclusionProof(row, id, on: connection))
            return (record, Moment(microseconds: try row.timestamptz(21)))
        }
    }
}

private func inclusionProof(
    _ row: Row, _ id: UUID, on connection: isolated Connection
) async throws -> InclusionProof? {
    let found = try await connection.query(
        Query(ReceiptStatements.link, .int8(try row.int8(0)), .text(id.uuidString.lowercased())))
    guard let link = found.first else { return nil }
    let seq = try link.int8(7)
    let head = SignedHead(
        head: ChainHead(
            seq: try link.int8(9), hash: try link.bytes(10), at: Moment(microseconds: try link.timestamptz(11))),
        signature: CoordinatorSignature(signature: try link.bytes(12), certificate: try link.bytes(13)))
    let between = try await connection.query(
        Query(ReceiptStatements.between, .int8(seq), .int8(head.head.seq)))
    return InclusionProof(
        event: try ChainedEvent(link),
        detail: ChainDetail(salt: try link.bytes(4), actor: try link.text(5), text: try link.bytes(6)), seq: seq,
        previous: try link.bytes(8), leaves: try between.map { try ChainedEvent($0).leaf }, head: head)
}

extension ChainedEvent {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row.int8(0), at: Moment(microseconds: try row.timestamptz(1)), kind: try row.text(2),
            hash: try row.bytes(3))
    }
}

extension ReceiptRecord {
    fileprivate init(_ row: Row, id: UUID, proof: InclusionProof?) throws {
        let notice = try Notice(row)
        let event = ConsentEvent(
            fact: PersonFact(
                person: PersonID(try row.int8(0)), n: try row.int8(1), at: Moment(microseconds: try row.timestamptz(4))),
            purpose: try row.text(2), state: AgreementState(rawValue: try row.text(3)) ?? .unknown,
            noticeID: notice?.id, noticeVersion: notice?.version, noticeHash: notice?.sha256,
            until: try row.timestamptzOrNil(5).map { Moment(microseconds: $0) },
            certificateSerial: try row.text(6), receiptID: id)
        self.init(
            id: id.uuidString.lowercased(), person: event.fact.person.rawValue, purpose: event.purpose,
            state: event.state, at: event.fact.at, until: event.until, certificateSerial: event.certificateSerial,
            eventText: event.canonicalText, eventHash: try row.bytes(7), notice: notice,
            contacts: try row.textArray(22), proof: proof)
    }
}

extension ReceiptRecord.Notice {
    fileprivate init?(_ row: Row) throws {
        guard let id = try row.textOrNil(8) else { return nil }
        self.init(
            id: id, version: Int(try row.int8(9)), locale: try row.text(10), text: try row.text(11),
            sha256: try row.bytes(12), data: try row.text(13), recipients: try row.text(14),
            retention: try row.text(15), withdrawalMethod: try row.text(16), alternativeOffered: try row.text(17),
            validityDays: Int(try row.int8(18)), assessment: try row.text(19), consultation: try row.text(20))
    }
}

import PlimsollModel
import Postgres

enum NoticeStatements {
    /// The last columns of every select of notices.
    static let references = """
        n.assessment, coalesce(n.assessment_on::text, ''), n.consultation, coalesce(n.consultation_on::text, '')
        """
    private static let select = """
        select n.notice_id, n.version, n.locale, n.purpose, n.body, n.sha256, n.data, n.recipients, n.retention,
            n.withdrawal_method, n.alternative_offered, n.validity_days, n.material, n.effective_at,
            n.effective_at <= clock() and not exists (select from notice x where x.notice_id = n.notice_id
                and x.version > n.version and x.effective_at <= clock()), \(references)
        from notice n
        """
    /// All versions of one notice, or of all. Index: notice_pkey.
    static let list = Statement(
        "notice_list", select + " where $1 = '' or n.notice_id = $1 order by n.notice_id, n.version")
    static let one = Statement("notice_one", select + " where n.notice_id = $1 and n.version = $2")
    /// Keeps two publications of one notice apart; held to the end of the transaction.
    static let lock = Statement("notice_lock", "select pg_advisory_xact_lock(hashtextextended('notice ' || $1, 0))")
    static let insert = Statement(
        "notice_insert",
        """
        insert into notice (notice_id, version, locale, purpose, body, sha256, data, recipients, retention,
            withdrawal_method, alternative_offered, validity_days, material, effective_at, published_at, published_by,
            assessment, assessment_on, consultation, consultation_on)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
            greatest($14, clock() + make_interval(days => $15)), clock(), $16, $17, $18, $19, $20)
        """)
}

extension Ledger {
    /// Days between the publication of a material change and the moment from which older agreements no longer hold.
    public static let materialNoticeDays = 14

    /// Publishes a version of a notice. The first is in force at once, and so is one that changes nothing material. A
    /// material one is in force after `materialNoticeDays`, but at once when data or recipients changed: nobody's
    /// agreement covers what they were not told. No other version takes effect before an earlier one.
    ///
    /// Throws `.invalid` naming what is missing, and `.conflict` when the version is not the next one.
    public func publishNotice(_ draft: NoticeDraft, by actor: String) async throws -> NoticeRow {
        try draft.check()
        // Under the epoch: an agreement that a new version ends must not open the gate once this has returned.
        return try await withEpoch(cause: "notice published") { connection in
            _ = try await connection.query(Query(NoticeStatements.lock, .text(draft.id)))
            let latest = try await connection.query(Query(NoticeStatements.list, .text(draft.id))).last
                .map { try NoticeRow($0) }
            let next = (latest?.version ?? 0) + 1
            guard draft.version == next else {
                throw LedgerError(
                    .conflict, "the next version of the notice \(draft.id) is \(next), not \(draft.version)",
                    remedy: "see plimsoll notice show \(draft.id), then publish yours as the next, or without a number")
            }
            if let latest { try Self.check(draft, after: latest) }
            let widens = latest.map { $0.data != draft.data || $0.recipients != draft.recipients } ?? false
            let isMaterial = latest == nil ? false : draft.isMaterial
            let days = isMaterial && !widens ? Self.materialNoticeDays : 0
            _ = try await connection.query(
                Query(
                    NoticeStatements.insert, .text(draft.id), .int4(Int32(draft.version)), .text(draft.locale),
                    .text(draft.purpose), .text(draft.text), .bytea(draft.sha256), .text(draft.data),
                    .text(draft.recipients), .text(draft.retention), .text(draft.withdrawalMethod),
                    .text(draft.alternativeOffered),
                    .int4(Int32(draft.validityDays ?? NoticeDraft.validityDefault)), .bool(isMaterial),
                    .timestamptz(microseconds: widens ? nil : latest?.effectiveAt.microseconds), .int4(Int32(days)),
                    .text(actor),
                    .text(draft.assessment.text), .date(days: draft.assessment.day?.rawValue),
                    .text(draft.consultation.text), .date(days: draft.consultation.day?.rawValue)))
            try await appendChainEvent(
                .noticePublished, actor: actor,
                detail: [
                    "notice": .string(draft.id), "version": .integer(Int64(draft.version)),
                    "sha256": .string(draft.sha256.hex), "material": .bool(isMaterial),
                    "assessment": .string("\(draft.assessment.text), \(draft.assessment.on)"),
                    "consultation": .string("\(draft.consultation.text), \(draft.consultation.on)"),
                ], on: connection)
            let rows = try await connection.query(
                Query(NoticeStatements.one, .text(draft.id), .int4(Int32(draft.version))))
            return try NoticeRow(rows[0])
        }
    }

    private static func check(_ draft: NoticeDraft, after latest: NoticeRow) throws {
        guard draft.purpose == latest.purpose else {
            throw LedgerError(
                .conflict, "the notice \(draft.id) is about the purpose \(latest.purpose), in every version",
                remedy: "publish another notice for \(draft.purpose)")
        }
        guard draft.isMaterial || (draft.data == latest.data && draft.recipients == latest.recipients) else {
            throw LedgerError(
                .invalid, "a version with other data or other recipients is a material change",
                remedy: "say that it is material")
        }
    }

    /// All versions of one notice, or of every notice, in order.
    public func notices(id: String? = nil) async throws -> [NoticeRow] {
        try await read(Query(NoticeStatements.list, .text(id ?? ""))).map { try NoticeRow($0) }
    }
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal.
    var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

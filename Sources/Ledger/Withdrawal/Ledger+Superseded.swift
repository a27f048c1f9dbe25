public import PlimsollModel
import Postgres

/// An export some of whose records must be dropped by now.
public struct SupersededExport: Sendable, Hashable {
    public let export: Int64
    public let project: String
    public let purpose: String
    /// UTC.
    public let cutOn: LocalDay
    public let exportedBy: String
    public let labels: Int
    /// Of its newest manifest; the one that it was sealed with is 1.
    public let number: Int
    /// UTC.
    public let writtenOn: LocalDay
    /// Records to be dropped, those of earlier manifests among them.
    public let dropped: Int
    /// As the export's own manifest names it.
    public let pseudonymKeyID: String
}

/// One record of an export, under the names of that export.
public struct DroppedRecord: Sendable, Hashable {
    public let taskKey: String
    public let slot: Int
    public let annotator: String
}

enum SupersededStatements {
    private static let select = """
        select x.export_id, p.name, x.purpose, (x.cut_at at time zone 'UTC')::date, x.exported_by,
            coalesce(x.labels, 0), s.number, s.written_on,
            (select count(*) from export_drop d where d.export_id = x.export_id), x.pseudonym_key
        from export x join project p using (project_id)
        cross join lateral (select number, written_on from supersession s where s.export_id = x.export_id
            order by number desc limit 1) s
        """
    /// A walk over the exports, newest first. Indexes: supersession_pkey, export_drop_pkey.
    static let list = Statement(
        "superseded_list", select + " where ($1 = '' or p.name = $1) order by x.export_id desc limit $2")
    /// Index: export_pkey.
    static let one = Statement("superseded_one", select + " where x.export_id = $1")
    /// Index: export_pkey.
    static let finished = Statement(
        "superseded_finished", "select from export where export_id = $1 and finished_at is not null")
    /// A page, from a record on. Index: export_drop_pkey.
    static let records = Statement(
        "superseded_records",
        """
        select task_key, slot, annotator from export_drop
        where export_id = $1 and (task_key, annotator, slot) > ($2::text, $3::text, $4::smallint)
        order by task_key, annotator, slot limit $5
        """)
}

extension Ledger {
    public static let supersededMax = 1_000
    static let droppedPage = 1_000

    /// Exports that were superseded, newest first; of one project or all.
    public func supersededExports(project name: String? = nil) async throws -> [SupersededExport] {
        if let name { _ = try await project(named: name) }
        return try await read(
            Query(SupersededStatements.list, .text(name ?? ""), .int8(Int64(Self.supersededMax)))
        ).map { try SupersededExport($0) }
    }

    /// What an export must drop by now, as one moment has it, in the order of keys; nil where it need drop nothing.
    /// `receive` gets a page at a time. Throws `.notFound` for an export that was never sealed, and `.refused` when
    /// either takes longer than `pauseMax`.
    public func droppedRecords(
        of export: Int64, pauseMax: Duration = Ledger.readerPauseMax,
        heading: @Sendable (SupersededExport) async throws -> Void,
        receive: @Sendable ([DroppedRecord]) async throws -> Void
    ) async throws {
        let id = Bind.int8(export)
        guard try await !read(Query(SupersededStatements.finished, id)).isEmpty else {
            throw LedgerError(
                .notFound, "there is no export \(export)", remedy: "the number is in manifest.json, under cut")
        }
        try await stream(pauseMax: pauseMax) { connection in
            guard let row = try await connection.query(Query(SupersededStatements.one, id)).first else { return }
            try await heading(try SupersededExport(row))
            var last = DroppedRecord(taskKey: "", slot: 0, annotator: "")
            while true {
                let page = try await connection.query(
                    Query(
                        SupersededStatements.records, id, .text(last.taskKey), .text(last.annotator),
                        .int2(Int16(last.slot)), .int8(Int64(Self.droppedPage)))
                ).map {
                    DroppedRecord(taskKey: try $0.text(0), slot: Int(try $0.int2(1)), annotator: try $0.text(2))
                }
                guard let end = page.last else { return }
                try await receive(page)
                last = end
            }
        }
    }
}

extension SupersededExport {
    init(_ row: Row) throws {
        self.init(
            export: try row.int8(0), project: try row.text(1), purpose: try row.text(2),
            cutOn: LocalDay(try row.date(3)), exportedBy: try row.text(4), labels: Int(try row.int8(5)),
            number: Int(try row.int4(6)), writtenOn: LocalDay(try row.date(7)), dropped: Int(try row.int8(8)),
            pseudonymKeyID: Pseudonyms.id(of: try row.bytes(9)))
    }
}

import PlimsollModel
import Postgres

extension Ledger {
    /// Rows are fetched in pieces of about this size.
    static let exportChunkBytes = 1_048_576
    /// And no more than this many at once.
    static let exportRowsMax = 2_000

    /// Gives out the labels of a project that stand on a purpose, in lane and task order, as of one moment. What was
    /// withdrawn, or lacks the purpose, is left out and counted. `receive` is called with the heading's rows as they
    /// come; while it is busy the database waits.
    ///
    /// Throws `.notFound`, `.invalid` for a purpose that the project does not name, and `.stale` when somebody
    /// withdrew while the export ran: then what was received must be thrown away and the export made again.
    public func exportLabels(
        project name: String, purpose: String, by actor: String,
        heading: @Sendable (ExportHeading) async throws -> Void,
        receive: @escaping @Sendable ([ExportedLabelRow]) async throws -> Void
    ) async throws -> ExportTotals {
        try NameRule.check(purpose, "purpose")
        let project = try await project(named: name)
        let key = Pseudonyms.makeKey()
        let id = Bind.int8(project.id.rawValue)
        // Durable before the first row leaves, so that what leaves can always be named again.
        let begun = try await read(
            Query(ExportStatements.begin, id, .text(purpose), .bytea(key), .text(actor)))[0]
        let head = ExportHeading(
            id: try begun.int8(0), project: name, purpose: purpose,
            cutAt: Moment(microseconds: try begun.timestamptz(1)), pseudonymKeyID: Pseudonyms.id(of: key),
            answerSchema: project.answerSchema)
        try await heading(head)
        let totals = try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            try await connection.execute(script: "set local statement_timeout = 0")
            return try await rows(of: project, purpose, Pseudonyms(key: key), receive, on: connection)
        }
        try await transaction { connection in
            let late = try await connection.query(
                Query(
                    ExportStatements.withdrawnSince, id, .text(purpose),
                    .timestamptz(microseconds: head.cutAt.microseconds)))
            guard try !late[0].bool(0) else {
                throw LedgerError(
                    .stale, "what may be exported changed while the export ran",
                    remedy: "throw away what was received and export again")
            }
            _ = try await connection.query(
                Query(ExportStatements.finish, .int8(head.id), .int8(Int64(totals.labels))))
            try await appendChainEvent(
                .labelsExported, actor: actor,
                detail: [
                    "export": .integer(head.id), "project": .string(name), "purpose": .string(purpose),
                    "labels": .integer(Int64(totals.labels)), "excluded": .integer(Int64(totals.excluded)),
                ], on: connection)
        }
        return totals
    }
}

private func rows(
    of project: ProjectRecord, _ purpose: String, _ pseudonyms: Pseudonyms,
    _ receive: @Sendable ([ExportedLabelRow]) async throws -> Void, on connection: isolated Connection
) async throws -> ExportTotals {
    let id = Bind.int8(project.id.rawValue)
    var standings: [Int64: ExportStanding] = [:]
    for row in try await connection.query(Query(ExportStatements.standings, id, .text(purpose))) {
        standings[try row.int8(0)] = ExportStanding(
            person: PersonID(try row.int8(1)),
            agreements: try row.textArray(2).map { String($0.prefix { $0 != "#" }) }.sorted(),
            policyVersion: try row.int8(3), instructionsVersion: try row.int8(4), excludedUpTo: try row.int8(5),
            hasPurpose: try row.bool(6))
    }
    var totals = ExportTotals()
    var people: Set<PersonID> = []
    var lastTask: TaskID?
    for lane in try await connection.query(Query(ExportStatements.lanes, id)) {
        let kind = try lane.text(1)
        _ = try await connection.query(Query(ExportStatements.declare, .int8(try lane.int8(0))))
        var size = 100
        while true {
            let fetched = try await connection.query(Query(ExportStatements.fetch(size)))
            if fetched.isEmpty { break }
            var batch: [ExportedLabelRow] = []
            var bytes = 0
            for row in fetched {
                guard let standing = standings[try row.int8(4)], standing.admits(try row.int8(5)) else {
                    totals.excluded += 1
                    continue
                }
                let label = ExportedLabelRow(
                    task: TaskID(try row.int8(0)), key: try row.text(1), kind: kind, payload: try row.bytes(2),
                    slot: Int(try row.int2(3)), annotator: pseudonyms.name(standing.person), answer: try row.bytes(7),
                    acceptedOn: LocalDay(try row.date(6)), agreements: standing.agreements,
                    policyVersion: standing.policyVersion, instructionsVersion: standing.instructionsVersion)
                bytes += label.payload.count + label.answer.count + 200
                if label.task != lastTask { totals.tasks += 1 }
                lastTask = label.task
                people.insert(standing.person)
                batch.append(label)
            }
            totals.labels += batch.count
            if !batch.isEmpty { try await receive(batch) }
            let average = max(1, bytes / max(1, batch.count))
            size = min(Ledger.exportRowsMax, max(1, Ledger.exportChunkBytes / average))
        }
        _ = try await connection.query(Query(ExportStatements.close))
    }
    totals.annotators = people.count
    return totals
}

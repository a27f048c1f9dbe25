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
    /// withdrew while the export ran: then what was received must be thrown away and the export made again; `.refused`
    /// when nothing of it was taken for `readerPauseMax`.
    public func exportLabels(
        project name: String, purpose: String, by actor: String,
        heading: @Sendable (ExportHeading) async throws -> Void,
        receive: @escaping @Sendable ([ExportedLabelRow]) async throws -> Void
    ) async throws -> ExportTotals {
        try NameRule.check(purpose, "purpose")
        let project = try await project(named: name)
        let key = Pseudonyms.makeKey()
        let id = Bind.int8(project.id.rawValue)
        // Durable before the first row leaves, so that what leaves can always be named again. Alone, so that an erasure
        // that did not find this export is over before its snapshot.
        let begun = try await transaction { connection in
            try await keepAlone(on: connection)
            return try await connection.query(
                Query(ExportStatements.begin, id, .text(purpose), .bytea(key), .text(actor)))[0]
        }
        let head = ExportHeading(
            id: try begun.int8(0), project: name, purpose: purpose,
            cutAt: Moment(microseconds: try begun.timestamptz(1)), pseudonymKeyID: Pseudonyms.id(of: key),
            answerSchema: project.answerSchema)
        try await heading(head)
        let contents = try await stream(pauseMax: Self.readerPauseMax) { connection in
            try await connection.execute(script: "set local statement_timeout = 0")
            return try await rows(of: project, purpose, Pseudonyms(key: key), receive, on: connection)
        }
        try await seal(head, contents, project.id, by: actor)
        return contents.totals
    }

    /// Makes an export final, unless somebody withdrew since its snapshot (P3). Whose labels it holds is on disk
    /// before: a withdrawal that the sealing does not see commits after it, and finds the export.
    private func seal(
        _ head: ExportHeading, _ contents: ExportContents, _ project: ProjectID, by actor: String
    ) async throws {
        let id = Bind.int8(head.id)
        let people = contents.people.sorted { $0.key < $1.key }
        let (ids, numbers) = (Bind.int8Array(people.map(\.key.rawValue)), Bind.int8Array(people.map(\.value.atN)))
        _ = try await read(
            Query(ExportStatements.people, id, ids, numbers, .int8Array(people.map(\.value.labels))))
        let isSealed = try await transaction { connection in
            try await keepAlone(on: connection)
            let withdrawn = try await connection.query(
                Query(ExportStatements.withdrawn, .int8(project.rawValue), ids, numbers, .text(head.purpose), id))
            guard try !withdrawn[0].bool(0) else { return false }
            let totals = contents.totals
            _ = try await connection.query(Query(ExportStatements.finish, id, .int8(Int64(totals.labels))))
            try await appendChainEvent(
                .labelsExported, actor: actor,
                detail: [
                    "export": .integer(head.id), "project": .string(head.project), "purpose": .string(head.purpose),
                    "labels": .integer(Int64(totals.labels)), "excluded": .integer(Int64(totals.excluded)),
                ], on: connection)
            return true
        }
        guard isSealed else {
            _ = try await read(Query(ExportStatements.forget, id))
            throw LedgerError(
                .stale, "what may be exported changed while the export ran",
                remedy: "throw away what was received and export again")
        }
    }
}

/// Until the transaction ends no withdrawal and no erasure is under way.
private func keepAlone(on connection: isolated Connection) async throws {
    try await connection.execute(script: ExportStatements.patience)
    _ = try await connection.query(Query(ExportStatements.sealLock))
}

private func rows(
    of project: ProjectRecord, _ purpose: String, _ pseudonyms: Pseudonyms,
    _ receive: @Sendable ([ExportedLabelRow]) async throws -> Void, on connection: isolated Connection
) async throws -> ExportContents {
    let id = Bind.int8(project.id.rawValue)
    var contents = ExportContents()
    var standings: [Int64: ExportStanding] = [:]
    let known = try await connection.pipeline([
        Query(ExportStatements.standings, id, .text(purpose)), Query(ExportStatements.severities, id),
        Query(ExportStatements.lanes, id),
    ])
    for row in known[0] {
        standings[try row.int8(0)] = ExportStanding(
            person: PersonID(try row.int8(1)),
            agreements: try row.textArray(2).map { String($0.prefix { $0 != "#" }) }.sorted(),
            policyVersion: try row.int8(3), instructionsVersion: try row.int8(4), excludedUpTo: try row.int8(5),
            hasPurpose: try row.bool(6), lastExclusion: try row.int8(7))
    }
    var severityUpTo: [Int16: [PersonID: Int64]] = [:]
    for row in known[1] { severityUpTo[try row.int2(0), default: [:]][PersonID(try row.int8(1))] = try row.int8(2) }
    var lastTask: TaskID?
    for lane in known[2] {
        let kind = try lane.text(1)
        let excluded = severityUpTo[try lane.int2(2)] ?? [:]
        _ = try await connection.query(Query(ExportStatements.declare, .int8(try lane.int8(0))))
        var size = 100
        while true {
            let fetched = try await connection.query(Query(ExportStatements.fetch(size)))
            if fetched.isEmpty { break }
            var batch: [ExportedLabelRow] = []
            var bytes = 0
            for row in fetched {
                let personN = try row.int8(5)
                guard let standing = standings[try row.int8(4)],
                    standing.admits(personN, severityUpTo: excluded[standing.person] ?? 0)
                else {
                    contents.totals.excluded += 1
                    continue
                }
                let label = ExportedLabelRow(
                    task: TaskID(try row.int8(0)), key: try row.text(1), kind: kind, payload: try row.bytes(2),
                    slot: Int(try row.int2(3)), annotator: pseudonyms.name(standing.person), answer: try row.bytes(7),
                    acceptedOn: LocalDay(try row.date(6)), agreements: standing.agreements,
                    policyVersion: standing.policyVersion, instructionsVersion: standing.instructionsVersion)
                bytes += label.payload.count + label.answer.count + 200
                if label.task != lastTask { contents.totals.tasks += 1 }
                lastTask = label.task
                var person = contents.people[standing.person] ?? ExportedPerson(atN: standing.lastExclusion)
                person.atN = max(person.atN, personN)
                person.labels += 1
                contents.people[standing.person] = person
                batch.append(label)
            }
            contents.totals.labels += batch.count
            if !batch.isEmpty { try await receive(batch) }
            let average = max(1, bytes / max(1, batch.count))
            size = min(Ledger.exportRowsMax, max(1, Ledger.exportChunkBytes / average))
        }
        _ = try await connection.query(Query(ExportStatements.close))
    }
    contents.totals.annotators = contents.people.count
    return contents
}

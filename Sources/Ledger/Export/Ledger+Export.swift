import PlimsollModel
import Postgres

extension Ledger {
    /// Rows are fetched in pieces of about this size.
    static let exportChunkBytes = 1_048_576
    /// And no more than this many at once.
    static let exportRowsMax = 2_000

    /// Gives out the labels of a project that stand on a purpose, in lane and task order, as of one moment. What was
    /// withdrawn, or lacks the purpose, is left out and counted. `receive` is called with the heading's rows as they
    /// come; while it is busy the database waits. That the export began, and whose labels a piece holds, is on record
    /// before it leaves, however the export ends (P11); a second connection of the pool is lent for that, for a moment.
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
            let row = try await connection.query(
                Query(ExportStatements.begin, id, .text(purpose), .bytea(key), .text(actor)))[0]
            try await appendChainEvent(
                .labelsExportBegun, actor: actor,
                detail: [
                    "export": .integer(try row.int8(0)), "project": .string(name), "purpose": .string(purpose),
                ], on: connection)
            return row
        }
        let head = ExportHeading(
            id: try begun.int8(0), project: name, purpose: purpose,
            cutAt: Moment(microseconds: try begun.timestamptz(1)), pseudonymKeyID: Pseudonyms.id(of: key),
            answerSchema: project.answerSchema)
        try await heading(head)
        let contents = try await stream(pauseMax: Self.readerPauseMax) { connection in
            try await connection.execute(script: "set local statement_timeout = 0")
            return try await rows(of: project, purpose, Pseudonyms(key: key), on: connection) { piece, people in
                try await record(people, in: head.id)
                try await receive(piece)
            }
        }
        try await seal(head, contents, project.id, by: actor)
        return contents.totals
    }

    /// Puts on record whose labels an export holds, durable when it returns. Throws `.stale` where an erasure has
    /// spoilt the export: the record of its person is gone with it, and must not come back.
    private func record(_ people: [PersonID: ExportedPerson], in export: Int64) async throws {
        if people.isEmpty { return }
        let ordered = people.sorted { $0.key < $1.key }
        let recorded = try await read(
            Query(
                ExportStatements.people, .int8(export), .int8Array(ordered.map(\.key.rawValue)),
                .int8Array(ordered.map(\.value.atN)), .int8Array(ordered.map(\.value.labels))))
        guard recorded.affected == ordered.count else { throw changedMeanwhile() }
    }

    /// Makes an export final, unless somebody withdrew since its snapshot (P3). Whose labels it holds is on disk
    /// before: a withdrawal that the sealing does not see commits after it, and finds the export.
    private func seal(
        _ head: ExportHeading, _ contents: ExportContents, _ project: ProjectID, by actor: String
    ) async throws {
        try await record(contents.unrecorded, in: head.id)
        let id = Bind.int8(head.id)
        let people = contents.people.sorted { $0.key < $1.key }
        let (ids, numbers) = (Bind.int8Array(people.map(\.key.rawValue)), Bind.int8Array(people.map(\.value.atN)))
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
        guard isSealed else { throw changedMeanwhile() }
    }
}

private func changedMeanwhile() -> LedgerError {
    LedgerError(
        .stale, "what may be exported changed while the export ran",
        remedy: "throw away what was received and export again")
}

/// Until the transaction ends no withdrawal and no erasure is under way.
private func keepAlone(on connection: isolated Connection) async throws {
    try await connection.execute(script: ExportStatements.patience)
    _ = try await connection.query(Query(ExportStatements.sealLock))
}

/// `receive` gets each piece with those of its people who are to be put on record first.
private func rows(
    of project: ProjectRecord, _ purpose: String, _ pseudonyms: Pseudonyms, on connection: isolated Connection,
    _ receive: @Sendable ([ExportedLabelRow], [PersonID: ExportedPerson]) async throws -> Void
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
            var authors: Set<PersonID> = []
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
                authors.insert(standing.person)
                batch.append(label)
            }
            contents.totals.labels += batch.count
            if !batch.isEmpty { try await receive(batch, contents.due(of: authors)) }
            let average = max(1, bytes / max(1, batch.count))
            size = min(Ledger.exportRowsMax, max(1, Ledger.exportChunkBytes / average))
        }
        _ = try await connection.query(Query(ExportStatements.close))
    }
    contents.totals.annotators = contents.people.count
    return contents
}

import PlimsollModel
import Postgres

extension Ledger {
    /// Adds tasks to a project, all or nothing: no task can be leased before the last was taken, and any problem adds
    /// none. The order of the tasks is the order in which they are worked on within a lane. A key that exists with the
    /// same payload is skipped; with another it is a conflict, and then nothing is added.
    ///
    /// Memory is bounded by a few chunks of `TaskEncoder.chunkBytes` and one piece; a slow database slows the sequence
    /// down. Two imports of one project wait for each other. When the sequence throws, or ends without the total that
    /// was sent, nothing is added.
    public func importTasks<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, by actor: String
    ) async throws -> ImportOutcome where Pieces.Element == ImportPiece {
        let (outcome, lanes) = try await withStaging { connection in
            let staged = try await stage(pieces, connection)
            return try await settle(staged, actor, connection)
        }
        if lanes.count == 1 { await notify(.lane, lanes[0].description) } else if !lanes.isEmpty { await notify(.lane) }
        return outcome
    }

    /// Lends a connection with an empty staging table and leaves the connection as it was.
    private func withStaging<R: Sendable>(
        _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        do {
            return try await pool.withConnection { connection in
                try await connection.execute(script: ImportStatements.begin)
                let result: Result<R, any Error>
                do { result = .success(try await body(connection)) } catch { result = .failure(error) }
                if Task.isCancelled {
                    // Nothing can be sent any more in a cancelled task; the session and its table go together.
                    await connection.close()
                } else {
                    try await connection.execute(script: ImportStatements.end)
                }
                return try result.get()
            }
        } catch {
            throw LedgerError.translating(error)
        }
    }
}

/// Tasks in the staging table.
private struct StagedTasks: Sendable {
    let request: ImportRequest
    let project: ProjectRecord
    let count: Int64
    let lanes: [LaneKey]
}

/// Fills the staging table. Off the connection's thread, so that the next chunk is read and encoded while the database
/// takes the one before.
@concurrent
private func stage<Pieces: AsyncSequence & Sendable>(
    _ pieces: Pieces, _ connection: Connection
) async throws -> StagedTasks where Pieces.Element == ImportPiece {
    try await withThrowingTaskGroup(of: Void.self) { group in
        var opening: (request: ImportRequest, project: ProjectRecord)?
        var encoder: TaskEncoder?
        var total: Int?
        for try await piece in pieces {
            if let request = piece.request, opening == nil {
                let (project, made) = try await begin(request, connection)
                opening = (request, project)
                encoder = made
            }
            guard encoder != nil, total == nil else {
                throw LedgerError(.invalid, "an import begins with its header and ends with its total")
            }
            for task in piece.tasks { try encoder?.append(task) }
            total = piece.total
            if let taken = encoder?.takeIfFull() {
                // One chunk at a time: the database's pace is ours.
                try await group.next()
                let before = encoder?.count ?? 0
                group.addTask { try await copy(taken, before: before, connection) }
            }
        }
        try Task.checkCancellation()
        try await group.next()
        guard var encoder, let opening, let total else {
            throw LedgerError(
                .invalid, "the import ended early: its last message with the total never came",
                remedy: "nothing was imported; send it again")
        }
        guard total == Int(encoder.count) else {
            throw LedgerError(
                .invalid, "\(total) tasks were announced and \(encoder.count) came",
                remedy: "nothing was imported; send it again")
        }
        if encoder.hasRows { try await copy(encoder.take(), before: encoder.count, connection) }
        return StagedTasks(
            request: opening.request, project: opening.project, count: encoder.count, lanes: encoder.lanes)
    }
}

/// What an import's tasks are encoded by. Throws where the project takes none. On the import's own connection: one that
/// waited for a second could starve the pool.
private func begin(
    _ request: ImportRequest, _ connection: Connection
) async throws -> (ProjectRecord, TaskEncoder) {
    let rows = try await connection.pipeline([
        Query(ProjectStatements.byName, .text(request.project)), Query(ImportStatements.isReadOnly),
    ])
    guard let row = rows[0].first else { throw unknownProject(request.project) }
    let project = try ProjectRecord(row)
    guard project.state != .closed else {
        throw LedgerError(.conflict, "the project \(project.name) is closed")
    }
    guard try !rows[1][0].bool(0) else { throw readOnlyImport }
    do {
        let schema = try AnswerSchema.compile(Array(project.answerSchema.utf8))
        return (project, TaskEncoder(effortDefault: project.effortSeconds, answerSchema: schema))
    } catch {
        throw LedgerError(.fault, "the answer schema of \(project.name) cannot be read: \(error)", cause: error)
    }
}

private let readOnlyImport = LedgerError(readOnly: "which takes no imports")

@concurrent
private func copy(_ bytes: [UInt8], before: Int64, _ connection: Connection) async throws {
    do {
        _ = try await connection.copyIn(ImportStatements.copy, bytes: bytes)
    } catch let error as PostgresError where error.sqlState == "22P02" || error.sqlState == "22021" {
        throw LedgerError(
            .invalid, "a payload or key among the tasks up to number \(before) is no valid JSON or text",
            remedy: "plimsoll task import names the place when it reads the file", cause: error)
    }
}

/// Takes the staged tasks into the project, or finds out what would happen.
private func settle(
    _ staged: StagedTasks, _ actor: String, _ connection: isolated Connection
) async throws -> (ImportOutcome, [LaneID]) {
    let (request, project) = (staged.request, staged.project)
    let none = ImportOutcome(importID: nil, imported: 0, skipped: 0, conflicts: 0, conflictingKeys: [])
    if staged.count == 0 { return (none, []) }
    var first: Int64 = 0
    if !request.isDryRun {
        // Before the transaction, so that the lock on ids is held for one round trip and not for a whole import. What
        // turns out to be there already leaves a gap behind the import's range.
        first = try await connection.pipeline([
            Query(ImportStatements.idLock), Query(ImportStatements.reserve, .int8(staged.count)),
        ])[1][0].int8(0)
    }
    let firstID = first
    do {
        return try await connection.transaction { connection in
            let id = Bind.int8(project.id.rawValue)
            let opening = try await connection.pipeline([
                Query(ImportStatements.lock, .text(project.name)), Query(ImportStatements.hasTasks, id),
            ])
            var skipped = 0
            if try opening[1][0].bool(0) {
                _ = try await connection.query(Query(ImportStatements.analyze))
                let row = try await connection.query(
                    Query(ImportStatements.conflicts, id, .int8(Int64(ImportOutcome.conflictingKeysMax))))[0]
                let conflicts = Int(try row.int8(0))
                guard conflicts == 0 else {
                    return (
                        ImportOutcome(
                            importID: nil, imported: 0, skipped: 0, conflicts: conflicts,
                            conflictingKeys: try row.textArray(1)), []
                    )
                }
                skipped = try await connection.query(Query(ImportStatements.skip, id)).affected
            }
            let count = staged.count - Int64(skipped)
            if request.isDryRun || count == 0 {
                if let row = try await connection.query(Query(ImportStatements.duplicates)).first {
                    throw duplicate(try row.text(0), " (tasks \(try row.int8(1) + 1) and \(try row.int8(2) + 1))")
                }
                let outcome = ImportOutcome(
                    importID: nil, imported: Int(count), skipped: skipped, conflicts: 0, conflictingKeys: [])
                return (outcome, [])
            }
            if skipped > 0 { _ = try await connection.query(Query(ImportStatements.renumber)) }
            return try await insert(
                count, skipped, from: firstID, staged.lanes, request, project, actor, connection)
        }
    } catch let error as PostgresError where error.constraint == "task_key" {
        throw duplicate(
            error.detail?.split(separator: "(").last?.split(separator: ")").first.map(String.init) ?? "", "")
    }
}

private func duplicate(_ key: String, _ places: String) -> LedgerError {
    LedgerError(.invalid, "a key is in the file twice: “\(key)”\(places)", remedy: "every task needs a key of its own")
}

private func insert(
    _ count: Int64, _ skipped: Int, from first: Int64, _ keys: [LaneKey], _ request: ImportRequest,
    _ project: ProjectRecord, _ actor: String, _ connection: isolated Connection
) async throws -> (ImportOutcome, [LaneID]) {
    let id = Bind.int8(project.id.rawValue)
    let laneBinds: [Bind] = [
        id, .textArray(keys.map(\.kind)), .int2Array(keys.map(\.severity)), .int2Array(keys.map(\.priority)),
    ]
    _ = try await connection.query(Query(ImportStatements.makeLanes, laneBinds))
    let lanes = try await connection.query(Query(ImportStatements.lanes, laneBinds)).int8Column(0)
    guard lanes.count == keys.count else { throw LedgerError(.fault, "a lane of this import could not be made") }
    let inserted = try await connection.query(
        Query(
            ImportStatements.insert, .int8(first), id, .int2(Int16(project.overlap)), .int8Array(lanes)))
    guard inserted.affected == Int(count) else {
        throw LedgerError(.fault, "\(count) tasks were to be added and \(inserted.affected) were")
    }
    let results = try await connection.pipeline([
        Query(ImportStatements.gold, .int8(first)),
        Query(ImportStatements.extents, .int8(first), .int8Array(lanes)),
        Query(
            ImportStatements.record, id, .text(request.source), .int8(first), .int8(first + count - 1), .int8(count),
            .int8(Int64(skipped)), .text(actor)),
    ])
    let importID = try results[2][0].int8(0)
    try await appendChainEvent(
        .tasksImported, actor: actor,
        detail: [
            "project": .string(project.name), "import": .integer(importID), "source": .string(request.source),
            "tasks": .integer(count), "skipped": .integer(Int64(skipped)),
        ], on: connection)
    try await appendTally([project.id: TallyChange(slots: count * Int64(project.overlap))], on: connection)
    var slots: [FreeSlots] = []
    for row in results[1] {
        for slot in 1...project.overlap {
            slots.append(
                FreeSlots(
                    lane: LaneID(try row.int8(0)), slot: Int16(slot), first: TaskID(try row.int8(1)),
                    last: TaskID(try row.int8(2)), isFresh: true))
        }
    }
    // The lanes' locks come last: whoever waits for them waits for the commit alone.
    try await appendSpans(slots, on: connection)
    guard try await !connection.query(Query(ImportStatements.isReadOnlyNow))[0].bool(0) else { throw readOnlyImport }
    let outcome = ImportOutcome(
        importID: importID, project: project.name, imported: Int(count), skipped: skipped, conflicts: 0,
        conflictingKeys: [])
    return (outcome, Array(Set(slots.map(\.lane))).sorted())
}

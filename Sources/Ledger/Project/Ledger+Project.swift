import PlimsollModel
import Postgres

extension Ledger {
    /// Makes a project, open. Throws `.invalid` for a draft that cannot be, such as one that names nobody who answers
    /// concerns, and `.conflict` when the name is taken.
    public func createProject(_ draft: ProjectDraft, by actor: String) async throws -> ProjectRecord {
        try draft.check()
        guard let answerSchema = draft.answerSchema, !answerSchema.isEmpty else {
            throw LedgerError(.invalid, "a project needs an answer schema")
        }
        guard !draft.namedPersons.isEmpty else {
            throw LedgerError(
                .invalid, "a project needs at least one named person who answers concerns",
                remedy: "name them in the order of escalation")
        }
        guard !draft.purposes.isEmpty else {
            throw LedgerError(
                .invalid, "a project needs at least one purpose that people agree to", remedy: "such as taking-part")
        }
        return try await withEpoch(cause: "project created") { connection in
            let rows = try await connection.query(
                Query(
                    ProjectStatements.insert, .text(draft.name), .int2(Int16(draft.overlap ?? 1)),
                    .int4(Int32(draft.weight ?? 1)),
                    .int4(Int32(draft.effortSeconds ?? ProjectDraft.effortDefault)), .text(answerSchema),
                    .bool(draft.refill ?? true)))
            guard let id = try rows.first?.int8(0) else {
                throw LedgerError(.conflict, "there is a project \(draft.name) already")
            }
            _ = try await connection.pipeline([
                Query(ProjectStatements.instructions, .int8(id), .int8(1), .text(draft.instructions ?? "")),
                Query(ProjectStatements.purposes, .int8(id), .textArray(draft.purposes)),
                Query(ProjectStatements.namedPersons, .int8(id), .textArray(draft.namedPersons)),
            ])
            let project = try await findProject(draft.name, on: connection)
            try await appendChainEvent(.projectCreated, actor: actor, detail: detail(project), on: connection)
            return project
        }
    }

    /// Changes what the draft names; new instructions become a new version. Overlap and answer schema cannot change,
    /// because labels exist under them. Throws `.notFound`, `.conflict` and `.invalid`.
    public func setProject(_ draft: ProjectDraft, by actor: String) async throws -> ProjectRecord {
        try draft.check()
        return try await withEpoch(cause: "project set") { connection in
            _ = try await connection.query(Query(ProjectStatements.lock, .text(draft.name)))
            let old = try await findProject(draft.name, on: connection)
            if let overlap = draft.overlap, overlap != old.overlap {
                throw LedgerError(
                    .conflict, "the overlap of a project cannot change", remedy: "create another project")
            }
            if let schema = draft.answerSchema, schema != old.answerSchema {
                throw LedgerError(
                    .conflict, "the answer schema of a project cannot change", remedy: "create another project")
            }
            var version: Int64?
            var queries: [Query] = []
            let id = Bind.int8(old.id.rawValue)
            if let text = draft.instructions, text != old.instructions {
                version = old.instructionsVersion + 1
                queries.append(Query(ProjectStatements.instructions, id, .int8(version), .text(text)))
            }
            if !draft.purposes.isEmpty {
                queries.append(Query(ProjectStatements.dropPurposes, id))
                queries.append(Query(ProjectStatements.purposes, id, .textArray(draft.purposes)))
            }
            if !draft.namedPersons.isEmpty {
                queries.append(Query(ProjectStatements.dropNamedPersons, id))
                queries.append(Query(ProjectStatements.namedPersons, id, .textArray(draft.namedPersons)))
            }
            queries.append(
                Query(
                    ProjectStatements.set, id, .int4(draft.weight.map { Int32($0) }),
                    .int4(draft.effortSeconds.map { Int32($0) }), .int8(version), .bool(draft.refill)))
            _ = try await connection.pipeline(queries)
            let project = try await findProject(draft.name, on: connection)
            try await appendChainEvent(.projectSet, actor: actor, detail: detail(project), on: connection)
            return project
        }
    }

    /// Throws `.notFound`.
    public func project(named name: String) async throws -> ProjectRecord {
        guard let row = try await read(Query(ProjectStatements.byName, .text(name))).first else {
            throw unknownProject(name)
        }
        return try ProjectRecord(row)
    }

    /// Of these names, in their order, those that nobody in the deployment has.
    public func unknownNames(_ names: [String]) async throws -> [String] {
        try await read(Query(ProjectStatements.unknownNames, .textArray(names))).map { try $0.text(0) }
    }

    /// All projects, by name.
    public func projects() async throws -> [ProjectRecord] {
        try await read(Query(ProjectStatements.list)).map { try ProjectRecord($0) }
    }
}

/// A project inside the caller's transaction.
func findProject(_ name: String, on connection: isolated Connection) async throws -> ProjectRecord {
    guard let row = try await connection.query(Query(ProjectStatements.byName, .text(name))).first else {
        throw unknownProject(name)
    }
    return try ProjectRecord(row)
}

func unknownProject(_ name: String) -> LedgerError {
    LedgerError(.notFound, "there is no project “\(name)”", remedy: "see plimsoll project list")
}

private func detail(_ project: ProjectRecord) -> JSONValue {
    [
        "project": .string(project.name), "overlap": .integer(Int64(project.overlap)),
        "weight": .integer(Int64(project.weight)), "effort_seconds": .integer(Int64(project.effortSeconds)),
        "instructions_version": .integer(project.instructionsVersion), "purposes": .strings(project.purposes),
        "named_persons": .strings(project.namedPersons), "refill": .bool(project.refill),
    ]
}

public import PlimsollModel
import Postgres

extension Ledger {
    /// Sets what a team, a project or a person adds to the policy, instead of what it added before. A lease that
    /// commits after this returned was decided with it. Throws `.invalid` with line and column, and `.notFound`.
    ///
    /// The caller has seen to it that a person's own layer is set by that person alone.
    public func setLimitLayer(_ scope: LimitScope, _ document: String, by actor: String) async throws {
        do {
            switch scope {
            case .team, .project: _ = try PolicyDocument.layer(yaml: document)
            case .person: _ = try PersonalLimits(yaml: document)
            }
        } catch {
            throw LedgerError(
                .invalid, "these limits cannot be used: \(error.description)",
                remedy: "plimsoll policy show has every limit as it is written", cause: error)
        }
        try await change(scope, .limitsSet, document: document, by: actor)
    }

    /// Takes a layer away. One that is not there is no error.
    public func clearLimitLayer(_ scope: LimitScope, by actor: String) async throws {
        try await change(scope, .limitsCleared, document: nil, by: actor)
    }

    /// The text of a layer; nil: none is set. Throws `.notFound` for a team, project or person that does not exist.
    public func limitLayer(_ scope: LimitScope) async throws -> String? {
        try await transaction(readOnly: true) { connection in
            let id = try await identify(scope, on: connection)
            return try await connection.query(
                Query(LimitLayerStatements.show, .text(scope.word), .int8(id))
            ).first?.text(0)
        }
    }

    /// Who answers for a team. Throws `.notFound`.
    public func supervisor(ofTeam name: String) async throws -> String {
        guard let row = try await read(Query(LimitLayerStatements.supervisorOf, .text(name))).first else {
            throw unknownTeam(name)
        }
        return try row.text(0)
    }

    /// The layers of these people, those without any included.
    public func personLimitLayers(of people: [PersonID]) async throws -> [PersonID: PersonLimitLayers] {
        try await transaction(readOnly: true) { connection in
            try await limitLayers(of: people, on: connection)
        }
    }

    private func change(
        _ scope: LimitScope, _ kind: ChainKind, document: String?, by actor: String
    ) async throws {
        if case .person(let name) = scope {
            // Under the person's lock, with a number of its own, so that coordinators read the new state.
            let person = try await transaction { connection in
                let person = try await lockPerson(name, on: connection)
                try await write(scope, person.id.rawValue, kind, document: document, by: actor, on: connection)
                _ = try await appendFact(person.id, on: connection)
                return person
            }
            return await notify(.person, person.id.description)
        }
        try await withEpoch(cause: "\(scope.word) limits") { connection in
            let id = try await identify(scope, on: connection)
            try await write(scope, id, kind, document: document, by: actor, on: connection)
        }
    }
}

private func identify(_ scope: LimitScope, on connection: isolated Connection) async throws -> Int64 {
    switch scope {
    case .project(let name): return try await findProject(name, on: connection).id.rawValue
    case .team(let name):
        guard let row = try await connection.query(Query(LimitLayerStatements.team, .text(name))).first else {
            throw unknownTeam(name)
        }
        return try row.int8(0)
    case .person(let name):
        guard let row = try await connection.query(Query(PersonStatements.byName, .text(name))).first else {
            throw unknownPerson(name)
        }
        return try row.int8(0)
    }
}

private func write(
    _ scope: LimitScope, _ id: Int64, _ kind: ChainKind, document: String?, by actor: String,
    on connection: isolated Connection
) async throws {
    let whose: [Bind] = [.text(scope.word), .int8(id)]
    if let document {
        _ = try await connection.query(
            Query(LimitLayerStatements.set, whose + [.text(document), .text(actor)]))
    } else {
        _ = try await connection.query(Query(LimitLayerStatements.clear, whose))
    }
    // A person's own is about that person, by whom erasure finds it.
    var person: PersonID?
    if case .person = scope { person = PersonID(id) }
    try await appendChainEvent(
        kind, actor: actor, about: person,
        detail: [
            "scope": .string(scope.word), "name": .string(scope.name),
            "document": document.map { .string($0) } ?? .null,
        ], on: connection)
}

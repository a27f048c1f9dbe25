public import PlimsollModel
import Postgres

/// One answer of a person, for that person's own eyes.
public struct OwnAnswerRow: Sendable, Hashable {
    public let project: String
    public let key: String
    public let answer: [UInt8]
    public let givenOn: LocalDay
    /// accepted, excluded, late-waiting, late-accepted, late-discarded.
    public let state: String
    /// Uses that it is left out of, because its author withdrew them.
    public let withdrawn: [String]
    /// Of a late answer.
    public let reason: String
}

extension Ledger {
    /// Everything that is held about a person, table by table, as one moment has it. The tables are those of the
    /// inventory, so that what is held is what is shown (P10). `table` begins one; `rows` gets JSON objects of the
    /// table begun last. Throws `.notFound`, and `.refused` when either takes longer than `pauseMax`.
    public func personData(
        of name: String, pauseMax: Duration = Ledger.readerPauseMax,
        table: @Sendable (Inventory.Table) async throws -> Void, rows: @Sendable ([String]) async throws -> Void
    ) async throws {
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        let inventory = try Inventory.shipped()
        let binds: [Bind] = [.int8(person.id.rawValue), .text(name)]
        try await stream(pauseMax: pauseMax) { connection in
            for listed in inventory.tables {
                try await table(listed)
                if let own = PersonDataStatements.own(listed) {
                    try await drain(Query(own, binds), on: connection) { fetched in
                        try await rows(try fetched.map { try $0.text(0) })
                    }
                }
                for column in listed.actors + listed.actorNumbers where column != listed.own {
                    let count = try await connection.query(
                        Query(PersonDataStatements.named(listed, in: column), binds))[0].int8(0)
                    guard count > 0 else { continue }
                    let row: JSONValue = ["your_name_in": .string(column), "rows": .integer(count)]
                    try await rows([String(decoding: row.encode(), as: UTF8.self)])
                }
            }
        }
    }

    /// A person's own answers with what became of each, labels first, by project and task. Throws `.notFound`, and
    /// `.refused` when `receive` takes longer than `pauseMax`.
    public func ownAnswers(
        of name: String, pauseMax: Duration = Ledger.readerPauseMax,
        receive: @Sendable ([OwnAnswerRow]) async throws -> Void
    ) async throws {
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        let id = Bind.int8(person.id.rawValue)
        try await stream(pauseMax: pauseMax) { connection in
            try await drain(Query(PersonDataStatements.labels, id), on: connection) { rows in
                try await receive(
                    try rows.map { row in
                        let withdrawn = try row.textArray(4)
                        return OwnAnswerRow(
                            project: try row.text(0), key: try row.text(1), answer: try row.bytes(2),
                            givenOn: LocalDay(try row.date(3)), state: withdrawn.isEmpty ? "accepted" : "excluded",
                            withdrawn: withdrawn, reason: "")
                    })
            }
            try await drain(Query(PersonDataStatements.lateAnswers, id), on: connection) { rows in
                try await receive(
                    try rows.map { row in
                        OwnAnswerRow(
                            project: try row.text(0), key: try row.text(1), answer: try row.bytes(2),
                            givenOn: LocalDay(try row.date(3)), state: try row.text(4), withdrawn: [],
                            reason: try row.text(5))
                    })
            }
        }
    }
}

/// Reads a cursor to its end, a piece at a time.
private func drain(
    _ query: Query, on connection: isolated Connection, _ receive: @Sendable (Rows) async throws -> Void
) async throws {
    _ = try await connection.query(query)
    while true {
        let rows = try await connection.query(Query(PersonDataStatements.fetch))
        if rows.isEmpty { break }
        try await receive(rows)
    }
    _ = try await connection.query(Query(PersonDataStatements.close))
}

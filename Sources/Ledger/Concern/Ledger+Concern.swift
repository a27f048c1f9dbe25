public import PlimsollModel
import Postgres

/// Whose concern it is.
public enum ConcernVoice: Sendable, Hashable {
    case named(String)
    /// Nobody knows: no name, serial or time goes any further than the call. The hash is that of the token with which
    /// the answer can be read.
    case withoutName(tokenHash: [UInt8])
}

/// Who reads concerns.
public struct ConcernReader: Sendable, Hashable {
    public var name: String
    public var isOperator: Bool

    public init(name: String, isOperator: Bool) {
        self.name = name
        self.isOperator = isOperator
    }
}

extension Ledger {
    public static let concernBytesMax = 16_384
    /// Concerns that were answered are listed for so many days after they were raised.
    public static let concernListDays = 90

    /// Raises a concern about a project, or about the deployment; a human being's reply is due on the next working
    /// day. Nothing stands in its way: no limit, no read-only mode. Throws `.invalid` and `.notFound`.
    public func raiseConcern(_ text: String, project: String?, voice: ConcernVoice) async throws -> (
        id: Int64, dueOn: LocalDay
    ) {
        try Self.check(text)
        return try await transaction { connection in
            var id: Int64?
            if let project { id = try await findProject(project, on: connection).id.rawValue }
            var author: Int64?
            var hash: [UInt8]?
            switch voice {
            // Locked, or the name would come into the chain behind an erasure.
            case .named(let name): author = try await lockPerson(name, on: connection).id.rawValue
            case .withoutName(let token): hash = token
            }
            let today = try await concernDay(project: id, on: connection)
            let due = ConcernDue.firstReply(raisedOn: today)
            let concern = try await insertConcern(
                project: id, .concern, author: author, tokenHash: hash, text, raisedOn: today, dueOn: due,
                on: connection)
            // Without a name nothing goes into the chain now: its neighbours there would tell when. It comes in with
            // its first answer.
            if case .named(let name) = voice {
                try await appendChainEvent(
                    .concernRaised, actor: name, about: author.map { PersonID($0) },
                    detail: ["concern": .integer(concern), "project": project.map { .string($0) } ?? .null],
                    on: connection)
            }
            return (concern, due)
        }
    }

    /// What is addressed to somebody now: overdue first, then by due date; with what was answered lately.
    public func concerns(for reader: ConcernReader) async throws -> [ConcernRow] {
        try await transaction(readOnly: true) { connection in
            let today = try await concernDay(project: nil, on: connection)
            let rows = try await connection.query(
                Query(ConcernStatements.list, .date(days: today.advanced(by: -Self.concernListDays).rawValue)))
            return try await concernRows(rows, on: connection).filter { Self.isFor(reader, $0) }
                .sorted { left, right in
                    (left.answers.isEmpty ? 0 : 1, -left.daysOverdue, left.dueOn, left.id)
                        < (right.answers.isEmpty ? 0 : 1, -right.daysOverdue, right.dueOn, right.id)
                }
        }
    }

    /// Whether a concern has waited for its reply for too long.
    func isConcernOverdue() async throws -> Bool {
        try await transaction(readOnly: true) { connection in
            let today = try await concernDay(project: nil, on: connection)
            let rows = try await connection.query(Query(ConcernStatements.list, .date(days: today.rawValue)))
            return try await concernRows(rows, on: connection).contains { $0.daysOverdue > 0 }
        }
    }

    /// What somebody has raised under their own name.
    public func ownConcerns(of name: String) async throws -> [ConcernRow] {
        try await transaction(readOnly: true) { connection in
            try await concernRows(connection.query(Query(ConcernStatements.own, .text(name))), on: connection)
        }
    }

    /// The concern that a token was given for. Throws `.notFound`.
    public func concern(tokenHash: [UInt8]) async throws -> ConcernRow {
        try await transaction(readOnly: true) { connection in
            let rows = try await connection.query(Query(ConcernStatements.byToken, .bytea(tokenHash)))
            guard let concern = try await concernRows(rows, on: connection).first else {
                throw LedgerError(.notFound, "no concern was raised with this token")
            }
            return concern
        }
    }

    /// Answers a concern; more than one may. Throws `.invalid`, and `.notFound` also for one that is not addressed to
    /// whoever answers.
    public func answerConcern(_ id: Int64, _ text: String, by reader: ConcernReader) async throws {
        try Self.check(text)
        try await transaction { connection in
            let rows = try await connection.query(Query(ConcernStatements.byID, .int8(id)))
            guard let concern = try await concernRows(rows, on: connection).first, Self.isFor(reader, concern) else {
                throw LedgerError(
                    .notFound, "no concern \(id) is addressed to you", remedy: "see plimsoll concern list")
            }
            var project: Int64?
            if let name = concern.project {
                let found = try await findProject(name, on: connection)
                project = found.id.rawValue
                if concern.kind == .cord { try await forgetAnsweredCords(of: found, on: connection) }
            }
            let today = try await concernDay(project: project, on: connection)
            _ = try await connection.query(
                Query(
                    ConcernStatements.answer, .int8(id), .text(reader.name), .date(days: today.rawValue), .text(text)))
            try await appendChainEvent(
                .concernAnswered, actor: reader.name,
                detail: [
                    "concern": .integer(id), "project": concern.project.map { .string($0) } ?? .null,
                    "raised_on": .string(concern.raisedOn.description),
                ], on: connection)
        }
    }

    /// Addressed: to a named person whose turn has come, or to operators. What was answered stays with those who were
    /// first asked, and with whoever answered.
    private static func isFor(_ reader: ConcernReader, _ concern: ConcernRow) -> Bool {
        concern.addressees.contains(reader.name) || reader.isOperator && concern.reachesOperators
            || concern.answers.contains { $0.by == reader.name }
    }

    private static func check(_ text: String) throws {
        guard !text.allSatisfy(\.isWhitespace) else { throw LedgerError(.invalid, "say something") }
        guard text.utf8.count <= concernBytesMax else {
            throw LedgerError(.invalid, "the text is longer than \(concernBytesMax) bytes")
        }
    }
}

/// Today where those live who answer for a project; nil: for the deployment.
func concernDay(project: Int64?, on connection: isolated Connection) async throws -> LocalDay {
    let row = try await connection.query(Query(ConcernStatements.zone, .int8(project)))[0]
    return try localDay(Moment(microseconds: try row.timestamptz(0)), zone: try row.text(1))
}

func insertConcern(
    project: Int64?, _ kind: ConcernRow.Kind, author: Int64?, tokenHash: [UInt8]?, _ text: String,
    raisedOn: LocalDay, dueOn: LocalDay, on connection: isolated Connection
) async throws -> Int64 {
    var generator = SystemRandomNumberGenerator()
    // Drawn twice once in a million concerns; the database then refuses, and the author tries again.
    let number = Int64.random(in: 1_000_000_000...9_999_999_999, using: &generator)
    return try await connection.query(
        Query(
            ConcernStatements.insert, .int8(project), .text(kind.rawValue), .int8(author), .bytea(tokenHash),
            .text(text), .date(days: raisedOn.rawValue), .date(days: dueOn.rawValue), .int8(number)))[0].int8(0)
}

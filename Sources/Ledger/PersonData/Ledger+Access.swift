public import PlimsollModel
import Postgres

/// One thing that somebody did with a person's data.
public struct AccessRow: Sendable, Hashable {
    public let what: String
    public let by: String
    /// UTC.
    public let on: LocalDay
    public let detail: String
}

/// A look at what is held of people, by somebody else.
public enum PeopleRead: Sendable, Hashable {
    case engineerList
    /// nil: everybody's.
    case certificateList(of: String?)
    case roleList(of: String?)
    /// Of those who have an answer waiting in the project.
    case lateAnswers(project: String)
    /// Of everybody's leased time, in sums; with a project, of those who are or were enrolled there.
    case policyPlan(project: String?)
    /// At what these people are shown with.
    case list(PeopleList, of: [String])
}

/// What names people one by one to those whom it concerns.
public enum PeopleList: String, Sendable, CaseIterable {
    /// Raises that somebody asked for.
    case raises = "raise-list"
    /// Stretches of time that somebody asks to have taken away.
    case askedCorrections = "asked-corrections"
    /// Who is in a team.
    case team
    /// Who answers for which team, and for how many.
    case teams = "team-list"
    /// Concerns that were raised under a name.
    case concerns = "concern"
    /// The limits that hold for somebody.
    case limits
}

extension Ledger {
    public static let accessMax = 10_000

    /// Puts a look at people's data on the record, before the reader sees it (P11): each person sees who looked, at
    /// what, on which day. Whoever cannot record does not read.
    public func recordRead(_ read: PeopleRead, by reader: String) async throws {
        switch read {
        case .engineerList: try await record("engineer-list", of: nil, reader)
        case .certificateList(let name): try await record("certificate-list", of: name, reader)
        case .roleList(let name): try await record("role-list", of: name, reader)
        case .policyPlan(let project):
            guard let project else { return try await record("policy-plan", of: nil, reader) }
            _ = try await self.read(
                Query(PersonDataStatements.recordProjectRead, .text(project), .text(reader), .text("policy-plan")))
        case .list(let list, let names):
            _ = try await self.read(Self.record(list, of: names, reader))
        case .lateAnswers(let project):
            _ = try await self.read(
                Query(PersonDataStatements.recordLateRead, .text(project), .text(reader), .text("late-answers")))
        }
    }

    /// The same within the transaction of the reading. Nobody looks at themselves.
    func recordLook(
        at list: PeopleList, of names: [String], by reader: String, on connection: isolated Connection
    ) async throws {
        _ = try await connection.query(Self.record(list, of: names, reader))
    }

    private static func record(_ list: PeopleList, of names: [String], _ reader: String) -> Query {
        Query(PersonDataStatements.recordNamedRead, .textArray(names), .text(reader), .text(list.rawValue))
    }

    private func record(_ what: String, of name: String?, _ reader: String) async throws {
        var person: PersonID?
        if let name {
            // Of nobody there is nothing to see.
            guard let found = try await self.person(named: name) else { return }
            person = found.id
        }
        _ = try await read(
            Query(PersonDataStatements.recordRead, .int8(person?.rawValue), .text(reader), .text(what)))
    }

    /// What others did with a person's data, newest first, at most `accessMax`. Throws `.notFound`.
    public func access(of name: String) async throws -> [AccessRow] {
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        return try await read(
            Query(PersonDataStatements.access, .int8(person.id.rawValue), .int8(Int64(Self.accessMax)))
        ).map { row in
            AccessRow(
                what: try row.text(0), by: try row.text(1), on: LocalDay(try row.date(2)), detail: try row.text(3))
        }
    }
}

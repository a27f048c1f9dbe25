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
    /// At the record, which names whoever something was done to.
    case auditList
    case auditVerify
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

extension PeopleRead {
    var what: String {
        switch self {
        case .engineerList: "engineer-list"
        case .auditList: "audit-list"
        case .auditVerify: "audit-verify"
        case .certificateList: "certificate-list"
        case .roleList: "role-list"
        case .lateAnswers: "late-answers"
        case .policyPlan: "policy-plan"
        case .list(let list, _): list.rawValue
        }
    }

    fileprivate var person: String? {
        switch self {
        case .certificateList(let name), .roleList(let name): name
        case .engineerList, .auditList, .auditVerify, .lateAnswers, .policyPlan, .list: nil
        }
    }

    fileprivate var project: String? { if case .lateAnswers(let project) = self { project } else { nil } }

    /// A plan has an event of its own. A concern is addressed to its reader, and that there was one under a name is
    /// nobody else's to know (P9).
    fileprivate var isInChain: Bool {
        switch self {
        case .policyPlan, .list(.concerns, _): false
        case .engineerList, .auditList, .auditVerify, .certificateList, .roleList, .lateAnswers, .list: true
        }
    }
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
    /// what, on which day, and the chain has the first look of a day. Whoever cannot record does not read.
    public func recordRead(_ read: PeopleRead, by reader: String) async throws {
        try await transaction { connection in
            var person: PersonID?
            if let name = read.person {
                // Of nobody there is nothing to see. Locked, or the name would come into the chain behind an erasure.
                guard let row = try await connection.query(Query(PersonStatements.lockByName, .text(name))).first
                else { return }
                person = try PersonRow(row).id
            }
            let what = Bind.text(read.what)
            let query =
                switch read {
                case .list(_, let names):
                    Query(PersonDataStatements.recordNamedRead, .textArray(names), .text(reader), what)
                case .lateAnswers(let project):
                    Query(PersonDataStatements.recordLateRead, .text(project), .text(reader), what)
                case .policyPlan(let project?):
                    Query(PersonDataStatements.recordProjectRead, .text(project), .text(reader), what)
                case .engineerList, .auditList, .auditVerify, .certificateList, .roleList, .policyPlan(nil):
                    Query(PersonDataStatements.recordRead, .int8(person?.rawValue), .text(reader), what)
                }
            guard try await connection.query(query).affected > 0, read.isInChain else { return }
            var detail: JSONObject = ["what": .string(read.what)]
            if let name = read.person { detail["person"] = .string(name) }
            if let project = read.project { detail["project"] = .string(project) }
            try await appendChainEvent(
                .peopleRead, actor: reader, about: person, detail: .object(detail), on: connection)
        }
    }

    /// At what the named people are shown with, in the transaction of the reading, which has an event of its own.
    /// Nobody looks at themselves.
    func recordLook(
        at list: PeopleList, of names: [String], by reader: String, on connection: isolated Connection
    ) async throws {
        _ = try await connection.query(
            Query(PersonDataStatements.recordNamedRead, .textArray(names), .text(reader), .text(list.rawValue)))
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

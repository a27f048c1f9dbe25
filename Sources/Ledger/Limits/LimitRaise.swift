import PlimsollModel
import Postgres

/// An individual raise of limits: what an engineer asked for and who agreed.
public struct LimitRaise: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        case asked, agreed, ended
    }

    public let id: Int64
    public let person: String
    /// The limits asked for, as YAML.
    public let document: String
    public let reason: String
    public let state: State
    /// Nil: nobody yet.
    public let agreedBy: String?

    init(_ row: Row) throws {
        id = try row.int8(0)
        person = try row.text(1)
        document = try row.text(2)
        reason = try row.text(3)
        agreedBy = try row.textOrNil(4)
        state = try row.bool(5) ? .ended : agreedBy == nil ? .asked : .agreed
    }
}

enum LimitRaiseStatements {
    private static let columns = """
        r.raise_id, p.name, r.document, r.reason, a.name, r.ended_at is not null
        from limit_raise r join person p using (person_id) left join person a on a.person_id = r.agreed_by
        """
    static let ask = Statement(
        "limit_raise_ask",
        """
        insert into limit_raise (person_id, document, reason, asked_at) values ($1, $2, $3, clock())
        returning raise_id
        """)
    /// Index: limit_raise_pkey.
    static let show = Statement("limit_raise_show", "select \(columns) where r.raise_id = $1")
    /// Those of one person ($1), or of all (empty): what has not ended. Index: limit_raise_person.
    static let list = Statement(
        "limit_raise_list",
        "select \(columns) where r.ended_at is null and ($1 = '' or p.name = $1) order by r.raise_id")
    /// The same of those whose team somebody answers for. Indexes: team_supervisor, team_member_team.
    static let supervised = Statement(
        "limit_raise_supervised",
        """
        select \(columns) join team_member m on m.person_id = r.person_id join team t using (team_id)
            join person s on s.person_id = t.supervisor_id
        where r.ended_at is null and s.name = $1 order by r.raise_id
        """)
    static let agree = Statement(
        "limit_raise_agree",
        """
        update limit_raise set agreed_by = $2, agreed_at = clock()
        where raise_id = $1 and agreed_at is null and ended_at is null
        """)
    static let end = Statement(
        "limit_raise_end",
        "update limit_raise set ended_by = $2, ended_at = clock() where raise_id = $1 and ended_at is null")
    /// Raises of a person that wait for an answer. Index: limit_raise_person.
    static let waiting = Statement(
        "limit_raise_waiting",
        "select count(*) from limit_raise where person_id = $1 and agreed_at is null and ended_at is null")
}

extension Ledger {
    /// Raises of one person that may wait for an answer at once.
    public static let raisesWaitingMax: Int64 = 10

    /// Asks for a raise, which changes nothing until somebody agrees. Throws `.invalid` for limits that cannot be read
    /// and `.refused` for what the policy's ceiling or the law does not allow.
    public func askRaise(_ document: String, reason: String, by name: String) async throws -> LimitRaise {
        try ReasonRule.check(reason, "a raise is asked for a reason")
        let limits = try raiseLimits(document)
        let id = try await transaction { connection in
            let person = try await lockPerson(name, on: connection)
            try await checkRaise(limits, on: connection)
            let waiting = try await connection.query(
                Query(LimitRaiseStatements.waiting, .int8(person.id.rawValue)))[0].int8(0)
            guard waiting < Self.raisesWaitingMax else {
                throw LedgerError(
                    .refused, "\(waiting) raises of yours wait for an answer already",
                    remedy: "plimsoll policy raise list shows them, and plimsoll policy raise end ID takes one back")
            }
            let row = try await connection.query(
                Query(
                    LimitRaiseStatements.ask, .int8(person.id.rawValue), .text(limits.layerYAML()), .text(reason)))[0]
            let id = try row.int8(0)
            try await appendChainEvent(
                .raiseAsked, actor: name, about: person.id,
                detail: [
                    "raise": .integer(id), "limits": .string(limits.layerYAML()), "reason": .string(reason),
                ], on: connection)
            return id
        }
        return try await raise(id)
    }

    /// Agrees to what somebody else asked for; it holds from now on. Throws `.refused` for one's own, for what the
    /// ceiling does not allow any more, and while another raise of that person is in force; `.conflict` when it was
    /// answered already.
    public func agreeRaise(_ id: Int64, by actor: String) async throws -> LimitRaise {
        let asked = try await raise(id)
        guard asked.person != actor else {
            throw LedgerError(
                .refused, "a raise needs two parties: somebody else must agree to yours",
                remedy: "ask a supervisor or an operator for plimsoll policy raise agree \(id)")
        }
        let limits = try raiseLimits(asked.document)
        let person = try await transaction { connection in
            let person = try await lockPerson(asked.person, on: connection)
            try await checkRaise(limits, on: connection)
            guard let other = try await connection.query(Query(PersonStatements.byName, .text(actor))).first else {
                throw unknownPerson(actor)
            }
            for row in try await connection.query(Query(LimitRaiseStatements.list, .text(asked.person))) {
                let present = try LimitRaise(row)
                guard present.state != .agreed else {
                    throw LedgerError(
                        .refused, "raise \(present.id) of \(asked.person) is in force; there is one at a time",
                        remedy: "plimsoll policy raise end \(present.id)")
                }
            }
            let agreed = try await connection.query(
                Query(LimitRaiseStatements.agree, .int8(id), .int8(try other.int8(0))))
            guard agreed.affected == 1 else { throw answered(id) }
            _ = try await appendFact(person.id, on: connection)
            try await appendChainEvent(
                .raiseAgreed, actor: actor, about: person.id,
                detail: [
                    "raise": .integer(id), "person": .string(asked.person), "limits": .string(asked.document),
                ], on: connection)
            return person
        }
        await notify(.person, person.id.description)
        return try await raise(id)
    }

    /// Ends a raise at once: either party, whenever they like. Throws `.conflict` when it has ended already.
    public func endRaise(_ id: Int64, by actor: String) async throws -> LimitRaise {
        let asked = try await raise(id)
        let person = try await transaction { connection in
            let person = try await lockPerson(asked.person, on: connection)
            let ended = try await connection.query(Query(LimitRaiseStatements.end, .int8(id), .text(actor)))
            guard ended.affected == 1 else { throw answered(id) }
            _ = try await appendFact(person.id, on: connection)
            try await appendChainEvent(
                .raiseEnded, actor: actor, about: person.id,
                detail: ["raise": .integer(id), "person": .string(asked.person)],
                on: connection)
            return person
        }
        await notify(.person, person.id.description)
        return try await raise(id)
    }

    /// Throws `.notFound`.
    public func raise(_ id: Int64) async throws -> LimitRaise {
        guard let row = try await read(Query(LimitRaiseStatements.show, .int8(id))).first else {
            throw LedgerError(.notFound, "there is no raise \(id)", remedy: "see plimsoll policy raise list")
        }
        return try LimitRaise(row)
    }

    /// Raises that have not ended, of those in a supervisor's teams.
    public func raises(supervisedBy name: String) async throws -> [LimitRaise] {
        try await read(Query(LimitRaiseStatements.supervised, .text(name))).map { try LimitRaise($0) }
    }

    /// Raises that have not ended, of one person or of all.
    public func raises(of name: String? = nil) async throws -> [LimitRaise] {
        try await read(Query(LimitRaiseStatements.list, .text(name ?? ""))).map { try LimitRaise($0) }
    }
}

private func raiseLimits(_ document: String) throws -> WorkloadLimits {
    do {
        return try PolicyDocument.layer(yaml: document)
    } catch {
        throw LedgerError(
            .invalid, "these limits cannot be used: \(error.description)",
            remedy: "plimsoll policy show has every limit as it is written", cause: error)
    }
}

private func checkRaise(_ limits: WorkloadLimits, on connection: isolated Connection) async throws {
    let row = try await connection.query(Query(PolicyStatements.latest)).first
    let document = try row.map { try PolicyRow($0).parsed() } ?? .defaults
    if let problem = limits.problemAsRaise(under: document.ceiling) {
        throw LedgerError(
            .refused, problem, remedy: "plimsoll policy show prints the policy with its ceiling")
    }
}

private func answered(_ id: Int64) -> LedgerError {
    LedgerError(.conflict, "raise \(id) was answered or has ended already", remedy: "see plimsoll policy raise list")
}

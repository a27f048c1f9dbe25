import PlimsollModel
import Postgres

/// What leaving a project did.
public struct LeavingOutcome: Sendable, Hashable {
    /// Open and parked leases that ended with it.
    public let leasesEnded: Int
    /// Projects the person is still enrolled in, by name.
    public let remaining: [String]
}

enum LeavingStatements {
    /// Ends an enrolment and keeps its record. Index: enrolment_pkey. Needs the person's lock.
    static let end = Statement(
        "leaving_end",
        """
        with gone as (delete from enrolment where project_id = $1 and person_id = $2 returning *)
        insert into past_enrolment (project_id, person_id, rule, data_used, decided_by, alternative_offered, decided_at,
            ended_at, ended_by, end_reason)
        select project_id, person_id, rule, data_used, decided_by, alternative_offered, decided_at, clock(), $3, $4
        from gone
        """)
    /// Index: enrolment_person.
    static let remaining = Statement(
        "leaving_remaining",
        """
        select j.name from enrolment e join project j using (project_id) where e.person_id = $1 order by j.name
        """)
}

extension Ledger {
    /// Ends somebody's enrolment in a project, and their open and parked leases there. No lease of them in it commits
    /// after this returned. The selection record stays. Whoever has left their last project is in no team any more.
    ///
    /// `reason` nil: the person's own act, at no cost (P9). Anybody else needs one (P13). Throws `.notFound` and
    /// `.invalid`.
    public func leaveProject(
        _ project: String, person name: String, reason: String?, by actor: String
    ) async throws -> LeavingOutcome {
        if name != actor {
            try ReasonRule.check(reason ?? "", "nobody ends another's enrolment without a reason")
        }
        let (outcome, person, lanes) = try await transaction { connection in
            let project = try await findProject(project, on: connection)
            let person = try await lockPerson(name, on: connection)
            let ended = try await connection.query(
                Query(
                    LeavingStatements.end, .int8(project.id.rawValue), .int8(person.id.rawValue), .text(actor),
                    .text(reason)))
            guard ended.affected == 1 else {
                throw LedgerError(.notFound, "\(name) is not enrolled in \(project.name)")
            }
            _ = try await appendFact(person.id, on: connection)
            let (leases, lanes) = try await endWork(
                of: [person.id], under: .project(project.id), how: .left, on: connection)
            let remaining = try await connection.query(
                Query(LeavingStatements.remaining, .int8(person.id.rawValue))
            ).map { try $0.text(0) }
            if remaining.isEmpty {
                _ = try await connection.pipeline([
                    Query(TeamStatements.keep, .int8(person.id.rawValue), .text(actor), .text(reason)),
                    Query(TeamStatements.drop, .int8(person.id.rawValue)),
                ])
            }
            try await appendChainEvent(
                .engineerLeft, actor: actor, about: person.id,
                detail: [
                    "person": .string(name), "project": .string(project.name),
                    "reason": reason.map { .string($0) } ?? .null, "leases_ended": .integer(Int64(leases)),
                ], on: connection)
            return (LeavingOutcome(leasesEnded: leases, remaining: remaining), person.id, lanes)
        }
        await notify(.person, person.description)
        for lane in lanes { await notify(.lane, lane.description) }
        return outcome
    }
}

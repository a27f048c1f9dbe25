public import PlimsollModel
import Postgres

/// Who asks what limits hold for somebody.
public enum LimitsViewer: Sendable, Hashable {
    /// The person themselves: everything.
    case oneself
    /// Everything.
    case `operator`(String)
    /// What policy, team and project say, and nothing of the person: the same for everybody in that team (P9).
    case supervisor(String)
}

enum EffectiveLimitsStatements {
    /// Index: team_member_pkey.
    static let supervisor = Statement(
        "effective_limits_supervisor",
        """
        select s.name from team_member m join team t using (team_id) join person s on s.person_id = t.supervisor_id
        where m.person_id = $1
        """)
}

extension Ledger {
    /// The limits that hold for a person, in one of their projects or in none in particular. A look of somebody else is
    /// on the record and in the person's `me access`, in the transaction of the reading (P11). Throws `.notFound`, and
    /// `.refused` for a supervisor of others.
    public func effectiveLimits(
        for name: String, project: String? = nil, viewer: LimitsViewer
    ) async throws -> EffectiveLimits {
        try await transaction { connection in
            // Of somebody else: locked, or the name would come into the chain behind an erasure.
            let found = viewer == .oneself ? PersonStatements.byName : PersonStatements.lockByName
            guard let row = try await connection.query(Query(found, .text(name))).first else {
                throw unknownPerson(name)
            }
            let person = try PersonRow(row)
            var projectID: ProjectID?
            if let project { projectID = try await findProject(project, on: connection).id }
            var layers =
                try await limitLayers(of: [person.id], on: connection)[person.id]
                ?? PersonLimitLayers(person: person.id)
            func putOnRecord(by actor: String) async throws {
                try await appendChainEvent(
                    .limitsShown, actor: actor, about: person.id, detail: ["person": .string(name)], on: connection)
                try await recordLook(at: .limits, of: [name], by: actor, on: connection)
            }
            switch viewer {
            case .oneself: break
            case .operator(let actor):
                try await putOnRecord(by: actor)
            case .supervisor(let actor):
                let row = try await connection.query(
                    Query(EffectiveLimitsStatements.supervisor, .int8(person.id.rawValue))
                ).first
                guard try row?.text(0) == actor else {
                    throw LedgerError(
                        .refused, "\(name) is in no team of yours",
                        remedy: "whoever answers for them can look, or an operator; yours are in plimsoll team list")
                }
                try await putOnRecord(by: actor)
                layers.engineer = nil
                layers.raise = nil
            }
            let policy = try await connection.query(Query(PolicyStatements.latest)).first.map { try PolicyRow($0) }
            var document = try policy?.parsed() ?? .defaults
            // Written out in full, but nobody's decision.
            if policy?.document == ShippedPolicy.document { document.named = [] }
            do {
                return try layers.limits(document: document, project: projectID)
            } catch {
                throw LedgerError(
                    .fault, "limits of \(name) cannot be read by this build, and in doubt nothing is leased",
                    remedy: "upgrade the coordinator, or have the limits set again; plimsoll policy layer show prints "
                        + "those of a team, a project or oneself, plimsoll policy raise list a raise",
                    cause: error)
            }
        }
    }
}

import PlimsollModel
import Postgres

/// Who or what is denied.
public enum DenialTarget: Sendable, Hashable {
    case person(String)
    /// Lower-case hexadecimal.
    case serial(String)
}

/// What a denial did.
public struct DenialOutcome: Sendable, Hashable {
    /// Certificates that are not taken any more.
    public let certificates: Int
    public let leasesEnded: Int
}

extension Ledger {
    /// Stops a person, or one certificate, at once: no lease of theirs commits after this returned, and running
    /// streams end. A denied person's leases end (`denied`); those of a denied certificate end when the person has no
    /// other certificate to go on with. Needs a named human and a reason (P13). Throws `.refused` for the last operator.
    public func deny(_ target: DenialTarget, reason: String, by actor: String) async throws -> DenialOutcome {
        try ReasonRule.check(reason, "nobody is denied without a reason")
        let (outcome, person, lanes) = try await withEpoch(cause: "denied") { connection in
            switch target {
            case .person(let name):
                let person = try await lockPerson(name, on: connection)
                let operates = try await connection.query(
                    Query(RoleStatements.holds, .text(RoleName.operator.rawValue), .int8(person.id.rawValue)))
                if try operates[0].bool(0) { try await checkOthersOperate(beside: person, on: connection) }
                let usable = try await connection.query(
                    Query(CertificateStatements.usable, .int8(person.id.rawValue)))
                _ = try await connection.query(
                    Query(CertificateStatements.denyPerson, .int8(person.id.rawValue), .text(actor), .text(reason)))
                let (ended, lanes) = try await endDeniedWork(of: person.id, on: connection)
                try await record(["person": .string(name)], about: person.id, reason, actor, on: connection)
                return (DenialOutcome(certificates: usable.count, leasesEnded: ended), person.id as PersonID?, lanes)
            case .serial(let serial):
                let holder = try await connection.query(Query(CertificateStatements.holder, .text(serial)))
                var person: PersonID?
                if let name = try holder.first?.text(0) { person = try await lockPerson(name, on: connection).id }
                let added = try await connection.query(
                    Query(CertificateStatements.denySerial, .text(serial), .text(actor), .text(reason)))
                var ended = 0
                var lanes: [LaneID] = []
                if let person {
                    let usable = try await connection.query(
                        Query(CertificateStatements.usable, .int8(person.rawValue)))
                    if usable.isEmpty { (ended, lanes) = try await endDeniedWork(of: person, on: connection) }
                }
                try await record(["serial": .string(serial)], about: person, reason, actor, on: connection)
                return (DenialOutcome(certificates: added.affected, leasesEnded: ended), person, lanes)
            }
        }
        if let person { await notify(.person, person.description) }
        for lane in lanes { await notify(.lane, lane.description) }
        return outcome
    }
}

private func endDeniedWork(
    of person: PersonID, on connection: isolated Connection
) async throws -> (Int, [LaneID]) {
    _ = try await appendFact(person, on: connection)
    let (ended, lanes) = try await endWork(of: [person], under: .everything, how: .denied, on: connection)
    return (ended, lanes)
}

private func record(
    _ whom: JSONValue, about person: PersonID?, _ reason: String, _ actor: String, on connection: isolated Connection
) async throws {
    var detail = whom.objectValue ?? JSONObject()
    detail["reason"] = .string(reason)
    try await appendChainEvent(.denied, actor: actor, about: person, detail: .object(detail), on: connection)
}

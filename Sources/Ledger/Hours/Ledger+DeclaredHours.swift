import PlimsollModel
import Postgres

enum DeclaredHoursStatements {
    /// Index: person_pkey. Needs the person's lock.
    static let show = Statement(
        "declared_hours_show", "select declared_week_seconds from person where person_id = $1")
    static let set = Statement(
        "declared_hours_set", "update person set declared_week_seconds = $2 where person_id = $1")
}

extension Ledger {
    /// There are no more hours in a week.
    public static let declaredWeekMax = Duration.hours(24 * 7)

    /// Sets the hours a week that a person says they work elsewhere; they count for the law's mean from the next
    /// decision on. The caller has seen to it that it is the person's own word. Gives what it was before. Throws
    /// `.invalid`.
    public func declareHours(_ week: Duration, by name: String) async throws -> Duration {
        guard week >= .zero, week <= Self.declaredWeekMax else {
            throw LedgerError(.invalid, "a week has 168 hours", remedy: "declare 0 to 168h a week")
        }
        let (person, before) = try await transaction { connection in
            let person = try await lockPerson(name, on: connection)
            let id = Bind.int8(person.id.rawValue)
            let before = try await connection.query(Query(DeclaredHoursStatements.show, id))[0].int4(0)
            let seconds = Int32(clamping: week.components.seconds)
            if before != seconds {
                _ = try await connection.query(Query(DeclaredHoursStatements.set, id, .int4(seconds)))
                _ = try await appendFact(person.id, on: connection)
                // That they did, and not how many: the chain is read by operators (P9).
                try await appendChainEvent(
                    .hoursDeclared, actor: name, about: person.id, detail: ["person": .string(name)], on: connection)
            }
            return (person.id, Duration.seconds(Int64(before)))
        }
        await notify(.person, person.description)
        return before
    }
}

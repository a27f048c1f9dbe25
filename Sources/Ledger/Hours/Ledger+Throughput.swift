import PlimsollModel
import Postgres

extension Ledger {
    /// Local dates that throughput can be asked for, today included: as long as totals of dates are kept.
    public static let throughputDaysMax = 366
    public static let throughputDaysUsual = WorkHistory.daysKept

    /// A person's own labels and leased time by local date and project. Leased time is that of leases that have ended;
    /// by project it is told while lease history is kept, of seven dates, where it is of more than one task. Throws
    /// `.notFound` and `.invalid`.
    public func throughput(of name: String, days: Int? = nil) async throws -> OwnThroughput {
        let days = try Self.checked(days)
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        let zone = try Self.zone(of: person)
        return try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            let id = Bind.int8(person.id.rawValue)
            let now = try await clock(on: connection)
            let today = zone.day(at: now)
            let since = today.advanced(by: 1 - days)
            // The first date that lies whole in what is kept.
            let projectsSince = zone.day(at: now - .hours(24 * Int(HistoryTable.leaseHistory.keptDays)))
                .advanced(by: 1)
            let rows = try await connection.pipeline([
                Query(FlushStatements.worked, .int8Array([person.id.rawValue])),
                Query(ThroughputStatements.totals, id, .date(days: since.rawValue)),
                Query(
                    ThroughputStatements.leases, id,
                    .timestamptz(microseconds: zone.start(of: max(since, projectsSince)).microseconds)),
                Query(ThroughputStatements.labels, id, .date(days: since.rawValue)),
            ])
            var parts = OwnThroughput.Parts(worked: WorkHistory(), totals: [], leases: [:], labels: [])
            for row in rows[0] { parts.worked.add(try WorkInterval(row, 3), kind: "", severity: 0) }
            parts.totals = try rows[1].map { try DayTotal($0, 0) }
            for row in rows[2] {
                parts.leases[try row.text(0), default: [:]][TaskID(try row.int8(1)), default: WorkIntervals()].add(
                    try WorkInterval(row, 2))
            }
            parts.labels = try rows[3].map { try LabelCount($0) }
            return OwnThroughput(parts, today: today, since: since, projectsSince: projectsSince, in: zone)
        }
    }

    /// A supervisor's look at the labels of one person: only who answers for that person, only while that person agrees
    /// to it, and on the record in the same transaction. Labels alone, since leased time beside them would be a rate
    /// (P10).
    ///
    /// Throws `.invalid` for a look without a reason, and one and the same `.refused` in every other case: never asked,
    /// refused, withdrawn, ended, of another team, or nobody of that name (P9).
    public func showThroughput(
        of name: String, to reader: String, reason: String, days: Int? = nil
    ) async throws -> [LabelCount] {
        let days = try Self.checked(days)
        try ReasonRule.check(reason, "a look needs a reason, which the engineer sees")
        try ReasonRule.checkLength(reason)
        return try await transaction { connection in
            let (person, _, now) = try await mayLook(at: name, reader, on: connection)
            let since = try Self.zone(of: person).day(at: now).advanced(by: 1 - days)
            let counts = try await connection.query(
                Query(ThroughputStatements.labels, .int8(person.id.rawValue), .date(days: since.rawValue))
            ).map { try LabelCount($0) }
            // Reading may take long, and so is not done under the person's lock; a withdrawal that came meanwhile is
            // met here, and one that comes now waits until the look is on the record (P3).
            try await lockPeople([person.id], on: connection)
            let (same, readerID, at) = try await mayLook(at: name, reader, on: connection)
            guard same.id == person.id else { throw Self.noThroughput }
            _ = try await connection.query(
                Query(
                    ThroughputStatements.look, .int8(person.id.rawValue), .int8(readerID.rawValue), .text(reason),
                    .timestamptz(microseconds: at.microseconds)))
            try await appendChainEvent(
                .throughputShown, actor: reader, about: person.id,
                detail: ["person": .string(name), "since": .string(since.description), "reason": .string(reason)],
                on: connection)
            return counts
        }
    }

    /// Throws `noThroughput` unless the reader answers for the person, and the person agrees to it now.
    private func mayLook(
        at name: String, _ reader: String, on connection: isolated Connection
    ) async throws -> (person: PersonRow, reader: PersonID, now: Moment) {
        guard
            let row = try await connection.query(
                Query(ThroughputStatements.answeredFor, .text(name), .text(reader))
            ).first
        else { throw Self.noThroughput }
        let person = PersonRow(id: PersonID(try row.int8(0)), name: name, zone: try row.text(1))
        let now = try await clock(on: connection)
        let agreement = try await latestAgreement(
            person.id, PurposeName.throughputToSupervisor.rawValue, at: now, on: connection)
        guard agreement?.isInForce == true else { throw Self.noThroughput }
        return (person, PersonID(try row.int8(2)), now)
    }

    /// Nothing of the name in it, so that it is the same byte for byte (P9).
    private static let noThroughput = LedgerError(
        .refused, "no throughput is shown to you under that name",
        remedy: "it is shown to the supervisor who answers for an engineer, while the engineer agrees to "
            + "\(PurposeName.throughputToSupervisor)")

    private static func checked(_ days: Int?) throws -> Int {
        let days = days ?? throughputDaysUsual
        guard (1...throughputDaysMax).contains(days) else {
            throw LedgerError(.invalid, "throughput is told for 1 to \(throughputDaysMax) days, today included")
        }
        return days
    }

    private static func zone(of person: PersonRow) throws -> Zone {
        do {
            return try Zone.named(person.zone)
        } catch {
            throw LedgerError(
                .refused, "the zone of this person is in no table any more, so nobody can tell their dates",
                remedy: "the person sets another one with plimsoll me zone", cause: error)
        }
    }
}

extension LabelCount {
    init(_ row: Row) throws {
        self.init(day: LocalDay(try row.date(0)), project: try row.text(1), labels: Int(try row.int8(2)))
    }
}

import PlimsollModel
import Postgres

extension Ledger {
    /// Corrections of one person that are kept at once, and of those that wait for somebody.
    public static let correctionsMax: Int64 = 200
    public static let correctionsWaitingMax: Int64 = 10

    /// Adds leased time that was worked and not counted. It counts from the next decision on, on every coordinator. A
    /// request of the same person to take some of it away is withdrawn. Throws `.invalid`, also without a reason.
    public func addTime(_ draft: CorrectionDraft, by name: String) async throws -> TimeCorrection {
        try ReasonRule.check(draft.reason, "adding time needs a reason")
        let (person, id) = try await transaction { connection in
            let person = try await lockPerson(name, on: connection)
            let now = try await clock(on: connection)
            let interval = try draft.interval(in: person.zone, now: now)
            try await checkRoom(person.id, waiting: false, on: connection)
            let id = try await insert(.add, draft, interval, person.id, now, on: connection).int8(0)
            let stretch = binds(person.id, interval)
            let superseded = try await connection.query(
                Query(CorrectionStatements.supersede, stretch + [.timestamptz(microseconds: now.microseconds)]))
            _ = try await connection.query(Query(CorrectionStatements.add, stretch))
            _ = try await appendFact(person.id, on: connection)
            try await record(.timeAdded, id, person, by: name, on: connection)
            for row in superseded {
                try await record(.timeRemovalWithdrawn, row.int8(0), person, by: name, on: connection)
            }
            return (person.id, id)
        }
        await notify(.person, person.description)
        return try await correction(id)
    }

    /// Asks to take away leased time that was counted and not worked, which changes nothing until somebody else agrees.
    /// Throws `.invalid`, and `.refused` where nothing is on record, or where a lease of then is still open.
    public func askTimeRemoval(_ draft: CorrectionDraft, by name: String) async throws -> TimeCorrection {
        try ReasonRule.check(draft.reason, "taking time away needs a reason")
        let id = try await transaction { connection in
            let person = try await lockPerson(name, on: connection)
            let now = try await clock(on: connection)
            let interval = try draft.interval(in: person.zone, now: now)
            try await checkRoom(person.id, waiting: true, on: connection)
            // Its time is on no record yet, and would come onto it after somebody agreed to the rest.
            let isOpen = try await connection.query(
                Query(
                    CorrectionStatements.isOpen, .int8(person.id.rawValue),
                    .timestamptz(microseconds: interval.end.microseconds)))[0].bool(0)
            guard !isOpen else {
                throw LedgerError(
                    .refused, "a lease of yours that was open in that time still is",
                    remedy: "answer, release or park it, then ask again")
            }
            let row = try await insert(.remove, draft, interval, person.id, now, on: connection)
            guard try !row.bool(1) else {
                throw LedgerError(
                    .refused, "no leased time of yours is on record in that stretch",
                    remedy: "plimsoll me data shows what is (work_interval, usage)")
            }
            let id = try row.int8(0)
            try await record(.timeRemovalAsked, id, person, by: name, on: connection)
            return id
        }
        return try await correction(id)
    }

    /// Takes back what waits. Throws `.notFound` for somebody else's, and `.conflict` when it was answered already.
    public func withdrawCorrection(_ id: Int64, by name: String) async throws -> TimeCorrection {
        try await transaction { connection in
            let person = try await lockPerson(name, on: connection)
            let asked = try await find(id, on: connection)
            guard let asked, asked.person == name else { throw unknownCorrection(id) }
            guard asked.what == .remove else {
                throw LedgerError(
                    .conflict, "time that was added counts already",
                    remedy: "plimsoll me correct remove takes it away, once somebody else agrees")
            }
            let now = try await clock(on: connection)
            try await answer(asked, "withdrawn", by: person.id, reason: "", at: now, on: connection)
            try await record(.timeRemovalWithdrawn, id, person, by: name, on: connection)
        }
        return try await correction(id)
    }

    /// Agrees or refuses to take time away, as the second party. Once agreed, the time is gone from the next decision
    /// on, on every coordinator. Throws `.notFound` for what is not theirs to see, `.refused` for one's own and for
    /// time that is too long ago, `.invalid` for a refusal without a reason and `.conflict` when it was answered
    /// already.
    public func answerCorrection(
        _ id: Int64, agree: Bool, reason: String, by reader: CorrectionReader
    ) async throws -> TimeCorrection {
        if !agree { try ReasonRule.check(reason, "nobody is refused without a reason") }
        try ReasonRule.checkLength(reason)
        let asked = try await correction(id)
        let person = try await transaction { connection in
            let person = try await lockPerson(asked.person, on: connection)
            guard let other = try await connection.query(Query(PersonStatements.byName, .text(reader.name))).first
            else { throw unknownPerson(reader.name) }
            if case .supervisor(let name) = reader {
                let supervisor = try await connection.query(
                    Query(EffectiveLimitsStatements.supervisor, .int8(person.id.rawValue))
                ).first?.text(0)
                guard supervisor == name else { throw unknownCorrection(id) }
            }
            guard asked.person != reader.name else {
                throw LedgerError(.refused, "taking time away needs two parties: somebody else must agree to yours")
            }
            guard asked.what == .remove else {
                throw LedgerError(.conflict, "time that somebody added counts without anybody's word")
            }
            let now = try await clock(on: connection)
            try await answer(
                asked, agree ? "agreed" : "refused", by: PersonID(try other.int8(0)), reason: reason, at: now,
                on: connection)
            if agree {
                guard asked.interval.start >= now - CorrectionDraft.kept else {
                    throw LedgerError(
                        .refused, "that time is more than \(WorkHistory.daysKept) days ago and its intervals are gone")
                }
                try await remove(asked.interval, of: person.id, on: connection)
                _ = try await appendFact(person.id, on: connection)
            }
            try await record(
                agree ? .timeRemovalAgreed : .timeRemovalRefused, id, person, by: reader.name,
                [
                    "seconds": agree ? .integer(asked.recorded.components.seconds) : .null,
                    "reason": reason.isEmpty ? .null : .string(reason),
                ], on: connection)
            return person
        }
        if agree { await notify(.person, person.id.description) }
        return try await correction(id)
    }

    /// Throws `.notFound`.
    public func correction(_ id: Int64) async throws -> TimeCorrection {
        guard let row = try await read(Query(CorrectionStatements.show, .int8(id))).first else {
            throw unknownCorrection(id)
        }
        return try TimeCorrection(row)
    }

    /// A person's own that are kept, newest first. Throws `.notFound`.
    public func corrections(of name: String) async throws -> [TimeCorrection] {
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        return try await read(Query(CorrectionStatements.own, .int8(person.id.rawValue))).map { try TimeCorrection($0) }
    }

    /// What waits for a second party.
    public func correctionsWaiting(for reader: CorrectionReader) async throws -> [TimeCorrection] {
        try await read(Query(CorrectionStatements.waiting, .text(reader.team))).map { try TimeCorrection($0) }
    }
}

// MARK: Under the person's lock

private func binds(_ person: PersonID, _ interval: WorkInterval) -> [Bind] {
    [
        .int8(person.rawValue), .timestamptz(microseconds: interval.start.microseconds),
        .timestamptz(microseconds: interval.end.microseconds),
    ]
}

private func find(_ id: Int64, on connection: isolated Connection) async throws -> TimeCorrection? {
    try await connection.query(Query(CorrectionStatements.show, .int8(id))).first.map { try TimeCorrection($0) }
}

private func checkRoom(_ person: PersonID, waiting: Bool, on connection: isolated Connection) async throws {
    let row = try await connection.query(Query(CorrectionStatements.count, .int8(person.rawValue)))[0]
    guard try row.int8(0) < Ledger.correctionsMax else {
        throw LedgerError(
            .refused, "\(Ledger.correctionsMax) corrections of yours are kept, as many as there may be",
            remedy: "they go 28 days after the time they are about")
    }
    guard try !waiting || row.int8(1) < Ledger.correctionsWaitingMax else {
        throw LedgerError(
            .refused, "\(Ledger.correctionsWaitingMax) corrections of yours wait for an answer already",
            remedy: "plimsoll me correct withdraw takes one back")
    }
}

private func insert(
    _ what: TimeCorrection.What, _ draft: CorrectionDraft, _ interval: WorkInterval, _ person: PersonID, _ now: Moment,
    on connection: isolated Connection
) async throws -> Row {
    try await connection.query(
        Query(
            CorrectionStatements.insert, .int8(person.rawValue), .text(what.rawValue),
            .timestamptz(microseconds: interval.start.microseconds),
            .timestamptz(microseconds: interval.end.microseconds), .text(draft.reason),
            .timestamptz(microseconds: now.microseconds)))[0]
}

private func answer(
    _ asked: TimeCorrection, _ outcome: String, by who: PersonID, reason: String, at now: Moment,
    on connection: isolated Connection
) async throws {
    let answered = try await connection.query(
        Query(
            CorrectionStatements.answer, .int8(asked.id), .text(outcome), .int8(who.rawValue), .text(reason),
            .timestamptz(microseconds: now.microseconds)))
    guard answered.affected == 1 else {
        throw LedgerError(.conflict, "correction \(asked.id) was answered already")
    }
}

/// Merges what is on record first, so that no usage row brings the time back.
private func remove(_ interval: WorkInterval, of person: PersonID, on connection: isolated Connection) async throws {
    _ = try await connection.query(Query(WorkStatements.merge, .int8Array([person.rawValue])))
    // Intervals also lose their kind with age, under no lock. A row that did so while it was waited for is gone, and
    // what stands in its place only a later statement sees.
    let stretch = binds(person, interval)
    for _ in 0..<removalRoundsMax {
        _ = try await connection.query(Query(CorrectionStatements.remove, stretch))
        if try await !connection.query(Query(CorrectionStatements.isLeft, stretch))[0].bool(0) { return }
    }
    throw LedgerError(.busy, "the intervals were changed by somebody else meanwhile")
}

private let removalRoundsMax = 5

/// The chain keeps no times: those go after 28 days, with the row that the number names.
private func record(
    _ kind: ChainKind, _ id: Int64, _ person: PersonRow, by actor: String, _ more: JSONValue = [:],
    on connection: isolated Connection
) async throws {
    var detail = JSONObject()
    detail["correction"] = .integer(id)
    detail["person"] = .string(person.name)
    for member in more.objectValue?.members ?? [] where member.value != .null { detail[member.key] = member.value }
    try await appendChainEvent(kind, actor: actor, about: person.id, detail: .object(detail), on: connection)
}

private func unknownCorrection(_ id: Int64) -> LedgerError {
    LedgerError(.notFound, "there is no correction \(id) that is yours to see")
}

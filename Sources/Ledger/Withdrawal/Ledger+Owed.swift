import PlimsollModel
import Postgres

/// What a withdrawal owes beyond its own short transaction (P3): the slots of its labels go to somebody else, and
/// earlier exports are told what to drop.
extension Ledger {
    /// Labels whose slots are freed under one hold of their author's lock.
    static let refillStep: Int32 = 500

    /// Does all that is owed now; gives the number of steps it took. Call it every second from every coordinator: one
    /// does the work. Manifests first: they are due within 60 s.
    @discardableResult
    public func settleWithdrawals() async throws -> Int {
        var steps = 0
        while try await writeOwedManifest() { steps += 1 }
        while try await refillOwedSlots() { steps += 1 }
        return steps
    }

    /// Writes one superseding manifest; false when none is owed or another coordinator is at it.
    private func writeOwedManifest() async throws -> Bool {
        try await owed(orElse: false) { connection in
            guard let row = try await connection.query(Query(OwedStatements.nextExport)).first else { return false }
            try await writeManifest(
                of: try row.int8(0), isFinished: try row.bool(1), Pseudonyms(key: try row.bytes(2)), on: connection)
            return true
        }
    }

    /// Frees the slots of some labels of one person; false when nothing is owed or another coordinator is at it.
    private func refillOwedSlots() async throws -> Bool {
        let lanes: [LaneID]? = try await owed(orElse: nil) { connection in
            guard let person = try await connection.query(Query(OwedStatements.nextRefill)).first?.int8(0) else {
                return nil
            }
            _ = try await connection.query(Query(OwedStatements.epochLock))
            return try await refill(PersonID(person), on: connection)
        }
        guard let lanes else { return false }
        for lane in lanes { await notify(.lane, lane.description) }
        return true
    }

    /// One step in a transaction of its own; `nothing` when another coordinator is at it.
    private func owed<R: Sendable>(
        orElse nothing: R, _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        try await transaction { connection in
            let results = try await connection.pipeline([
                Query(OwedStatements.patience), Query(OwedStatements.tryLock),
            ])
            guard try results[1][0].bool(0) else { return nothing }
            return try await body(connection)
        }
    }
}

/// Frees the slots of some labels of one person, in order: epoch, person, lanes. Gives the lanes that got a span. The
/// debt is paid with the step that finds no more.
private func refill(_ person: PersonID, on connection: isolated Connection) async throws -> [LaneID] {
    try await lockPeople([person], on: connection)
    let rows = try await connection.query(
        Query(OwedStatements.setAside, .int8(person.rawValue), .int4(Ledger.refillStep)))
    if rows.count < Int(Ledger.refillStep) {
        _ = try await connection.query(Query(OwedStatements.refilled, .int8(person.rawValue)))
    }
    var tallies: [ProjectID: TallyChange] = [:]
    var slots: [FreeSlots] = []
    for row in rows {
        let project = ProjectID(try row.int8(0))
        tallies[project, default: TallyChange()].done -= 1
        // A slot of a closed task does not wait.
        if try row.bool(4) {
            tallies[project, default: TallyChange()].quarantined += 1
            continue
        }
        let task = TaskID(try row.int8(2))
        slots.append(
            FreeSlots(lane: LaneID(try row.int8(1)), slot: try row.int2(3), first: task, last: task, isFresh: false))
    }
    try await appendTally(tallies, on: connection)
    try await appendSpans(slots, on: connection)
    return Array(Set(slots.map(\.lane))).sorted()
}

/// The next manifest of one export, whose row the caller has locked: what it must drop beyond the earlier ones. None
/// where that is nothing new, or where the export was never sealed.
private func writeManifest(
    of export: Int64, isFinished: Bool, _ pseudonyms: Pseudonyms, on connection: isolated Connection
) async throws {
    let id = Bind.int8(export)
    let owed = try await connection.query(Query(OwedStatements.owedOf, id))
    let people = try owed.map { try $0.int8(0) }
    let numbers = try owed.map { try $0.int8(1) }
    if isFinished {
        let records = try await connection.query(Query(OwedStatements.records, id)).map { row in
            DroppedLabel(
                key: try row.text(1), slot: try row.int2(2), annotator: pseudonyms.name(PersonID(try row.int8(0))))
        }
        try await drop(records, from: export, on: connection)
    }
    _ = try await connection.query(Query(OwedStatements.dropped, id, .int8Array(people), .int8Array(numbers)))
}

/// A record that an export must drop, as its holders know it.
struct DroppedLabel: Sendable {
    let key: String
    let slot: Int16
    let annotator: String
}

/// Tells a sealed export, whose row the caller has locked, to drop these records, by one more manifest; nothing where
/// earlier ones named them all.
func drop(_ records: [DroppedLabel], from export: Int64, on connection: isolated Connection) async throws {
    if records.isEmpty { return }
    let id = Bind.int8(export)
    let added = try await connection.query(
        Query(
            OwedStatements.drop, id, .textArray(records.map(\.key)), .int2Array(records.map(\.slot)),
            .textArray(records.map(\.annotator))))
    if added.affected > 0 { _ = try await connection.query(Query(OwedStatements.supersede, id)) }
}

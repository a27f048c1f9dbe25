import PlimsollModel
import Postgres

extension Ledger {
    /// Usage rows of one person that may wait to be merged: as many are read whenever the person's state is.
    public static let unmergedMax = 500
    /// People in one transaction.
    private static let peoplePerMerge = 100

    /// Lets leased time age: merges it, forgets of which kind it was, and keeps totals of what is long ago. Call it
    /// every some minutes; may run anywhere at once. Gives how many people's time was merged.
    @discardableResult
    public func ageWork() async throws -> Int {
        let people = try await read(Query(WorkStatements.unmerged, .int8(Int64(Self.unmergedMax))))
            .map { try $0.int8(0) }
        var merged = 0
        for start in stride(from: 0, to: people.count, by: Self.peoplePerMerge) {
            let some = Array(people[start..<min(start + Self.peoplePerMerge, people.count)])
            merged += try await transaction { connection in
                let locked = try await connection.query(Query(WorkStatements.lock, .int8Array(some)))
                    .map { try $0.int8(0) }
                if locked.isEmpty { return 0 }
                _ = try await connection.query(Query(WorkStatements.merge, .int8Array(locked)))
                return locked.count
            }
        }
        _ = try await read(Query(WorkStatements.forgetKinds))
        _ = try await read(Query(WorkStatements.foldDays))
        _ = try await read(Query(WorkStatements.forgetDays))
        return merged
    }
}

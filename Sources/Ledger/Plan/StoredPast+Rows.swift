import PlimsollModel
import Postgres

extension StoredPast {
    /// The answers of `Ledger.past`, in its order, as people by number.
    static func assemble(_ rows: [Rows]) throws -> [StoredPast] {
        var people: [PersonID: StoredPast] = [:]
        for row in rows[0] {
            let person = PersonID(try row.int8(0))
            people[person] = StoredPast(
                person: person, zone: try row.text(2), formerZone: try FlushSession.formerZone(row),
                declaredWeek: .seconds(Int64(try row.int4(8))), mayWork: try row.bool(3) && !row.bool(4),
                enrolled: Set(try row.int8Array(5).map { ProjectID($0) }),
                layers: PersonLimitLayers(person: person))
        }
        for (person, layers) in try foldLimitLayers(of: people.keys, rows[1]) { people[person]?.layers = layers }
        for row in rows[2] {
            people[PersonID(try row.int8(0))]?.consents.append(try StoredAgreement(row))
        }
        for row in rows[3] {
            people[PersonID(try row.int8(0))]?.grants.append(
                Grant(
                    granted: Moment(microseconds: try row.timestamptz(1)),
                    ended: Moment(microseconds: try row.timestamptz(2)), labelled: try row.bool(3),
                    lane: LaneID(try row.int8(4)), effortSeconds: Int(try row.int4(5))))
        }
        for row in rows[4] {
            people[PersonID(try row.int8(0))]?.worked.append(
                (try WorkInterval(row, 3), try row.textOrNil(1) ?? "", Int(try row.int2OrNil(2) ?? 0)))
        }
        for row in rows[5] {
            people[PersonID(try row.int8(0))]?.totals.append(try DayTotal(row, 1))
        }
        for row in rows[6] {
            people[PersonID(try row.int8(0))]?.labels = (LocalDay(try row.date(1)), Int(try row.int4(2)))
        }
        return people.values.sorted { $0.person < $1.person }
    }
}

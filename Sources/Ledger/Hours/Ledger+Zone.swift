public import PlimsollModel
import Postgres

/// By which zone a person's days are told, and which one counts beside it.
public struct ZoneStanding: Sendable, Hashable {
    public let zone: String
    /// Nil: there was no change lately.
    public var former: Former?

    /// A zone that was left; the stricter of both holds until then.
    public struct Former: Sendable, Hashable {
        public let zone: String
        public let until: Moment
    }
}

enum ZoneStatements {
    /// Index: person_pkey. Needs the person's lock.
    static let show = Statement(
        "zone_show", "select former_zone, zone_changed_at from person where person_id = $1")
    /// 22023: this server does not know the zone, and its statements would fail with it.
    static let isKnown = Statement("zone_known", "select (clock() at time zone $1)::date")
    static let set = Statement(
        "zone_set",
        "update person set former_zone = $4, zone = $2, zone_changed_at = $3 where person_id = $1")
}

extension Ledger {
    /// Changes the zone by which a person's days and quiet hours are told. It binds from the next decision on; the zone
    /// before counts beside it for eight days, the stricter wins. One that is in no table is left behind at once: by it
    /// nothing can be told, and the gate's doubt would keep the person out for as long as it counted.
    ///
    /// While two zones count there is no third, or the first would be forgotten while it may be the stricter; going
    /// back to the one before is possible at once, since then the same two count. Throws `.invalid` for a name that is
    /// in no table, with near ones, and `.refused` with the time from which on.
    public func setZone(_ zone: String, by name: String) async throws -> ZoneStanding {
        do {
            _ = try Zone.named(zone)
        } catch {
            let near = Zone.near(zone).joined(separator: ", ")
            throw LedgerError(
                .invalid, "no time zone is named “\(zone)”",
                remedy: near.isEmpty ? "write an IANA name such as Europe/Berlin" : "was one of these meant: \(near)?",
                cause: error)
        }
        let (person, standing) = try await transaction { connection in
            let person = try await lockPerson(name, on: connection)
            let id = Bind.int8(person.id.rawValue)
            let now = try await clock(on: connection)
            let row = try await connection.query(Query(ZoneStatements.show, id))[0]
            let changedAt = try row.timestamptzOrNil(1).map { Moment(microseconds: $0) }
            var former: ZoneStanding.Former?
            if let earlier = try row.textOrNil(0), let changedAt, now < changedAt + Zone.formerKept {
                former = ZoneStanding.Former(zone: earlier, until: changedAt + Zone.formerKept)
            }
            let isFormerKnown = former.map { isKnown($0.zone) } ?? true
            if zone == person.zone, isFormerKnown { return (person, ZoneStanding(zone: zone, former: former)) }
            let isPresentKnown = isKnown(person.zone)
            if let former, isFormerKnown, isPresentKnown, former.zone != zone {
                throw LedgerError(
                    .refused,
                    "you changed from \(former.zone) to \(person.zone); until \(former.until.text(in: person.zone)) both "
                        + "count, the stricter holds, and there is no third",
                    remedy: "change again from then on, or go back now: plimsoll me zone \(former.zone)")
            }
            try await checkServerKnows(zone, on: connection)
            let fact = try await appendFact(person.id, on: connection)
            // A present zone that nobody knows is left behind at once, and the one before it still counts.
            var left: ZoneStanding.Former?
            if isPresentKnown, zone != person.zone {
                left = ZoneStanding.Former(zone: person.zone, until: fact.at + Zone.formerKept)
            } else if !isPresentKnown, isFormerKnown, former?.zone != zone {
                left = former
            }
            let changed = left.map { $0.until - Zone.formerKept } ?? fact.at
            _ = try await connection.query(
                Query(
                    ZoneStatements.set, id, .text(zone), .timestamptz(microseconds: changed.microseconds),
                    .text(left?.zone)))
            try await appendChainEvent(
                .zoneChanged, actor: name, about: person.id, detail: ["person": .string(name)], on: connection)
            return (person, ZoneStanding(zone: zone, former: left))
        }
        await notify(.person, person.id.description)
        return standing
    }
}

/// As the gate knows zones; what the database's server does not know is no doubt to it.
private func isKnown(_ zone: String) -> Bool {
    // Why it is not known is said where somebody asks for it.
    (try? Zone.named(zone)) != nil
}

private func checkServerKnows(_ zone: String, on connection: isolated Connection) async throws {
    do {
        _ = try await connection.query(Query(ZoneStatements.isKnown, .text(zone)))
    } catch let error as PostgresError where error.sqlState == "22023" {
        throw LedgerError(
            .invalid, "the database's server does not know the time zone “\(zone)”",
            remedy: "use another name of the same zone, or have the server's time zone tables updated", cause: error)
    }
}

extension Moment {
    /// As the clocks of a zone show it; in UTC where nobody knows the zone.
    fileprivate func text(in zoneName: String) -> String {
        // An unknown zone is no reason to say nothing.
        (try? Zone.named(zoneName)).map { text(in: $0) } ?? rfc3339
    }
}

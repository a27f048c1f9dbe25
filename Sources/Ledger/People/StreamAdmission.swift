public import PlimsollModel
internal import Postgres

/// What must hold before a certificate may act in its role.
public struct Admission: Sendable {
    public var person: PersonID
    public var zone: String
    public var isRoleGranted: Bool
    public var isDenied: Bool
}

extension Ledger {
    private static let admission = Statement(
        "admission",
        """
        select p.person_id, p.zone,
            exists (select from role_grant r where r.person_id = p.person_id and r.role = $2),
            exists (select from denial d where d.person_id = p.person_id or d.serial = $3)
        from person p where p.name = $1
        """)
    private static let denials = Statement(
        "admission_denials",
        """
        select i.i from unnest($1::bigint[], $2::text[], $3::int[]) i (person_id, serial, i)
        where exists (select from denial d where d.person_id = i.person_id or d.serial = i.serial)
            or not exists (select from role_grant r where r.person_id = i.person_id and r.role = 'engineer')
        """)
    /// Certificates issued in someone's name that the person has not been told of.
    private static let untold = Statement(
        "admission_untold",
        """
        update certificate set told_at = plimsoll.clock() where person_id = $1 and told_at is null
        returning serial, identity
        """)

    /// Whether a certificate's holder may act in a role now; nil: no such person. Index: person_name_key.
    public func admission(of name: String, role: String, serial: String) async throws -> Admission? {
        try await pool.withConnection { connection in
            let rows = try await connection.query(
                Query(Self.admission, .text(name), .text(role), .text(serial)))
            guard let row = rows.first else { return nil }
            return Admission(
                person: PersonID(try row.int8(0)), zone: try row.text(1), isRoleGranted: try row.bool(2),
                isDenied: try row.bool(3))
        }
    }

    /// Of running streams, the indexes of those that may not go on.
    public func inadmissible(_ streams: [(person: PersonID, serial: String)]) async throws -> Set<Int> {
        try await pool.withConnection { connection in try await Self.inadmissible(streams, on: connection) }
    }

    static func inadmissible(
        _ streams: [(person: PersonID, serial: String)], on connection: Connection
    ) async throws -> Set<Int> {
        let rows = try await connection.query(
            Query(
                denials, .int8Array(streams.map(\.person.rawValue)), .textArray(streams.map(\.serial)),
                .int4Array(streams.indices.map { Int32($0) })))
        return Set(try rows.map { Int(try $0.int4(0)) })
    }

    /// Tells a person, once, of certificates issued in their name.
    public func newCertificates(of person: PersonID) async throws -> [(serial: String, identity: String)] {
        try await pool.withConnection { connection in
            try await connection.query(Query(Self.untold, .int8(person.rawValue))).map {
                (try $0.text(0), try $0.text(1))
            }
        }
    }
}

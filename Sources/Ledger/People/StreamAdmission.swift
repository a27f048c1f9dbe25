public import PlimsollModel
internal import Postgres

/// What must hold before a certificate may act in its role.
public struct Admission: Sendable {
    public var person: PersonID
    public var zone: String
    public var isRoleGranted: Bool
    /// The person, with every certificate of theirs.
    public var isPersonDenied: Bool
    public var isCertificateDenied: Bool
    public var isDenied: Bool { isPersonDenied || isCertificateDenied }
}

/// An agreement in force that ends soon.
public struct EndingAgreement: Sendable, Hashable {
    public let purpose: String
    /// The notice that was agreed to.
    public let notice: String
    public let at: Moment
    /// Whether it ends because a version of its notice that changes something material comes into force then, and not
    /// because its time is up.
    public let isForNewVersion: Bool

    /// What its person is told. A version that is only announced cannot be agreed to yet.
    public var sentence: String {
        let ends = "your agreement to \(purpose) ends on \(at.rfc3339.prefix(10))"
        return isForNewVersion
            ? "\(ends), when a new version of its notice comes into force: `plimsoll notice show \(notice) --diff` "
                + "tells what changes, and from then on you can agree to it with `plimsoll consent give \(purpose)`"
            : "\(ends); silence does not renew it, `plimsoll consent give \(purpose)` does"
    }
}

extension Ledger {
    private static let admission = Statement(
        "admission",
        """
        select p.person_id, p.zone,
            exists (select from role_grant r where r.person_id = p.person_id and r.role = $2),
            exists (select from denial d where d.person_id = p.person_id),
            exists (select from denial d where d.serial = $3)
        from person p where p.name = $1
        """)
    private static let denials = Statement(
        "admission_denials",
        """
        select i.i from unnest($1::bigint[], $2::text[], $3::int[]) i (person_id, serial, i)
        where exists (select from denial d where d.person_id = i.person_id or d.serial = i.serial)
            or not exists (select from role_grant r where r.person_id = i.person_id and r.role = 'engineer')
        """)
    /// Certificates issued in someone's name that the person has not been told of. Not the one that asks, where
    /// somebody else asked for it: who got one in another's name would hear of it in their place.
    private static let untold = Statement(
        "admission_untold",
        """
        update certificate set told_at = plimsoll.clock() where person_id = $1 and told_at is null
            and (serial <> $2 or issued_by = (select name from plimsoll.person where person_id = $1))
        returning serial, identity
        """)

    /// Agreements that open the gate now and end soon: the latest event of each purpose. Indexes: consent_event_pkey,
    /// notice_pkey.
    private static let ending = Statement(
        "admission_ending",
        """
        with now as materialized (select plimsoll.clock() as at)
        select e.purpose, e.notice_id, ending.at, ending.is_for_new_version from now, (
            select distinct on (purpose) purpose, state, at, valid_until, notice_id, notice_version from consent_event
            where person_id = $1 order by purpose, n desc) e
        \(ConsentStatements.end(of: "e"))
        where e.state in ('given', 'renewed') and ending.at > now.at and ending.at <= now.at + $2
        order by e.purpose
        """)

    /// Whether a certificate's holder may act in a role now; nil: no such person. Index: person_name_key.
    public func admission(of name: String, role: String, serial: String) async throws -> Admission? {
        try await pool.withConnection { connection in
            let rows = try await connection.query(
                Query(Self.admission, .text(name), .text(role), .text(serial)))
            guard let row = rows.first else { return nil }
            return Admission(
                person: PersonID(try row.int8(0)), zone: try row.text(1), isRoleGranted: try row.bool(2),
                isPersonDenied: try row.bool(3), isCertificateDenied: try row.bool(4))
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

    /// What a person is told at a hello: once, of other certificates issued in their name; and each time, of agreements in
    /// force that end within `NoticeStanding.warning`.
    public func news(of person: PersonID, serial: String) async throws -> (
        certificates: [(serial: String, identity: String)], endings: [EndingAgreement]
    ) {
        try await pool.withConnection { connection in
            let rows = try await connection.pipeline([
                Query(Self.untold, .int8(person.rawValue), .text(serial)),
                Query(
                    Self.ending, .int8(person.rawValue), .interval(microseconds: NoticeStanding.warning.microseconds)),
            ])
            return (
                try rows[0].map { (try $0.text(0), try $0.text(1)) },
                try rows[1].map {
                    EndingAgreement(
                        purpose: try $0.text(0), notice: try $0.text(1),
                        at: Moment(microseconds: try $0.timestamptz(2)), isForNewVersion: try $0.bool(3))
                }
            )
        }
    }
}

public import PlimsollModel
import Postgres

/// A certificate that was issued.
public struct CertificateRow: Sendable, Hashable {
    /// Lower-case hexadecimal.
    public let serial: String
    /// The URI name.
    public let identity: String
    public let notBefore: Moment
    public let notAfter: Moment
    public let issuedBy: String
    /// By its serial or by its person.
    public let isDenied: Bool

    init(_ row: Row) throws {
        serial = try row.text(0)
        identity = try row.text(1)
        notBefore = Moment(microseconds: try row.timestamptz(2))
        notAfter = Moment(microseconds: try row.timestamptz(3))
        issuedBy = try row.text(4)
        isDenied = try row.bool(5)
    }

    /// A certificate that is about to be handed out.
    public struct Draft: Sendable, Hashable {
        public var serial: String
        public var identity: String
        /// The person it names; nil: a coordinator's.
        public var name: String?
        public var notBefore: Moment
        public var notAfter: Moment

        public init(serial: String, identity: String, name: String?, notBefore: Moment, notAfter: Moment) {
            self.serial = serial
            self.identity = identity
            self.name = name
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }
}

enum CertificateStatements {
    static let insert = Statement(
        "certificate_insert",
        """
        insert into certificate (serial, person_id, identity, not_before, not_after, issued_at, issued_by)
        values ($1, $2, $3, $4, $5, clock(), $6)
        """)
    /// Indexes: person_name_key, certificate_person.
    static let list = Statement(
        "certificate_list",
        """
        select c.serial, c.identity, c.not_before, c.not_after, c.issued_by,
            exists (select from denial d where d.serial = c.serial or d.person_id = c.person_id)
        from certificate c left join person p using (person_id)
        where $1 = '' or p.name = $1 order by c.issued_at desc, c.serial limit $2
        """)
    static let holder = Statement(
        "certificate_holder",
        "select p.name from certificate c join person p using (person_id) where c.serial = $1")
    static let denyPerson = Statement(
        "denial_person",
        """
        insert into denial (person_id, denied_at, denied_by, reason)
        select $1, clock(), $2, $3 where not exists (select from denial where person_id = $1)
        """)
    static let denySerial = Statement(
        "denial_serial",
        """
        insert into denial (serial, denied_at, denied_by, reason)
        select $1, clock(), $2, $3 where not exists (select from denial where serial = $1)
        """)
    /// Certificates of a person that would still be taken. Index: certificate_person.
    static let usable = Statement(
        "certificate_usable",
        """
        select c.serial from certificate c where c.person_id = $1 and c.not_after > clock()
            and not exists (select from denial d where d.serial = c.serial or d.person_id = c.person_id)
        """)
    static let isDenied = Statement(
        "denial_exists",
        """
        select exists (select from denial where serial = $2)
            or exists (select from denial d join person p using (person_id) where p.name = $1)
        """)
}

import PlimsollModel
import Postgres

extension Ledger {
    /// Certificates shown at once, newest first.
    public static let certificatesMax = 10_000

    /// Records a certificate before it is handed out, so that none is ever in use unrecorded (P11); the person is told
    /// at the next hello with another. A token is used up with it and not otherwise. Throws `.notFound` for a person
    /// who does not exist, and `.refused` for a token that is not that person's.
    public func recordCertificate(
        _ draft: CertificateRow.Draft, tokenHash: [UInt8]? = nil, by actor: String
    ) async throws {
        try await transaction { connection in
            var person: PersonID?
            if let name = draft.name {
                let row = try await lockPerson(name, on: connection)
                if let tokenHash { try await useToken(tokenHash, of: row, on: connection) }
                person = row.id
            }
            _ = try await connection.query(
                Query(
                    CertificateStatements.insert, .text(draft.serial), .int8(person?.rawValue), .text(draft.identity),
                    .timestamptz(microseconds: draft.notBefore.microseconds),
                    .timestamptz(microseconds: draft.notAfter.microseconds), .text(actor)))
            try await appendChainEvent(
                .certificateIssued, actor: actor, about: person,
                detail: [
                    "identity": .string(draft.identity), "serial": .string(draft.serial),
                    "not_after": .integer(draft.notAfter.seconds),
                ], on: connection)
        }
    }

    /// Issued certificates of one person or of all, newest first, at most `certificatesMax`.
    public func certificates(of name: String? = nil) async throws -> [CertificateRow] {
        try await read(
            Query(CertificateStatements.list, .text(name ?? ""), .int8(Int64(Self.certificatesMax)))
        ).map { try CertificateRow($0) }
    }

    /// Whether a person or this very certificate is denied.
    public func isDenied(name: String, serial: String) async throws -> Bool {
        try await read(Query(CertificateStatements.isDenied, .text(name), .text(serial)))[0].bool(0)
    }
}

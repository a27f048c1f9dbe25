import Crypto
public import PlimsollModel
import Postgres

/// One applied version of the deployment's policy.
public struct PolicyRow: Sendable, Hashable {
    /// Counts up; the highest is the present one.
    public let version: Int64
    /// The text as it was applied.
    public let document: String
    public let author: String
    public let reason: String
    public let appliedAt: Moment

    init(_ row: Row) throws {
        version = try row.int8(0)
        document = try row.text(1)
        author = try row.text(2)
        reason = try row.text(3)
        appliedAt = Moment(microseconds: try row.timestamptz(4))
    }

    /// What the text says. Throws `.fault` for a text that this build cannot read.
    public func parsed() throws -> PolicyDocument {
        do {
            return try PolicyDocument(yaml: document)
        } catch {
            throw LedgerError(
                .fault, "policy version \(version) cannot be read by this build: \(error)",
                remedy: "upgrade the coordinator, or apply another document with plimsoll policy apply; "
                    + "plimsoll policy show --version \(version) prints this one",
                cause: error)
        }
    }
}

enum PolicyStatements {
    private static let columns = "version, document, author, reason, applied_at"
    static let insert = Statement(
        "policy_insert",
        "insert into policy (document, author, reason) values ($1, $2, $3) returning \(columns)")
    /// Index: policy_pkey.
    static let show = Statement("policy_show", "select \(columns) from policy where version = $1")
    /// Index: policy_pkey, backwards.
    static let latest = Statement("policy_latest", "select \(columns) from policy order by version desc limit 1")
    static let history = Statement(
        "policy_history", "select \(columns) from policy order by version desc limit $1")
}

extension PolicyDocument {
    /// A proposed document; `version`: one that was in force. Throws `.invalid` with all its problems for one that cannot
    /// be used.
    static func usable(_ text: String, of version: Int64? = nil) throws -> PolicyDocument {
        do {
            return try PolicyDocument(proposed: text)
        } catch {
            let old = version.map { "version \($0) cannot be used any more: " } ?? ""
            let remedy =
                version.map { "plimsoll policy show --version \($0) prints it; mend it in a file and apply that" }
                ?? "plimsoll policy validate looks at it without a coordinator"
            throw LedgerError(.invalid, old + error.description, remedy: remedy, cause: error)
        }
    }
}

extension Ledger {
    /// Versions shown at once.
    public static let policyHistoryMax = 1_000

    /// Makes a document the deployment's policy: leases that commit after this returned were decided by it. Throws
    /// `.invalid` with line and column for a document that cannot be used, and `.refused` for one under which nobody
    /// could be leased anything, unless `stoppingEveryone` says that this is meant.
    public func applyPolicy(
        _ document: String, reason: String, stoppingEveryone: Bool = false, by actor: String
    ) async throws -> PolicyRow {
        if let stop = try PolicyDocument.usable(document).stopsEveryone, !stoppingEveryone {
            throw LedgerError(
                .refused, "this policy would stop everyone: \(stop)",
                remedy: "where that is meant, add --stop-everyone")
        }
        try ReasonRule.check(reason, "a policy is applied for a reason")
        return try await withEpoch(cause: "policy applied") { connection in
            let rows = try await connection.query(
                Query(PolicyStatements.insert, .text(document), .text(actor), .text(reason)))
            let policy = try PolicyRow(rows[0])
            try await appendChainEvent(
                .policyApplied, actor: actor,
                detail: [
                    "version": .integer(policy.version),
                    "sha256": .string(Hex.text(SHA256.hash(data: Array(document.utf8)))), "reason": .string(reason),
                ], on: connection)
            return policy
        }
    }

    /// Makes the document of an earlier version the present one again, as a new version: history is not rewritten.
    /// Throws `.notFound`, and as `applyPolicy`.
    public func rollBackPolicy(
        to version: Int64, reason: String, stoppingEveryone: Bool = false, by actor: String
    ) async throws -> PolicyRow {
        let old = try await policy(version: version)
        _ = try PolicyDocument.usable(old.document, of: version)
        return try await applyPolicy(
            old.document, reason: reason, stoppingEveryone: stoppingEveryone, by: actor)
    }

    /// One version, or the present one. Throws `.notFound`.
    public func policy(version: Int64? = nil) async throws -> PolicyRow {
        let query = version.map { Query(PolicyStatements.show, .int8($0)) } ?? Query(PolicyStatements.latest)
        guard let row = try await read(query).first else {
            throw LedgerError(
                .notFound, version.map { "there is no policy version \($0)" } ?? "no policy was applied",
                remedy: version.map { _ in "see plimsoll policy history" } ?? "an operator runs plimsoll policy apply")
        }
        return try PolicyRow(row)
    }

    /// The latest versions, newest first, at most `policyHistoryMax`.
    public func policyHistory() async throws -> [PolicyRow] {
        try await read(Query(PolicyStatements.history, .int8(Int64(Self.policyHistoryMax)))).map { try PolicyRow($0) }
    }
}

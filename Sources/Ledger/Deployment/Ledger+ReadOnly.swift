public import PlimsollModel
import Postgres

/// Switches of the whole deployment.
public struct DeploymentSwitches: Sendable, Hashable {
    /// Nothing is leased or imported; what is in hand can be finished, and saying no works as ever.
    public let isReadOnly: Bool
    public let epoch: Int64
    /// Why it is as it is; empty where it was never switched.
    public let reason: String
    /// UTC.
    public let since: LocalDay?
    public let by: String

    init(_ row: Row) throws {
        isReadOnly = try row.bool(0)
        epoch = try row.int8(1)
        reason = try row.text(2)
        since = try row.isNull(3) ? nil : LocalDay(row.date(3))
        by = try row.text(4)
    }
}

enum ReadOnlyStatements {
    /// Index: epoch_pkey, backwards.
    static let show = Statement(
        "read_only_show",
        """
        select d.read_only, (select version from epoch order by version desc limit 1), d.reason,
            (d.since at time zone 'UTC')::date, d.set_by
        from deployment d
        """)
    /// Under the epoch.
    static let set = Statement(
        "read_only_set",
        """
        update deployment set read_only = $1, reason = $2, since = clock(), set_by = $3 where read_only <> $1
        """)
}

extension Ledger {
    public func deployment() async throws -> DeploymentSwitches {
        try DeploymentSwitches(try await read(Query(ReadOnlyStatements.show))[0])
    }

    /// Switches read-only mode. No lease commits after this returned, until it is switched back. Needs a reason. Asking
    /// for the mode it is in is no error and changes nothing.
    public func setReadOnly(_ isOn: Bool, reason: String, by actor: String) async throws -> DeploymentSwitches {
        try ReasonRule.check(reason, "read-only mode is not switched without a reason")
        try await withEpoch(cause: isOn ? "read-only on" : "read-only off") { connection in
            let changed = try await connection.query(
                Query(ReadOnlyStatements.set, .bool(isOn), .text(reason), .text(actor)))
            if changed.affected == 1 {
                try await appendChainEvent(
                    .readOnly, actor: actor, detail: ["read_only": .bool(isOn), "reason": .string(reason)],
                    on: connection)
            }
        }
        return try await deployment()
    }
}

extension LedgerError {
    /// What read-only mode refuses, as the end of a sentence about it.
    init(readOnly what: String) {
        self.init(
            .refused, "the deployment is in read-only mode, \(what)",
            remedy: "an operator ends it with plimsoll deployment read-only off --reason WHY")
    }
}

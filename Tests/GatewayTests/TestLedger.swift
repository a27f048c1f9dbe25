import Ledger
import Logging
import Postgres
import TestSupport

/// A migrated database for the length of a test, with its first operator and the ledger in the coordinator's role.
struct TestLedger: Sendable {
    let conninfo: String
    let ledger: Ledger
    /// Who may look behind the scenes.
    let owner: Connection

    static func coordinatorRole(_ conninfo: String) -> ConnectionConfiguration {
        ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator")
    }
}

/// `script` is run by the owner before anybody is named, for a clock that stands still.
func withLedger<R: Sendable>(
    operator name: String, _ logger: Logger, script: String? = nil, _ body: (TestLedger) async throws -> R
) async throws -> R {
    try await withDatabase { conninfo in
        var settings = ConnectionConfiguration(conninfo: conninfo)
        settings.settings = [("search_path", "plimsoll"), ("timezone", "UTC")]
        let owner = try await Connection.connect(settings, logger: logger)
        try await Migrator(logger: logger).run(owner)
        if let script { try await owner.execute(script: script) }
        try await Ledger.nameFirstOperator(name, owner)
        var configuration = TestLedger.coordinatorRole(conninfo)
        configuration.settings = Ledger.sessionSettings
        let pool = Pool(configuration: configuration, logger: logger)
        let result: Result<R, any Error>
        do {
            result = .success(try await body(TestLedger(conninfo: conninfo, ledger: Ledger(pool: pool), owner: owner)))
        } catch { result = .failure(error) }
        await pool.close()
        await owner.close()
        return try result.get()
    }
}

import Logging
import Postgres
import PrivateCluster

extension LiveSystem {
    /// What nobody but the owner of the database can see or do.
    func asDatabaseOwner<R>(_ body: (Connection) async throws -> R) async throws -> R {
        var configuration = ConnectionConfiguration(conninfo: cluster.conninfo())
        configuration.settings = [("search_path", "plimsoll")]
        let owner = try await Connection.connect(configuration, logger: Logger(label: "test.owner"))
        let result: Result<R, any Error>
        do { result = .success(try await body(owner)) } catch { result = .failure(error) }
        await owner.close()
        return try result.get()
    }
}

public import FoundationEssentials
import Glibc
internal import Logging
public import Postgres
public import PrivateCluster
import Synchronization

/// One private PostgreSQL cluster for all tests of this process: started on first use, without fsync, gone when the
/// process ends, in whatever way.
public actor SharedCluster {
    /// The one cluster.
    public static let shared = SharedCluster()

    /// Tests make many connections at once. Without statistics of its tables the planner takes small queries for large
    /// ones and would compile them, tens of milliseconds each time.
    private static let settings = [
        "fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "max_connections": "1000",
        "max_prepared_transactions": "10", "shared_buffers": "64MB", "autovacuum": "off", "jit": "off",
        "log_min_messages": "error",
    ]
    private static let counter = Atomic<Int>(0)

    private var starting: Task<PrivateCluster, any Error>?

    /// The running cluster.
    public func cluster() async throws -> PrivateCluster {
        if let starting { return try await starting.value }
        let task = Task {
            TestFolder.sweep()
            let folder = try TestFolder.make("cluster")
            let cluster = PrivateCluster(
                configuration: ClusterConfiguration(directory: folder, settings: Self.settings),
                logger: Logger(label: "test.cluster"))
            try await cluster.start()
            if let processID = await cluster.processID { TestFolder.stopAtExit(processID) }
            return cluster
        }
        starting = task
        return try await task.value
    }

    /// Runs `body` with the conninfo of a database made for it, and drops that database afterwards, also when the body
    /// throws and while sessions are still open in it. `template` nil: the empty `template1`.
    public nonisolated func withDatabase<R: Sendable>(
        template: String? = nil, _ body: (String) async throws -> R
    ) async throws -> R {
        let cluster = try await cluster()
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        let name = "test_\(getpid())_\(number)"
        let admin = try await Connection.connect(
            ConnectionConfiguration(conninfo: cluster.conninfo()), logger: Logger(label: "test.admin"))
        let clause = template.map { " TEMPLATE \"\($0)\"" } ?? ""
        do {
            _ = try await admin.query(Query(.unprepared("CREATE DATABASE \(name)\(clause)")))
        } catch {
            await admin.close()
            throw error
        }
        func drop() async throws {
            // The test's own task may be cancelled; the database must go all the same.
            try await Task {
                _ = try await admin.query(Query(.unprepared("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")))
                await admin.close()
            }.value
        }
        let result: R
        do {
            result = try await body(cluster.conninfo(database: name))
        } catch {
            // The body's error is the one to report; the cluster goes when the process does.
            try? await drop()
            throw error
        }
        try await drop()
        return result
    }
}

/// The conninfo of a fresh database, for the length of `body`; see ``SharedCluster/withDatabase(template:_:)``.
public func withDatabase<R: Sendable>(
    template: String? = nil, _ body: (String) async throws -> R
) async throws -> R {
    try await SharedCluster.shared.withDatabase(template: template, body)
}

/// An open connection to a fresh database, for the length of `body`.
public func withConnection<R: Sendable>(
    _ configure: (inout ConnectionConfiguration) -> Void = { _ in },
    _ body: (Connection) async throws -> R
) async throws -> R {
    try await withDatabase { conninfo in
        var configuration = ConnectionConfiguration(conninfo: conninfo)
        configure(&configuration)
        let connection = try await Connection.connect(configuration, logger: Logger(label: "test"))
        let result = try await body(connection)
        await connection.close()
        return result
    }
}

/// Folders for tests below the system's folder for temporary files; all of this process's go when it ends.
public enum TestFolder {
    private static let prefix = "plimsoll-test-"
    private static let processes = Mutex<[pid_t]>([])
    private static let counter = Atomic<Int>(0)
    private static let root: String = {
        let root = "/tmp/\(prefix)\(getpid())"
        mkdir(root, 0o755)
        atexit { TestFolder.cleanUp() }
        return root
    }()

    /// A path, not yet made, that other users may reach.
    public static func make(_ name: String) throws -> URL {
        let number = counter.add(1, ordering: .relaxed).newValue
        return URL(fileURLWithPath: "\(root)/\(name)-\(number)")
    }

    /// Kills a server when this process ends in an orderly way; otherwise the kernel does (PR_SET_PDEATHSIG).
    public static func stopAtExit(_ processID: Int32) { processes.withLock { $0.append(processID) } }

    /// Removes what killed test processes left behind.
    static func sweep() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let owner = pid_t(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
            // Another process may be sweeping the same rubbish.
            try? FileManager.default.removeItem(atPath: "/tmp/" + name)
        }
    }

    private static func cleanUp() {
        for process in processes.withLock({ $0 }) {
            kill(process, SIGQUIT)
            for _ in 0..<500 {
                if kill(process, 0) != 0 { break }
                usleep(10_000)
            }
        }
        // Nothing to report to any more.
        try? FileManager.default.removeItem(atPath: root)
    }
}

/// Runs `condition` until it is true; false after `budget`. For what another process or thread does in its own time.
public func eventually(
    within budget: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + budget
    while try await !condition() {
        if clock.now >= deadline { return false }
        try await Task.sleep(for: .milliseconds(5))
    }
    return true
}

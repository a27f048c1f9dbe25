import FoundationEssentials
import Glibc
import Logging
import Postgres
import TestSupport
import Testing

@testable import PrivateCluster

@Suite struct ClusterTests {
    private func cluster(_ folder: URL, _ settings: [String: String] = [:]) -> PrivateCluster {
        var all = ["fsync": "off", "max_connections": "20", "shared_buffers": "8MB"]
        all.merge(settings) { $1 }
        return PrivateCluster(
            configuration: ClusterConfiguration(directory: folder, settings: all), logger: Logger(label: "test"))
    }

    private func select(_ cluster: PrivateCluster, _ sql: String) async throws -> String {
        let connection = try await Connection.connect(
            ConnectionConfiguration(conninfo: cluster.conninfo()), logger: Logger(label: "test"))
        let rows = try await connection.query(Query(.unprepared(sql)))
        await connection.close()
        return rows.isEmpty ? "" : try rows[0].text(0)
    }

    private func started(_ cluster: PrivateCluster) async throws -> pid_t {
        try await cluster.start()
        let processID = try #require(await cluster.processID)
        TestFolder.stopAtExit(processID)
        return processID
    }

    @Test func anInstallationIsFound() throws {
        #expect(try PrivateCluster.locate().major >= PostgresInstallation.majorMin)
        #expect(throws: ClusterError.self) { try PostgresInstallation.locate(major: 3) }
    }

    @Test(arguments: [
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15), ("postgres (PostgreSQL) 17beta1", 17),
        ("postgres (PostgreSQL) 9.6.24", 9),
    ]) func versionsAreRead(_ text: String, _ major: Int) {
        #expect(PostgresInstallation.major(version: text) == major)
    }

    @Test func itStartsStopsAndKeepsItsData() async throws {
        let folder = try TestFolder.make("cluster")
        let cluster = cluster(folder, ["work_mem": "3MB"])
        let first = try await started(cluster)
        try await cluster.start()
        #expect(await cluster.processID == first)
        #expect(try await select(cluster, "CREATE TABLE kept AS SELECT 'here' AS word") == "")
        #expect(try await select(cluster, "SHOW work_mem") == "3MB")
        #expect(try await select(cluster, "SHOW listen_addresses") == "")
        #expect(try await select(cluster, "SHOW synchronous_commit") == "on")
        try await cluster.stop()
        #expect(await cluster.processID == nil)
        try await cluster.stop()
        _ = try await started(cluster)
        #expect(try await select(cluster, "SELECT word FROM kept") == "here")
        try await cluster.stop(mode: .immediate)
    }

    @Test func onlyItsOwnerCanReachIt() async throws {
        let folder = try TestFolder.make("cluster")
        let cluster = cluster(folder)
        _ = try await started(cluster)
        for path in [folder.path, cluster.host, folder.path + "/data"] {
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o077 == 0)
        }
        try await cluster.stop(mode: .immediate)
    }

    @Test func aSecondOneInTheSameFolderIsRefusedWithTheOwner() async throws {
        let folder = try TestFolder.make("cluster")
        let first = cluster(folder)
        _ = try await started(first)
        let error = await #expect(throws: ClusterError.self) { try await cluster(folder).start() }
        #expect(error?.code == .alreadyRunning)
        #expect(error?.processID == getpid())
        #expect(try await select(first, "SELECT 'alive'") == "alive")
        try await first.stop(mode: .immediate)
    }

    @Test func itRecoversAfterItsServerWasKilled() async throws {
        let folder = try TestFolder.make("cluster")
        let cluster = cluster(folder)
        let processID = try await started(cluster)
        _ = try await select(cluster, "CREATE TABLE kept AS SELECT 'here' AS word")
        kill(processID, SIGKILL)
        let isNoticed = try await eventually { await cluster.processID == nil }
        #expect(isNoticed)
        await #expect(throws: ClusterError.self) { try await self.cluster(folder).start() }
        try await cluster.stop()
        _ = try await started(cluster)
        #expect(try await select(cluster, "SELECT word FROM kept") == "here")
        try await cluster.stop(mode: .immediate)
    }

    @Test func aServerLeftBehindIsReplacedAndAForeignOneIsNot() async throws {
        let folder = try TestFolder.make("cluster")
        let first = cluster(folder)
        _ = try await started(first)
        try await first.stop()

        // A server that this code did not start.
        let user = try ServerUser.current()
        let installation = try PrivateCluster.locate()
        let foreign = try await ChildProcess.start(
            user.wrap(
                [
                    installation.path("postgres"), "-D", folder.path + "/data", "-c", "listen_addresses=",
                    "-c", "unix_socket_directories=\(first.host)",
                ], diesWithUs: true), output: first.logFile)
        TestFolder.stopAtExit(foreign.processID)
        let isUp = try await eventually { Postmaster.pidFile(folder.path + "/data")?.isReady == true }
        #expect(isUp)
        let second = cluster(folder)
        let error = await #expect(throws: ClusterError.self) { try await second.start() }
        #expect(error?.code == .alreadyRunning)
        #expect(error?.processID == foreign.processID)
        #expect(!foreign.hasExited)

        // The same one, recorded as started by an owner that is gone.
        do {
            let ownership = try Ownership(path: folder.path + "/owner")
            ownership.record(server: foreign.processID)
        }
        let third = cluster(folder)
        let processID = try await started(third)
        #expect(processID != foreign.processID)
        #expect(foreign.hasExited)
        #expect(try await select(third, "SELECT 'alive'") == "alive")
        try await third.stop(mode: .immediate)
    }

    @Test func aStaleProcessFileOfAnotherProgramIsRemoved() async throws {
        let folder = try TestFolder.make("cluster")
        let cluster = cluster(folder)
        _ = try await started(cluster)
        try await cluster.stop()
        // This test's own process id: alive, and not a server.
        try "\(getpid())\n\(folder.path)/data\n1\n5432\n".write(
            toFile: folder.path + "/data/postmaster.pid", atomically: false, encoding: .utf8)
        _ = try await started(cluster)
        try await cluster.stop(mode: .immediate)
    }

    @Test func aHalfMadeClusterIsRubbish() async throws {
        let folder = try TestFolder.make("cluster")
        mkdir(folder.path, 0o700)
        mkdir(folder.path + "/data.new-1", 0o700)
        let cluster = cluster(folder)
        _ = try await started(cluster)
        #expect(access(folder.path + "/data.new-1", F_OK) != 0)
        try await cluster.stop(mode: .immediate)
    }

    @Test func aLongPathGetsAShortSocketFolderThatGoesAgain() async throws {
        let folder = try TestFolder.make(String(repeating: "long", count: 30))
        let cluster = cluster(folder)
        #expect(cluster.host.utf8.count <= PrivateCluster.socketDirectoryBytesMax)
        _ = try await started(cluster)
        #expect(try await select(cluster, "SELECT 'alive'") == "alive")
        var status = stat()
        #expect(stat(cluster.host, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
        try await cluster.stop()
        #expect(access(cluster.host, F_OK) != 0)
    }

    @Test func aSettingThatIsWrongIsReportedWithTheServersWords() async throws {
        let folder = try TestFolder.make("cluster")
        let error = await #expect(throws: ClusterError.self) {
            try await cluster(folder, ["no_such_setting": "1"]).start()
        }
        #expect(error?.code == .start)
        #expect(error?.message.contains("no_such_setting") == true)
        let healed = cluster(folder)
        _ = try await started(healed)
        try await healed.stop(mode: .immediate)
    }
}

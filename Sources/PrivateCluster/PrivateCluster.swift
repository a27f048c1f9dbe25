internal import FoundationEssentials
import Glibc
public import Logging

/// A PostgreSQL server of our own, in a folder, reachable through a Unix socket only. `plimsoll up`, the tests and the
/// benchmark run on one.
///
/// **Why `trust` is safe here.** There is no TCP listener, and the socket lies in a folder of mode 0700 that belongs to
/// the user the server runs as: only that user and root can reach it, and both could read the data files anyway.
///
/// When this process dies, by kill -9 too, the kernel tells the server to stop (see ``ServerUser``). Where that is not
/// to be had, the next `start` stops the server that was left behind.
public actor PrivateCluster {
    /// sockaddr_un takes 107 bytes and the socket's own name 15; the rest is margin.
    static let socketDirectoryBytesMax = 90
    /// Longest wait for backends whose server was killed; they notice within moments.
    static let orphanTimeout: Duration = .seconds(10)
    /// Longest wait after SIGQUIT, and again after SIGKILL.
    static let killTimeout: Duration = .seconds(10)
    /// Longest that `initdb` may take.
    static let initdbTimeout: Duration = .seconds(120)

    /// How to stop the server.
    public enum StopMode: Sendable {
        /// Sessions are ended, a checkpoint is written (SIGINT).
        case fast
        /// Like a crash: the next start recovers (SIGQUIT).
        case immediate
    }

    nonisolated let configuration: ClusterConfiguration
    let logger: Logger
    private let installation: PostgresInstallation?
    nonisolated let directory: String
    nonisolated private let socketDirectory: String
    private var ownership: Ownership?
    private var child: ChildProcess?
    private var isBusy = false

    var data: String { directory + "/data" }
    /// The server's log, for people who look for a reason.
    public nonisolated var logFile: String { directory + "/postgres.log" }

    /// Nothing is touched before `start`. `installation` nil: ``locate()`` decides at `start`.
    public init(configuration: ClusterConfiguration, logger: Logger, installation: PostgresInstallation? = nil) {
        self.configuration = configuration
        self.logger = logger
        self.installation = installation
        directory = configuration.directory.standardizedFileURL.path.trimmingSuffix("/")
        socketDirectory = Self.socketDirectory(for: directory)
    }

    /// The installation that `start` would use for a new cluster.
    public static func locate() throws -> PostgresInstallation { try PostgresInstallation.locate() }

    /// The server's process id; nil while it does not run.
    public var processID: Int32? { child.flatMap { $0.hasExited ? nil : $0.processID } }

    /// The folder of the server's socket: libpq's `host`.
    public nonisolated var host: String { socketDirectory }

    /// libpq keywords for a database of this cluster. Good before `start` too.
    public nonisolated func conninfo(database: String = "postgres", user: String? = nil) -> String {
        let user = user ?? configuration.superuser
        return [("host", socketDirectory), ("port", String(configuration.port)), ("user", user), ("dbname", database)]
            .map { "\($0.0)='\(Self.quote($0.1))'" }.joined(separator: " ")
    }

    // MARK: Start

    /// Makes the cluster when there is none, and starts its server; returns when it accepts connections. Does nothing
    /// when it runs already. Throws `.alreadyRunning` when another process has it.
    public func start() async throws {
        guard !isBusy else { throw ClusterError(.alreadyRunning, "start or stop is under way") }
        if processID != nil { return }
        isBusy = true
        defer { isBusy = false }
        do {
            try await startOwned()
        } catch {
            if let child, !child.hasExited {
                child.signal(SIGQUIT)
                _ = await child.wait(for: Self.killTimeout)
                child.signal(SIGKILL)
                _ = await child.wait(for: Self.killTimeout)
            }
            child = nil
            ownership = nil
            throw error
        }
    }

    private func startOwned() async throws {
        let user = try ServerUser.current()
        try makeParents()
        try user.makePrivateDirectory(directory)
        let ownership = try Ownership(path: directory + "/owner")
        self.ownership = ownership
        try await stopLeftOver(ownership)
        ownership.record(server: nil)
        try await checkReachable(user)
        let installation = try self.installation ?? PostgresInstallation.locate(major: existingMajor())
        if existingMajor() == nil { try await initialize(installation, user) }
        if let existing = existingMajor(), existing != installation.major {
            throw ClusterError(
                .versionMismatch, "\(directory) was made by PostgreSQL \(existing), found \(installation.major)")
        }
        try user.makePrivateDirectory(socketDirectory)
        try await launch(installation, user, ownership)
    }

    private func launch(
        _ installation: PostgresInstallation, _ user: ServerUser, _ ownership: Ownership
    ) async throws {
        var settings = ClusterConfiguration.defaultSettings
        settings.merge(configuration.settings) { $1 }
        settings.merge(configuration.fixedSettings(socketDirectory: socketDirectory)) { $1 }
        var command = [installation.path("postgres"), "-D", data]
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { command += ["-c", "\(name)=\(value)"] }
        let child = try await ChildProcess.start(user.wrap(command, diesWithUs: true), output: logFile)
        self.child = child
        ownership.record(server: child.processID)
        let clock = ContinuousClock()
        let deadline = clock.now + configuration.startTimeout
        while Postmaster.pidFile(data)?.isReady != true {
            if child.hasExited {
                throw ClusterError(.start, "PostgreSQL ended with \(child.exitCode ?? -1)\n\(logTail())")
            }
            guard clock.now < deadline else {
                throw ClusterError(.start, "no answer after \(configuration.startTimeout)\n\(logTail())")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        logger.debug("PostgreSQL runs", metadata: ["pid": "\(child.processID)", "directory": "\(directory)"])
    }

    /// `initdb` works in a folder of another name, which is renamed when it is whole: a crash leaves no half cluster.
    private func initialize(_ installation: PostgresInstallation, _ user: ServerUser) async throws {
        let prefix = "data.new-"
        // We hold the ownership, so whatever has that name is rubbish of a crash.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.hasPrefix(prefix) {
            try FileManager.default.removeItem(atPath: directory + "/" + name)
        }
        let target = directory + "/" + prefix + "\(getpid())"
        let output = directory + "/initdb.log"
        unlink(output)
        var command = [
            installation.path("initdb"), "-D", target, "-U", configuration.superuser, "--auth=trust",
            "--encoding=UTF8", "--no-locale", "--data-checksums", "--no-instructions",
        ]
        if configuration.settings["fsync"] == "off" { command.append("--no-sync") }
        let child = try await ChildProcess.start(user.wrap(command), output: output)
        guard await child.wait(for: Self.initdbTimeout) else {
            child.signal(SIGKILL)
            throw ClusterError(.initdb, "initdb took longer than \(Self.initdbTimeout)")
        }
        guard child.exitCode == 0 else {
            throw ClusterError(.initdb, "initdb ended with \(child.exitCode ?? -1)\n\(tail(of: output))")
        }
        guard rename(target, data) == 0 else {
            throw ClusterError(.directory, "\(data) cannot be made: \(String(cString: strerror(errno)))")
        }
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        unlink(output)
    }

    // MARK: Stop

    /// Stops the server and gives the cluster free. Does nothing when it does not run. A server that has not ended
    /// after the configuration's stop timeout is told to stop at once, then killed.
    public func stop(mode: StopMode = .fast) async throws {
        guard !isBusy else { throw ClusterError(.alreadyRunning, "start or stop is under way") }
        guard let child else { return }
        isBusy = true
        defer { isBusy = false }
        var steps: [(Int32, Duration)] = [(SIGQUIT, Self.killTimeout), (SIGKILL, Self.killTimeout)]
        if mode == .fast { steps.insert((SIGINT, configuration.stopTimeout), at: 0) }
        for (number, limit) in steps {
            child.signal(number)
            if await child.wait(for: limit) { break }
            logger.warning("PostgreSQL does not stop", metadata: ["signal": "\(number)"])
        }
        guard child.hasExited else { throw ClusterError(.stop, "process \(child.processID) does not end") }
        self.child = nil
        ownership?.record(server: nil)
        ownership = nil
        if socketDirectory != directory + "/socket" { rmdir(socketDirectory) }
    }

    // MARK: Folders

    private func makeParents() throws {
        let parent = configuration.directory.deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        } catch {
            throw ClusterError(.directory, "\(parent.path) cannot be made", cause: error)
        }
    }

    /// As root: can the other user get into the folder at all? Below /root, for example, it cannot.
    private func checkReachable(_ user: ServerUser) async throws {
        guard user.mustSwitch else { return }
        let probe = try await ChildProcess.start(
            user.wrap(["/usr/bin/test", "-w", directory]), output: "/dev/null")
        guard await probe.wait(for: .seconds(10)), probe.exitCode == 0 else {
            throw ClusterError(
                .directory,
                "PostgreSQL does not run as root, and user \(user.userID) cannot reach \(directory); choose a folder "
                    + "whose parents everyone may enter, or do not run as root")
        }
    }

    private func existingMajor() -> Int? {
        // No such file: no cluster yet.
        guard let text = try? String(contentsOfFile: data + "/PG_VERSION", encoding: .utf8) else { return nil }
        return Int(text.prefix { $0.isNumber })
    }

    private func logTail() -> String { tail(of: logFile) }

    private func tail(of path: String) -> String {
        // The log is only there to explain an error that is thrown anyway.
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return "" }
        return text.split(separator: "\n").suffix(20).joined(separator: "\n")
    }
}

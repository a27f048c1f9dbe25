import Glibc
internal import Logging

extension PrivateCluster {
    /// A server of an earlier, killed owner is stopped; one that we did not start is left alone and refused. Backends
    /// without a server are waited for, since a new server must not share the directory with them.
    func stopLeftOver(_ ownership: Ownership) async throws {
        if let file = Postmaster.pidFile(data) {
            if Postmaster.isServer(file.processID, of: data) {
                guard file.processID == ownership.recordedServer else {
                    throw ClusterError(
                        .alreadyRunning, "PostgreSQL already runs in \(directory) as process \(file.processID)",
                        processID: file.processID)
                }
                logger.warning("stopping the PostgreSQL of an earlier run", metadata: ["pid": "\(file.processID)"])
                kill(file.processID, SIGINT)
                if await !isGone(
                    within: configuration.stopTimeout,
                    { [data] in
                        Postmaster.isServer(file.processID, of: data)
                    })
                {
                    kill(file.processID, SIGQUIT)
                }
            } else {
                // Its process is gone or is another program now; PostgreSQL would refuse to start in the second case.
                unlink(data + "/postmaster.pid")
            }
        }
        if await isGone(within: Self.orphanTimeout, { [data] in !Postmaster.servers(of: data).isEmpty }) { return }
        for orphan in Postmaster.servers(of: data) { kill(orphan, SIGKILL) }
        guard await isGone(within: Self.killTimeout, { [data] in !Postmaster.servers(of: data).isEmpty }) else {
            throw ClusterError(
                .alreadyRunning, "backends of an earlier server do not end",
                processID: Postmaster.servers(of: data).first)
        }
    }

    private func isGone(within limit: Duration, _ isThere: () -> Bool) async -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while isThere() {
            if clock.now >= deadline { return false }
            // A cancelled task must still not start a second server next to the first.
            do { try await Task.sleep(for: .milliseconds(10)) } catch { await Task.yield() }
        }
        return true
    }
}

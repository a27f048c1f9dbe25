import Glibc
import Synchronization

/// A program that runs below us. The thread that starts it also waits for it: so it lives as long as the child does,
/// which PR_SET_PDEATHSIG needs (the signal comes when the starting thread ends, prctl(2)).
final class ChildProcess: Sendable {
    let processID: pid_t
    /// From waitpid; nil while it runs.
    private let status: Mutex<Int32?> = Mutex(nil)

    private init(_ processID: pid_t) { self.processID = processID }

    var hasExited: Bool { status.withLock { $0 != nil } }
    /// 0 to 255, or 128 plus the signal that ended it; nil while it runs.
    var exitCode: Int32? {
        status.withLock { status in
            guard let status else { return nil }
            return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        }
    }

    /// False when the child is gone already.
    @discardableResult
    func signal(_ number: Int32) -> Bool {
        // Under the lock waitpid has not been noted, so the process id cannot be another program's yet.
        status.withLock { $0 == nil && kill(processID, number) == 0 }
    }

    /// True when it ended within `limit`.
    func wait(for limit: Duration) async -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while !hasExited {
            if clock.now >= deadline { return false }
            // Ends early only in a cancelled task; stopping a server must go on then, so yield instead.
            do { try await Task.sleep(for: .milliseconds(5)) } catch { await Task.yield() }
        }
        return true
    }

    /// Starts a program with nothing on standard input and its output appended to a file.
    static func start(_ command: [String], output: String) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { continuation in
            let started = startThread {
                let child: ChildProcess
                do {
                    child = ChildProcess(try spawn(command, output: output))
                } catch {
                    return continuation.resume(throwing: error)
                }
                continuation.resume(returning: child)
                child.reap()
            }
            if !started { continuation.resume(throwing: ClusterError(.spawn, "no thread for \(command[0])")) }
        }
    }

    private func reap() {
        var result: Int32 = 0
        while true {
            let waited = waitpid(processID, &result, WNOHANG)
            if waited == 0 {
                // Wait without taking the status, so that it is taken and noted under one lock.
                var information = siginfo_t()
                _ = waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT)
                let done = status.withLock { status -> Bool in
                    guard waitpid(processID, &result, WNOHANG) != 0 else { return false }
                    status = result
                    return true
                }
                if done { return }
            } else if waited < 0, errno == EINTR {
                continue
            } else {
                status.withLock { $0 = result }
                return
            }
        }
    }

    /// Own process group, so that a terminal's Ctrl-C reaches us alone and the server ends after we have; no blocked
    /// signals; folder `/`, which every user may enter; no PG* variables.
    private static func spawn(_ command: [String], output: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        // The shell only changes the folder, which posix_spawn cannot do portably, and becomes the program.
        let words = ["/bin/sh", "-c", "cd / && exec \"$@\"", "sh"] + command
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let variables: [String] = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "TZ=UTC"]
        let environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { (arguments + environment).forEach { free($0) } }
        var processID = pid_t()
        let status = posix_spawn(&processID, words[0], &actions, &attributes, arguments, environment)
        guard status == 0 else {
            throw ClusterError(.spawn, "\(command[0]) cannot be started: \(String(cString: strerror(status)))")
        }
        return processID
    }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private static func startThread(_ run: @escaping @Sendable () -> Void) -> Bool {
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard status == 0 else {
            body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

import FoundationEssentials
import Glibc
import Synchronization

/// A program of the user's, started by `/bin/sh -c` in a process group of its own, with pipes to its input and output.
/// What it writes to its standard error goes where ours goes.
struct ChildProcess: Sendable {
    let id: pid_t
    /// Our ends of the pipes. Whoever uses them closes them.
    let input: CInt
    let output: CInt

    /// How a process ended.
    enum Ending: Sendable, Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// One at a time: between making a pipe and closing it on exec, no other child may be started, or it would hold the
    /// pipe open.
    private static let starting = Mutex(())

    /// A program that stops reading must be an error of a write, not the end of this process.
    private static let ignoresBrokenPipes: Void = { _ = Glibc.signal(SIGPIPE, SIG_IGN) }()

    /// Throws `CommandFailure` when the system starts nothing.
    static func start(_ command: String) throws -> ChildProcess {
        _ = ignoresBrokenPipes
        return try starting.withLock { _ in try startAlone(command) }
    }

    private static func startAlone(_ command: String) throws -> ChildProcess {
        let toChild = try pipe()
        let fromChild: (read: CInt, write: CInt)
        do {
            fromChild = try pipe()
        } catch {
            close(toChild.read)
            close(toChild.write)
            throw error
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.read, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fromChild.write, STDOUT_FILENO)
        let result = Spawn.shell([command], actions: &actions, ownGroup: true)
        close(toChild.read)
        close(fromChild.write)
        guard case .success(let id) = result else {
            close(toChild.write)
            close(fromChild.read)
            throw CommandFailure(.failed, "the program could not be started: \(result.failureText)")
        }
        return ChildProcess(id: id, input: toChild.write, output: fromChild.read)
    }

    /// Signals the program and everything it started.
    func signal(_ number: Int32) { kill(-id, number) }

    /// Waits for the end of the shell; blocks, so from a thread of its own. Only once.
    func wait() -> Ending {
        var status: CInt = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
    }

    /// Both ends are closed on exec, so that no other child holds them open.
    private static func pipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else {
            throw CommandFailure(.failed, "no pipe to the program: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}

/// `posix_spawn` of a shell.
enum Spawn {
    enum Result {
        case success(pid_t)
        case failure(CInt)

        var failureText: String {
            if case .failure(let code) = self { String(cString: strerror(code)) } else { "" }
        }
    }

    /// Runs `sh -c arguments[0] sh arguments[1]...` with the default reaction to every signal.
    static func shell(
        _ arguments: [String], actions: inout posix_spawn_file_actions_t, ownGroup: Bool
    ) -> Result {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var flags = Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK)
        if ownGroup {
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= Int16(POSIX_SPAWN_SETPGROUP)
        }
        posix_spawnattr_setflags(&attributes, flags)
        let words = ["/bin/sh", "-c", arguments[0], "sh"] + arguments.dropFirst()
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, "/bin/sh", &actions, &attributes, &pointers, environ)
        return code == 0 ? .success(id) : .failure(code)
    }
}

import Foundation
import Glibc
import Synchronization

/// A program on a terminal of its own: a pseudo-terminal of 80x24 whose output is collected.
final class PseudoTerminal: Sendable {
    private let master: CInt
    private let slave: CInt
    private let id: pid_t
    private let seen = Mutex<[UInt8]>([])

    enum Failure: Error { case system(CInt), timeout(String) }

    init(_ arguments: [String], environment: [String: String]) throws {
        var master: CInt = -1
        var slave: CInt = -1
        var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
        var name = [CChar](repeating: 0, count: 256)
        guard openpty(&master, &slave, &name, nil, &size) == 0 else { throw Failure.system(errno) }
        for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The first terminal that the leader of a new session opens becomes its controlling one.
        posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID of glibc, which its headers show to GNU sources only.
        posix_spawnattr_setflags(&attributes, 0x80)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, arguments[0], &actions, &attributes, &words, &variables)
        guard code == 0 else { throw Failure.system(code) }
        (self.master, self.slave, self.id) = (master, slave, id)
        let thread = Thread { [self] in collect() }
        thread.start()
    }

    deinit {
        close(slave)
        close(master)
    }

    /// Whether the terminal is in its usual mode, where lines are edited and keys shown.
    var isCooked: Bool {
        var settings = termios()
        tcgetattr(slave, &settings)
        return settings.c_lflag & tcflag_t(ICANON) != 0 && settings.c_lflag & tcflag_t(ECHO) != 0
    }

    var output: String { seen.withLock { String(decoding: $0, as: UTF8.self) } }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(master, bytes, bytes.count)
    }

    func forget() { seen.withLock { $0.removeAll() } }

    func signal(_ number: CInt) { kill(id, number) }

    /// Waits until `condition` holds, 20 s at most.
    func wait(_ what: String, until condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            guard ContinuousClock.now < end else {
                kill(id, SIGKILL)
                throw Failure.timeout("\(what); seen: \(output.suffix(3_000).debugDescription)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func see(_ text: String) async throws { try await wait("see \(text)") { output.contains(text) } }

    /// The exit status; nil when a signal ended it.
    func ending() async throws -> Int32? {
        let status = Mutex<CInt?>(nil)
        try await wait("end") {
            var number: CInt = 0
            guard waitpid(id, &number, WNOHANG) == id else { return false }
            status.withLock { $0 = number }
            return true
        }
        let number = status.withLock { $0 } ?? 0
        return number & 0x7f == 0 ? (number >> 8) & 0xff : nil
    }

    private func collect() {
        var block = [UInt8](repeating: 0, count: 4096)
        while true {
            var polls = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            guard poll(&polls, 1, 200) >= 0 else { return }
            if polls.revents == 0 {
                // The program is gone when nobody but us knows the terminal any more.
                if kill(id, 0) != 0 { return }
                continue
            }
            let count = read(master, &block, block.count)
            guard count > 0 else { return }
            seen.withLock { $0.append(contentsOf: block[..<count]) }
        }
    }
}

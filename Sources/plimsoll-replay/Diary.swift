import Dispatch
import Foundation
import Glibc
import Synchronization

/// What a worker process saw, line by line: `milliseconds kind engineer task fence text`, milliseconds on the machine's
/// monotonic clock, which all processes share.
///
/// A label counts for its worker only when its line is on the disk (fsync): whoever judges a run after kills reads
/// nothing else. Lines are written in order by one queue, as many at a time as have come.
final class Diary: Sendable {
    private struct State {
        /// Begins on a line of its own, whatever a killed process left behind.
        var lines: [UInt8] = [0x0A]
        var acks = 0
        var isScheduled = false
        var counted = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "plimsoll-replay-diary")

    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ReplayError("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Labels that were acknowledged and are on the disk.
    var counted: Int { state.withLock { $0.counted } }

    func note(_ kind: Kind, _ engineer: String, task: Int64 = 0, fence: Int64 = 0, _ text: String = "") {
        let line = "\(Self.milliseconds()) \(kind.rawValue) \(engineer) \(task) \(fence) \(text)\n"
        let mustSchedule = state.withLock { state in
            state.lines.append(contentsOf: line.utf8)
            if kind == .accepted { state.acks += 1 }
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustSchedule { queue.async { self.write() } }
    }

    /// Returns when everything noted so far is on the disk.
    func flush() { queue.sync { self.write() } }

    private func write() {
        let (lines, acks) = state.withLock { state in
            defer {
                state.lines = []
                state.acks = 0
                state.isScheduled = false
            }
            return (state.lines, state.acks)
        }
        var written = 0
        while written < lines.count {
            let count = lines[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { fatalError("the diary cannot be written: \(String(cString: strerror(errno)))") }
            written += count
        }
        guard acks > 0 else { return }
        guard fsync(descriptor) == 0 else { fatalError("fsync of the diary: \(String(cString: strerror(errno)))") }
        state.withLock { $0.counted += acks }
    }

    private static func milliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }

    enum Kind: String, Sendable {
        case connected, disconnected, granted, lost, declined
        /// An answer became a label.
        case accepted
        /// An answer was settled in another way; the text says how.
        case settled
        /// The text is the reason, then how many recorded answers are neither acknowledged nor in hand, then the keys
        /// of some.
        case idle
        case finished, failed
    }
}

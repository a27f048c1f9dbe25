import Dispatch
import Foundation
import Glibc
import Synchronization

/// A long-lived program that is told lines and writes lines.
final class LineProgram: Sendable {
    enum Output: Sendable {
        case line([UInt8])
        /// The last one.
        case ended(ChildProcess.Ending)
    }

    let output: AsyncStream<Output>
    private let told: AsyncStream<Output>.Continuation
    private let child: ChildProcess
    /// Writes one after the other, off every other thread: a program may read as slowly as it likes. What waits is
    /// bounded by the leases in flight.
    private let writes = DispatchQueue(label: "plimsoll-exec-input")
    private let isInputOpen = Mutex(true)

    init(_ command: String) throws {
        child = try ChildProcess.start(command)
        (output, told) = AsyncStream.makeStream(of: Output.self)
        let reader = Thread { [self] in read() }
        reader.name = "plimsoll-exec-output"
        reader.start()
    }

    func write(_ line: [UInt8]) {
        writes.async { [self] in
            guard isInputOpen.withLock({ $0 }) else { return }
            var written = 0
            while written < line.count {
                let count = line[written...].withUnsafeBytes { Glibc.write(child.input, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                // The program is gone or takes no more; its end says so as well.
                guard count > 0 else { return closeNow() }
                written += count
            }
        }
    }

    /// Tells the program that nothing more will come.
    func closeInput() { writes.async { [self] in closeNow() } }

    /// SIGTERM or SIGKILL to it and all that it started. Only before its end was told.
    func end(_ signal: Int32) { child.signal(signal) }

    private func closeNow() {
        let wasOpen = isInputOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        if wasOpen { close(child.input) }
    }

    private func read() {
        var pending: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(child.output, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            pending.append(contentsOf: block[..<count])
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                told.yield(.line(Array(pending[..<end])))
                pending.removeSubrange(...end)
            }
            // A program without line feeds is broken; it ends as any other that fails.
            if pending.count > TaskDocument.outputBytesMax { child.signal(SIGKILL) }
        }
        close(child.output)
        // It may have closed its output only: without one it is of no use.
        child.signal(SIGTERM)
        let ending = child.wait()
        child.signal(SIGKILL)
        closeInput()
        told.yield(.ended(ending))
        told.finish()
    }
}

// Dispatch does not say on Linux that its sources may be shared between threads; they may.
@preconcurrency import Dispatch
import Foundation
import Glibc

/// SIGTERM, SIGINT, or the end of standard input, which the kernel closes when whoever started us dies.
final class EndWish: Sendable {
    private let sources: [any DispatchSourceSignal]

    init(_ leave: @Sendable @escaping () -> Void) {
        sources = [SIGTERM, SIGINT].map { number in
            // The default would end the process before the source hears of it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { leave() }
            source.activate()
            return source
        }
        // A blocking read must not hold a thread of the pool.
        Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || count < 0 && errno != EINTR { break }
            }
            leave()
        }.start()
    }

    func cancel() { for source in sources { source.cancel() } }
}

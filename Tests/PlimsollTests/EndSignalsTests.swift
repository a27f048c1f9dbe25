import Foundation
import Testing
import UnixSignals

@testable import plimsoll

@Suite struct EndSignalsTests {
    /// Signals that nothing else in a test process uses.
    @Test func `signals can be waited for again and again`() async {
        let signals = await EndSignals([.sigusr1])
        for _ in 0..<3 {
            let isQuiet = await signals.none(within: .milliseconds(20))
            #expect(isQuiet)
            kill(getpid(), SIGUSR1)
            let signal = await signals.next()
            #expect(signal == .sigusr1)
        }
    }

    @Test func `a cancelled wait ends, and the next signal is not lost with it`() async {
        let signals = await EndSignals([.sigusr2])
        let wait = Task { await signals.next() }
        wait.cancel()
        let none = await wait.value
        #expect(none == nil)
        kill(getpid(), SIGUSR2)
        let isQuiet = await signals.none(within: .seconds(30))
        #expect(!isQuiet)
    }
}

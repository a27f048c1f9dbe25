import Testing

@testable import WorkerKit

@Suite("Backoff and addresses")
struct BackoffTests {
    @Test func theCeilingDoublesToTheMaximum() {
        var generator = SplitMix(seed: 1)
        var backoff = Backoff(first: .milliseconds(100), max: .seconds(10))
        var ceilings: [Duration] = []
        for _ in 0..<9 {
            ceilings.append(backoff.ceiling)
            _ = backoff.next(using: &generator)
        }
        #expect(ceilings.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(ceilings.suffix(2) == [.seconds(10), .seconds(10)])
        for _ in 0..<100 { _ = backoff.next(using: &generator) }
        #expect(backoff.ceiling == .seconds(10), "no overflow")
    }

    @Test func jitterIsFull() {
        var generator = SplitMix(seed: 2)
        var waits: [Duration] = []
        for _ in 0..<2_000 {
            var backoff = Backoff(first: .seconds(10), max: .seconds(10))
            waits.append(backoff.next(using: &generator))
        }
        #expect(waits.allSatisfy { (.zero ... .seconds(10)).contains($0) })
        for quarter in 0..<4 {
            let bounds = Duration.seconds(10) * quarter / 4 ..< .seconds(10) * (quarter + 1) / 4
            let share = Double(waits.count(where: bounds.contains)) / 2_000
            #expect((0.2...0.3).contains(share))
        }
    }

    @Test func sameSeedSameWaits() {
        var left = SplitMix(seed: 9)
        var right = SplitMix(seed: 9)
        #expect((0..<10).map { _ in left.next() } == (0..<10).map { _ in right.next() })
    }

    @Test(arguments: [
        ("localhost:7007", "localhost", 7007), ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]:65535", "::1", 65535),
        ("a.example.org:443", "a.example.org", 443),
    ])
    func goodAddressesAreRead(text: String, host: String, port: Int) throws {
        let address = try CoordinatorAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "localhost", "localhost:", ":7007", "localhost:0", "localhost:65536", "::1:7007", "a b:1", "a/b:1",
        "user@host:1", "[::1]", "[]:1", "host:+1x",
    ])
    func badAddressesAreRefused(text: String) {
        #expect(throws: WorkerError.self) { try CoordinatorAddress(text) }
    }

    @Test func configurationsOutOfRangeAreRefused() {
        let identity = Bench.identity
        #expect(throws: WorkerError.self) { try WorkerConfiguration(addresses: [], identity: identity) }
        #expect(throws: WorkerError.self) {
            try WorkerConfiguration(addresses: ["a:1"], identity: identity, inFlight: 0)
        }
        #expect(throws: WorkerError.self) {
            try WorkerConfiguration(addresses: ["a:1"], identity: identity, inFlight: 65)
        }
    }
}

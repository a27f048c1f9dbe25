/// Waits between attempts: exponential with full jitter, so that many workers that lost one coordinator come back
/// spread over time rather than in waves.
struct Backoff: Sendable {
    let first: Duration
    let max: Duration
    /// Attempts since the last success.
    private(set) var attempts = 0

    /// The doublings after which any first wait has passed any maximum in use.
    private static let doublingsMax = 30

    init(first: Duration, max: Duration) {
        self.first = first
        self.max = max
    }

    /// The longest the next wait can be.
    var ceiling: Duration {
        guard attempts < Self.doublingsMax else { return max }
        return min(max, first * (1 << attempts))
    }

    /// The next wait: even between zero and `ceiling`.
    mutating func next(using generator: inout SplitMix) -> Duration {
        let wait = ceiling * Double.random(in: 0...1, using: &generator)
        attempts += 1
        return wait
    }

    mutating func reset() { attempts = 0 }
}

/// A small generator with a seed, so that a run can be repeated (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014). Not for secrets.
struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

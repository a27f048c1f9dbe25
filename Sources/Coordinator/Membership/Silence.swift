/// How long the database has said nothing, as far as this process was awake to hear it (P3).
///
/// A process that was frozen or starved for a while has not been told anything either, and has not been cut off: of the
/// time between two looks no more than ``lookMax`` counts.
struct Silence: Sendable {
    private var heardAt: ContinuousClock.Instant
    private var lookedAt: ContinuousClock.Instant
    private(set) var length = Duration.zero

    /// The most that one look adds.
    static let lookMax = Duration.milliseconds(500)

    init(at now: ContinuousClock.Instant) {
        heardAt = now
        lookedAt = now
    }

    /// `heardAt` is when the latest question was asked that the database has answered.
    mutating func look(at now: ContinuousClock.Instant, heardAt: ContinuousClock.Instant) {
        if heardAt > self.heardAt {
            self.heardAt = heardAt
            length = .zero
        } else {
            length += min(now - lookedAt, Self.lookMax)
        }
        lookedAt = now
    }
}

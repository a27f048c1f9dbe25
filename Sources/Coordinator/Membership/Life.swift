import PlimsollModel
import Synchronization

/// Until when this coordinator is a member without another renewal, by the monotonic clock (P12).
///
/// One value for everyone who asks: health, new streams, grants. So none of them refuses where another says "ready".
final class Life: Sendable {
    private struct State {
        var coordinator = CoordinatorID(0)
        var until: ContinuousClock.Instant?
        var heardAt: ContinuousClock.Instant?
        var isCutOff = false
    }

    private let state = Mutex(State())

    /// Whether this coordinator is surely a member now. Not after a freeze, until it has joined again.
    var isOn: Bool { state.withLock { $0.until.map { ContinuousClock.now < $0 } ?? false } }

    /// Whether nobody has found this coordinator dead: a renewal that is late ends no life yet.
    var isKnown: Bool { state.withLock { $0.until != nil } }

    /// Whether the database has been silent for so long that workers were told to stop. Nothing is begun then.
    var isCutOff: Bool { state.withLock { $0.isCutOff } }

    /// When the latest question was asked that the database has answered; nil: none yet.
    var heardAt: ContinuousClock.Instant? { state.withLock { $0.heardAt } }

    /// `until` is earlier than the end that the database keeps.
    func renew(_ coordinator: CoordinatorID, askedAt: ContinuousClock.Instant, until: ContinuousClock.Instant) {
        state.withLock { $0 = State(coordinator: coordinator, until: until, heardAt: askedAt) }
    }

    /// Until the next renewal.
    func cutOff() { state.withLock { $0.isCutOff = true } }

    /// Taken over, or left. Who noticed late speaks of a life that was, and not of the one that followed it.
    func end(of coordinator: CoordinatorID) {
        state.withLock { if $0.coordinator == coordinator { $0.until = nil } }
    }
}

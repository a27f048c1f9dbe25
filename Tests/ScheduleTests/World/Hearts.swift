import Synchronization

/// Life signs of all connected workers.
final class Hearts: Sendable {
    private struct Box {
        var hands: [WeakHand] = []
        var beating: Task<Void, any Error>?
    }

    private struct WeakHand { weak var hand: Hand? }

    private let box = Mutex(Box())

    func add(_ hand: Hand) { box.withLock { $0.hands.append(WeakHand(hand: hand)) } }

    func start() {
        let beating = Task { [weak self] in
            while true {
                try await Task.sleep(for: .milliseconds(400))
                for hand in self?.open() ?? [] { hand.heartbeat() }
            }
        }
        box.withLock { $0.beating = beating }
    }

    func stop() { box.withLock { $0.beating?.cancel() } }

    /// An answer is overdue: whoever waits stops waiting.
    func giveUp() { for hand in open() { hand.giveUp() } }

    private func open() -> [Hand] {
        box.withLock { box in
            box.hands.removeAll { $0.hand?.isOpen != true }
            return box.hands.compactMap(\.hand)
        }
    }
}

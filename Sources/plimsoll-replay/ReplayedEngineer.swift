import Foundation
import Identity
import PlimsollProtocol
import WorkerKit

/// One engineer: an own certificate, an own connection and stream.
///
/// With recorded answers: answers what that person answered, declines what that person never saw, and is done when
/// the coordinator says that nothing is left and all is answered. Without: answers everything with the engineer's name
/// and the lease's numbers, so that each grant's answer is another one.
struct ReplayedEngineer: Sendable {
    let name: String
    private let recorded: [String: String]?
    private let session: WorkSession
    private let diary: Diary
    private let pacer: Pacer?

    init(
        name: String, recorded: [String: String]?, configuration: WorkerConfiguration, diary: Diary, pacer: Pacer?
    ) {
        self.name = name
        self.recorded = recorded
        self.diary = diary
        self.pacer = pacer
        session = WorkSession(configuration)
    }

    func leave() { session.leave() }

    /// True when it ended in order.
    func run() async -> Bool {
        let session = session
        let running = Task { try await session.run() }
        var hand = Hand()
        for await event in session.events { take(event, &hand) }
        do {
            try await running.value
        } catch {
            diary.note(.failed, name, "\(error)")
            return false
        }
        diary.note(.finished, name, "\(hand.accepted.count)")
        return true
    }

    /// How many of the keys that are not answered yet an idle's line names.
    private static let missingShown = 5

    /// What the engineer holds and has done.
    private struct Hand {
        /// Leases and answers without a reply: a lease may be lost while its answer is under way.
        var held: [LeaseKey: String] = [:]
        var accepted: Set<String> = []
    }

    private func take(_ event: WorkEvent, _ hand: inout Hand) {
        switch event {
        case .connected(_, let coordinator): diary.note(.connected, name, coordinator)
        case .disconnected(let error, _): diary.note(.disconnected, name, error.message)
        case .leased(let task):
            hand.held[task.lease] = task.key
            diary.note(.granted, name, task: task.lease.task, fence: task.lease.fence, task.key)
            answer(task)
        case .lost(let lease, let reason, _):
            if let key = hand.held[lease], recorded?[key] == nil { hand.held[lease] = nil }
            diary.note(.lost, name, task: lease.task, fence: lease.fence, "\(reason)")
        case .changed(let lease, let state, let message):
            guard state != .held, state != .unchanged else { break }
            hand.held[lease] = nil
            diary.note(.declined, name, task: lease.task, fence: lease.fence, "\(state) \(message)")
        case .settled(let lease, let settlement):
            let key = hand.held.removeValue(forKey: lease) ?? ""
            if settlement.outcome == .accepted {
                hand.accepted.insert(key)
                diary.note(.accepted, name, task: lease.task, fence: lease.fence, key)
            } else {
                let text = "\(settlement.outcome) \(key) \(settlement.message)"
                diary.note(.settled, name, task: lease.task, fence: lease.fence, text)
            }
        case .idle(let idle): idled(idle, hand)
        default: break
        }
    }

    private func answer(_ task: WorkTask) {
        guard let recorded else {
            let bytes = Array("\"\(name)-\(task.lease.task)-\(task.lease.fence)\"".utf8)
            if let pacer { pacer.add(session, task.lease, bytes) } else { session.answer(task.lease, bytes) }
            return
        }
        guard let answer = recorded[task.key] else { return session.ask(.decline(.unspecified), for: task.lease) }
        session.answer(task.lease, Array(answer.utf8))
    }

    private func idled(_ idle: Plimsoll_V1_Idle, _ hand: Hand) {
        guard let recorded else {
            return diary.note(.idle, name, "\(idle.reason) 0 \(idle.refusal.rule)")
        }
        let inHand = Set(hand.held.values)
        let missing = recorded.keys.filter { !hand.accepted.contains($0) && !inHand.contains($0) }
        let some = missing.sorted().prefix(Self.missingShown).joined(separator: " ")
        diary.note(.idle, name, "\(idle.reason) \(missing.count) \(some)")
        if idle.reason == .nothingLeft, hand.accepted.count == recorded.count { session.leave() }
    }
}

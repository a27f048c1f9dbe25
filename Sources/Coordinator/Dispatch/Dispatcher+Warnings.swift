import Ledger
import PlimsollModel

/// A word before a limit ends an open lease, so that nobody is cut off in the middle of a thought.
extension Dispatcher {
    static let warnBefore = Duration.minutes(5)

    /// Of a lease that a limit parks at its deadline.
    func warnAhead(_ fence: Fence, _ task: TaskID, of person: PersonID, deadline: Moment) {
        warnings.insert(DeadlineQueue.Entry(at: deadline - Self.warnBefore, fence: fence, task: task, person: person))
    }

    /// Once for each limit: several leases end at the same, and small gaps move it on a little.
    func warnOfLimits(at now: Moment) {
        for due in warnings.popDue(at: now) {
            guard let stream = vouched[due.fence] else { continue }
            let limit = due.at + Self.warnBefore
            // Extended meanwhile.
            if let held = people[due.person]?.held[due.fence], held.stored.deadline != limit { continue }
            if let last = warned[due.person], limit < last + Self.warnBefore { continue }
            warned[due.person] = limit
            let left = DurationText.readable(max(.seconds(1), limit - now))
            send(stream) {
                $0.notifications.append(
                    Notification(
                        kind: .breakAhead,
                        message: "in \(left) you come to a limit; what is open then is parked for you"))
            }
        }
    }
}

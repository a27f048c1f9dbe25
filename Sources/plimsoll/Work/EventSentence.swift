import PlimsollModel
import PlimsollProtocol
import WorkerKit

/// What a person at a terminal or in a log reads about a session. No task's content, no person's name.
enum EventSentence {
    /// Nil for what is no news.
    static func of(_ event: WorkEvent) -> String? {
        switch event {
        case .connecting, .leased, .deadline: nil
        case .changed(let key, .parked, let message):
            "task \(key.task) is parked and comes back to you" + (message.isEmpty ? "" : ": \(Harmless.line(message))")
        case .changed: nil
        case .connected(let address, let coordinator): "connected to \(Harmless.line(coordinator)) at \(address)"
        case .disconnected(let error, let wait):
            "no connection: \(Harmless.line(error.message)); trying again in \(seconds(wait))"
        case .settled(let key, let settlement): settled(key, settlement)
        case .lost(let key, let reason, let message):
            "task \(key.task) is gone: \(self.reason(reason))" + (message.isEmpty ? "" : " (\(Harmless.line(message)))")
        case .idle(let idle): "nothing to do: \(self.idle(idle))"
        case .notification(let notification): Harmless.line(notification.message)
        case .renewed: "the certificate was renewed"
        case .renewalFailed(let error): "the certificate could not be renewed yet: \(Harmless.line(error.message))"
        case .leaving: "leaving: no more tasks are taken"
        }
    }

    static func idle(_ idle: Plimsoll_V1_Idle) -> String {
        let ask = ", asking again in \(seconds(.milliseconds(Int64(idle.askAgainMilliseconds))))"
        if idle.hasRefusal {
            let refusal = idle.refusal
            // A plain yes or no has no figures.
            let figures = [refusal.value, refusal.limit].filter { !$0.isEmpty }.joined(separator: " of ")
            let words =
                refusal.sentence.isEmpty
                ? refusal.rule + (figures.isEmpty ? "" : " (\(figures))") : refusal.sentence
            let back = comesBack(after: refusal).map { "; work may come again in \($0)" } ?? ""
            return "\(Harmless.line(words)) [\(Harmless.line(refusal.rule))]\(back)\(ask)"
        }
        return reason(idle.reason) + ask
    }

    /// How long a refusal still holds, `later` after it came; never shorter than it does. Nil where no moment is known
    /// from which it would be different, or that is over.
    ///
    /// `clock` is the deployment's at that instant, in the person's zone: then the moment is named too, as `me why` names
    /// it. Nil: nobody has told it; the work stream carries durations only (P8).
    static func comesBack(
        after refusal: Plimsoll_V1_Refusal, later: Duration = .zero, clock: WallClock? = nil
    ) -> String? {
        let left = Duration.milliseconds(Int64(clamping: refusal.untilMilliseconds)) - later
        guard left > .zero else { return nil }
        let isNear = left < .seconds(119)
        let step: Duration = isNear ? .seconds(1) : .seconds(60)
        let up = left + step - .milliseconds(1)
        // The first lease that ends makes room, and the moment is that lease's deadline.
        let bound = refusal.rule == Rule.openLeases.rawValue ? " at the latest" : ""
        guard !isNear, let clock, let zone = clock.zoneName else { return DurationText.readable(up) + bound }
        let seconds = UInt64(clamping: (up - onTheWay).components.seconds)
        return "\(clock.wait(seconds))\(bound), \(zone) time"
    }

    /// What the messages took here: 07:00 must not become 07:01 for it.
    private static let onTheWay = Duration.seconds(1)

    static func reason(_ reason: Plimsoll_V1_IdleReason) -> String {
        switch reason {
        case .nothingLeft: "there is nothing left for you"
        case .allInOtherHands: "all tasks are in other hands"
        case .paused: "the project is paused"
        case .notEligible: "you cannot take tasks now"
        case .limitTooNear: "a limit is too near for another task"
        case .break: "it is time for a break"
        case .notReady: "the coordinator cannot decide now"
        case .readOnly: "the deployment is in read-only mode: nothing new comes, what you hold you can finish"
        case .unspecified, .UNRECOGNIZED: "no task now"
        }
    }

    static func reason(_ reason: Plimsoll_V1_RevokeReason) -> String {
        switch reason {
        case .deadline: "its deadline has passed"
        case .withdrawn: "an agreement it needs was withdrawn"
        case .denied: "access was ended"
        case .projectClosed: "the project was closed"
        case .notYours: "it went to somebody else"
        case .role: "the role is not granted any more"
        case .unspecified, .UNRECOGNIZED: "the coordinator took it back"
        }
    }

    static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        return milliseconds < 1000 ? "\(milliseconds) ms" : "\((milliseconds + 500) / 1000) s"
    }

    private static func settled(_ key: LeaseKey, _ settlement: Plimsoll_V1_Settlement) -> String? {
        let what: String
        switch settlement.outcome {
        case .accepted: return nil
        case .keptLate: what = "came after its lease; kept for a human"
        case .alreadyAnswered: what = "had another answer before; kept for a human"
        case .refusedSchema:
            let problems = settlement.problems.map { "\($0.pointer.isEmpty ? "/" : $0.pointer) \($0.message)" }
            what = "is not valid: " + problems.joined(separator: "; ")
        case .refusedAgreement: what = "was refused: an agreement it needs is not given; it was not stored"
        case .refusedDenied: what = "was refused: access was ended"
        case .unknownLease: what = "was refused: there was no such lease"
        case .tryAgain, .unspecified, .UNRECOGNIZED: return nil
        }
        let words = settlement.message.isEmpty ? "" : " (\(settlement.message))"
        return Harmless.line("the answer to task \(key.task) \(what)\(words)")
    }
}

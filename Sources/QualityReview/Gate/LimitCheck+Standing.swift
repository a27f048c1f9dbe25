import PlimsollModel

/// Whether the person may work in this project at all.
extension LimitCheck {
    static let denied = LimitCheck(rule: .denied) { question in
        question.person.denied ? .refuses(Refusal(rule: .denied, value: "", limit: "")) : .clear
    }

    static let notEnrolled = LimitCheck(rule: .notEnrolled) { question in
        question.person.enrolled.contains(question.lane.project)
            ? .clear : .refuses(Refusal(rule: .notEnrolled, value: "", limit: ""))
    }

    static let paused = LimitCheck(rule: .paused) { question in
        question.lane.paused ? .refuses(Refusal(rule: .paused, value: "", limit: "")) : .clear
    }

    /// P2: where it cannot be told what day it is for somebody, no limit can be looked at.
    static let knownZone = LimitCheck(rule: .dayTime) { question in
        question.zones.isEmpty
            ? .refuses(Refusal(rule: .dayTime, value: Refusal.unknownZone, limit: "", scope: question.person.zone))
            : .clear
    }
}

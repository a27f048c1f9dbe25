import PlimsollModel

/// Whether the person may work in this project at all.
extension LimitCheck {
    static let denied = LimitCheck(rule: .denied) { person, _, _, _ in
        person.denied ? .refuses(Refusal(rule: .denied, value: "", limit: "")) : .clear
    }

    static let notEnrolled = LimitCheck(rule: .notEnrolled) { person, lane, _, _ in
        person.enrolled.contains(lane.project)
            ? .clear : .refuses(Refusal(rule: .notEnrolled, value: "", limit: ""))
    }

    static let paused = LimitCheck(rule: .paused) { _, lane, _, _ in
        lane.paused ? .refuses(Refusal(rule: .paused, value: "", limit: "")) : .clear
    }
}

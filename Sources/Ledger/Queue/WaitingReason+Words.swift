/// What people read, each with what to do about it.
extension WaitingReason {
    static func quarantined(_ slots: Int64, of project: String) -> WaitingReason {
        WaitingReason(
            .quarantined,
            "\(slots) \(slots == 1 ? "slot is" : "slots are") in quarantine: "
                + "handed out in vain too often",
            "plimsoll task list --project \(project) --state quarantined, then plimsoll task requeue or task cancel")
    }

    static func paused(_ project: String) -> WaitingReason {
        WaitingReason(.paused, "the project is paused", "plimsoll project resume \(project)")
    }

    static let closed = WaitingReason(.closed, "the project is closed", "nothing: closing is for good")

    /// With why it is on; empty: nobody has said why.
    static func readOnly(_ reason: String) -> WaitingReason {
        WaitingReason(
            .readOnly, "the deployment is in read-only mode\(reason.isEmpty ? "" : ": \(reason)")",
            "plimsoll deployment read-only off --reason WHY; plimsoll deployment show says who switched it on")
    }

    static let noCoordinator = WaitingReason(
        .noCoordinator, "no coordinator is running", "plimsoll serve, or plimsoll up")

    static func noNotice(_ purposes: [String]) -> WaitingReason {
        WaitingReason(
            .noNotice, "no notice is in force for: \(purposes.joined(separator: ", "))",
            "plimsoll notice publish: without a notice nobody can agree")
    }

    static func nobodyEnrolled(_ project: String) -> WaitingReason {
        WaitingReason(.nobodyEnrolled, "nobody is enrolled", "plimsoll engineer enrol NAME --project \(project)")
    }

    static func tooLong(_ tasks: TooLong) -> WaitingReason {
        WaitingReason(.tooLong, tasks.sentence, TooLong.remedy)
    }

    /// P9: of few people it is not said whether anyone is connected.
    static let fewAvailable = WaitingReason(
        .fewAvailable, "few people are available, too few to say more of them",
        "let them run plimsoll work, or enrol more who agree")

    static let nobodyConnected = WaitingReason(
        .nobodyConnected, "people are available and none of them is connected", "let them run plimsoll work")

    static let allLeased = WaitingReason(
        .allLeased, "those at work have their hands full; what waits goes out as they finish",
        "wait, or let more people run plimsoll work; plimsoll queue leases shows what is in hand")

    /// P9: how many are not available, and why, is nobody's business; whatever the cause, these are the words.
    static let nobodyAvailable = WaitingReason(
        .nobodyAvailable, "nobody who is enrolled is connected and available for what waits",
        "wait, let others run plimsoll work, enrol others, or look at the limits: plimsoll policy show")

    static let beingHandedOut = WaitingReason(
        .beingHandedOut, "people are connected and available; what waits goes out as they ask for it",
        "nothing; where it takes too long, let more people run plimsoll work")
}

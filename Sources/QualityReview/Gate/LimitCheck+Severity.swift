import PlimsollModel

/// Limits on harder material.
extension LimitCheck {
    /// A limit of zero means never and needs no worked time to decide; other limits join with the intervals.
    static let severityDay = LimitCheck(rule: .severityDay) { _, lane, limits, _ in
        guard let limit = limits.severityDay(lane.severity), limit <= .zero else { return .clear }
        return .refuses(
            Refusal(
                rule: .severityDay, value: "0s", limit: DurationText.format(limit), scope: "severity \(lane.severity)"))
    }
}

public import PlimsollModel

extension ChainKind {
    /// Whose act an event is, and so who sees it (P9).
    public enum Privacy: Sendable, Hashable, CaseIterable {
        /// Done for the deployment: operators see all of it.
        case shared
        /// What a person did for themselves. Others see that there is an event, its number, its place in the chain and
        /// its date, and neither what it was nor whose nor at what time.
        case personal
        /// Personal where the one who acted is the one it is about, which the detail alone tells.
        case personalByOneself
    }

    /// The one list. A new kind does not compile before it is in here.
    public var privacy: Privacy {
        switch self {
        case .consentGiven, .consentRefused, .consentWithdrawn, .concernRaised, .raiseAsked, .timeAdded,
            .timeRemovalAsked, .timeRemovalWithdrawn, .hoursDeclared, .zoneChanged:
            .personal
        case .engineerLeft, .limitsSet, .limitsCleared, .raiseEnded:
            .personalByOneself
        case .noticePublished, .policyApplied, .policyPlanned, .certificateIssued, .denied, .roleGranted, .roleRevoked,
            .engineerEnrolled, .engineerMoved, .teamCreated, .teamSet, .limitsShown, .raiseAgreed, .concernAnswered,
            .cordPaused, .projectCreated, .projectSet, .projectState, .tasksImported, .importCancelled, .taskCancelled,
            .taskRequeued, .labelsExportBegun, .labelsExported, .lateAnswerJudged, .peopleRead, .chainRead,
            .timeRemovalAgreed, .timeRemovalRefused, .throughputShown, .personErased, .readOnly:
            .shared
        }
    }

    static let alwaysPersonal = allCases.filter { $0.privacy == .personal }.map(\.rawValue)

    /// Whether somebody who asks for `filter` means this kind: its name, or its beginning with a point and a star.
    func isMeant(by filter: String) -> Bool {
        filter.hasSuffix(".*") ? rawValue.hasPrefix(filter.dropLast()) : rawValue == filter
    }
}

extension ChainedEvent {
    /// Whether others see no more of it than ``ChainKind/Privacy/personal`` says. `detail` nil: erased. Whatever cannot
    /// be told is personal.
    public func isPersonal(_ detail: ChainDetail?) -> Bool {
        switch ChainKind(rawValue: kind)?.privacy {
        case .shared: return false
        case .personal, nil: return true
        case .personalByOneself:
            guard let detail, let object = try? JSONValue.parse(detail.text) else { return true }
            // A person's own limits are set by that person alone.
            return object["scope"]?.stringValue == "person" || object["person"]?.stringValue == detail.actor
        }
    }
}

import PlimsollProtocol

/// What is on the screen instead of the task, which waits behind it untouched.
enum ScreenPage: Sendable {
    /// Lines that somebody else knows.
    enum Fetched: Sendable, Equatable {
        case asked
        case failed(String)
        case lines([LoadText.Line])
    }

    case help
    /// Of the task in hand what the screen knows itself, then why work comes or does not.
    case why(Fetched)
    case load(Fetched)
    case agreements(AgreementPage)
    case own(OwnPage)

    var isAboutAgreements: Bool { if case .agreements = self { true } else { false } }
}

/// Which agreement the person takes back: a digit chooses, one more key says yes.
struct AgreementPage: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case asked
        case failed(String)
        case choosing
        case confirming(Agreed)
    }

    /// An agreement in force.
    struct Agreed: Sendable, Equatable {
        let purpose: String
        /// The person's projects that need it.
        let projects: [String]
    }

    /// One digit each.
    static let shownMax = 9

    var agreed: [Agreed] = []
    var step = Step.asked

    init() {}

    /// Those that a withdrawal would change.
    init(_ notices: [Plimsoll_V1_NoticeAgreement]) {
        var seen: Set<String> = []
        agreed = notices.filter { ["given", "renewed"].contains($0.state) && seen.insert($0.notice.purpose).inserted }
            .map { Agreed(purpose: $0.notice.purpose, projects: $0.projects) }
        step = .choosing
    }
}

/// A withdrawal that was said and has no receipt yet.
struct PendingWithdrawal: Sendable, Equatable {
    let agreed: AgreementPage.Agreed
    /// How it stands.
    var words = "not yet recorded: it is being sent"
}

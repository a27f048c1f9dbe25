/// What a supervisor may ask that publishes counts, times or words of people: the one list.
///
/// The tests of the coordinator read every one of these and hold their cells against each other (`Look.read`); a test of
/// the gateway sees to it that no method is open to a supervisor that is neither here nor in `withoutCells`.
public enum SupervisorView: String, Sendable, CaseIterable {
    case queueStatus = "Control/QueueStatus"
    case leases = "Control/ListLeases"
    case tasks = "Control/ListTasks"
    case engineers = "Control/ListEngineers"
    case doctor = "Control/Diagnose"
    case teams = "Organisation/ListTeams"
    case team = "Organisation/ShowTeam"
    case throughput = "Hours/ShowEngineerThroughput"
    case digest = "Concerns/WeeklyDigest"
    case cords = "Concerns/ListCords"
    case deployment = "Deployment/ShowDeployment"

    /// `Service/Method` of `plimsoll.v1`.
    public var method: String { rawValue }

    /// What else is open to a supervisor, each with the reason why it has no cells.
    public static let withoutCells: [String: String] = [
        "WorkQueue/RenewCertificate": "the caller's own certificate",
        "Control/ListProjects": "what operators set, and nothing that people did",
        "Control/ListNotices": "texts, the same for everybody",
        "Control/ShowPolicy": "a document, the same for everybody",
        "Organisation/SetLimitLayer": "writes, and answers with what was asked",
        "Organisation/ShowLimitLayer": "what supervisors and operators set for a whole team or project",
        "Organisation/ShowEffectiveLimits": "policy, team and project, and nothing of the person",
        "Organisation/ListRaises": "what engineers themselves ask of the supervisor who answers for them",
        "Organisation/AgreeRaise": "writes, and answers with a raise as ListRaises has it",
        "Organisation/EndRaise": "writes, and answers with a raise as ListRaises has it",
        "Concerns/RaiseConcern": "writes the caller's own",
        "Concerns/ListConcerns": "what was said to the caller, by those who said it",
        "Concerns/AnswerConcern": "writes, and answers nothing",
        "Concerns/ShowConcern": "the concern of whoever has its token",
        "Concerns/ResumeCord": "writes, and answers nothing",
        "Person/ShowData": "about the caller alone",
        "Person/ListAnswers": "about the caller alone",
        "Person/ListAccess": "about the caller alone",
        "Hours/ListAskedCorrections": "what engineers themselves ask of the supervisor who answers for them",
        "Hours/AnswerCorrection": "writes, and answers with a correction as ListAskedCorrections has it",
    ]
}

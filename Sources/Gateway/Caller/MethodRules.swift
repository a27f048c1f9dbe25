import GRPCCore
import Identity
import PlimsollProtocol

/// Who may call what. A method that is not in this table is refused, whoever asks.
enum MethodRules {
    enum Admission: Sendable, Equatable {
        /// These roles, each granted to the caller and not denied.
        case granted(Set<Role>)
        /// A known person by a certificate of one of these paths that is not denied itself. That the role was taken
        /// away or the person is denied changes nothing: taking back an agreement needs nobody's leave, and what is
        /// held of a person stays that person's.
        case subject(Set<Role>)
        /// Anybody with a certificate of the deployment. Asked of no database, so that it answers while that is away.
        case certified
    }

    /// How calls are counted against the limit of a person.
    enum Share: Sendable, Hashable {
        case usual
        /// Saying no: counted apart, shed last.
        case refusal
    }

    struct Rule: Sendable, Equatable {
        var admission: Admission
        var share = Share.usual

        static func granted(_ roles: Role..., share: Share = .usual) -> Rule {
            Rule(admission: .granted(Set(roles)), share: share)
        }
        static func subject(_ roles: Role..., share: Share = .usual) -> Rule {
            Rule(admission: .subject(Set(roles)), share: share)
        }
        static let anyRole = Rule(admission: .granted([.engineer, .supervisor, .reviewer, .operator]))
        static let anySubject = Rule(admission: .subject([.engineer, .supervisor, .reviewer, .operator]))
        static let certified = Rule(admission: .certified)
    }

    /// The rule for a method; nil for one that nobody may call.
    static func rule(for method: MethodDescriptor) -> Rule? {
        table[method.service.fullyQualifiedService]?[method.method]
    }

    private static let table: [String: [String: Rule]] = [
        Plimsoll_V1_WorkQueue.descriptor.fullyQualifiedService: work,
        Plimsoll_V1_Control.descriptor.fullyQualifiedService: control,
        Plimsoll_V1_Audit.descriptor.fullyQualifiedService: [
            "StreamChain": .granted(.operator), "ListEvents": .granted(.operator),
        ],
        Plimsoll_V1_Receipts.descriptor.fullyQualifiedService: [
            "ListReceipts": .subject(.engineer), "GetReceipt": .subject(.engineer),
        ],
        Plimsoll_V1_Organisation.descriptor.fullyQualifiedService: organisation,
        Plimsoll_V1_Concerns.descriptor.fullyQualifiedService: concerns,
        Plimsoll_V1_Exports.descriptor.fullyQualifiedService: exports,
        Plimsoll_V1_Deployment.descriptor.fullyQualifiedService: deployment,
        Plimsoll_V1_Person.descriptor.fullyQualifiedService: person,
        Plimsoll_V1_Hours.descriptor.fullyQualifiedService: hours,
        Grpc_Health_V1_Health.descriptor.fullyQualifiedService: ["Check": .certified, "Watch": .certified],
        "grpc.reflection.v1.ServerReflection": ["ServerReflectionInfo": .anyRole],
    ]

    private static let work: [String: Rule] = [
        "Work": .granted(.engineer),
        "ListAgreements": .subject(.engineer),
        "GiveAgreement": .granted(.engineer),
        "RefuseAgreement": .subject(.engineer, share: .refusal),
        "WithdrawAgreement": .subject(.engineer, share: .refusal),
        "RenewCertificate": .anyRole,
        "ShowMe": .granted(.engineer),
    ]

    private static let exports: [String: Rule] = [
        "ListSuperseded": .granted(.operator, .reviewer),
        "ListDropped": .granted(.operator, .reviewer),
    ]

    private static let deployment: [String: Rule] = [
        "SetReadOnly": .granted(.operator),
        "ShowDeployment": .anyRole,
    ]

    private static let person: [String: Rule] = [
        // About the caller alone, whatever they act as.
        "ShowData": .anySubject,
        "ListAnswers": .anySubject,
        "ListAccess": .anySubject,
        "Explain": .granted(.engineer),
        "Erase": .subject(.engineer, share: .refusal),
    ]

    /// About the caller alone, but for the second party's and a supervisor's, where the service sees to whose. What
    /// only protects is counted as saying no is.
    private static let hours: [String: Rule] = [
        "AddHours": .granted(.engineer, share: .refusal),
        "RemoveHours": .granted(.engineer),
        "WithdrawCorrection": .granted(.engineer, share: .refusal),
        "ListCorrections": .granted(.engineer),
        "DeclareHours": .granted(.engineer, share: .refusal),
        "SetZone": .granted(.engineer),
        "ShowThroughput": .granted(.engineer),
        "ListAskedCorrections": .granted(.operator, .supervisor),
        "AnswerCorrection": .granted(.operator, .supervisor),
        "ShowEngineerThroughput": .granted(.operator, .supervisor),
    ]

    private static let control: [String: Rule] = [
        "CreateProject": .granted(.operator),
        "SetProject": .granted(.operator),
        "ListProjects": .granted(.operator, .supervisor, .reviewer),
        "SetProjectState": .granted(.operator),
        "EnrolEngineer": .granted(.operator),
        "ListEngineers": .granted(.operator, .supervisor),
        "GrantRole": .granted(.operator),
        "RevokeRole": .granted(.operator),
        "ListRoles": .granted(.operator),
        "PublishNotice": .granted(.operator),
        "ListNotices": .anyRole,
        "IssueCertificate": .granted(.operator),
        "ListCertificates": .granted(.operator),
        "DenyCertificate": .granted(.operator),
        "ImportTasks": .granted(.operator),
        "CancelImport": .granted(.operator),
        "ListTasks": .granted(.operator, .supervisor),
        "RequeueTask": .granted(.operator),
        "ExportLabels": .granted(.operator, .reviewer),
        "ListLateAnswers": .granted(.operator, .reviewer),
        "JudgeLateAnswer": .granted(.operator, .reviewer),
        "QueueStatus": .granted(.supervisor, .operator),
        "ListLeases": .granted(.supervisor, .operator),
        "ApplyPolicy": .granted(.operator),
        "ShowPolicy": .anyRole,
        "Diagnose": .granted(.operator, .supervisor),
    ]

    private static let organisation: [String: Rule] = [
        "EnrolEngineers": .granted(.operator),
        "MoveEngineer": .granted(.operator),
        // For engineers their own alone, which the service sees to.
        "LeaveProject": .granted(.engineer, .operator, share: .refusal),
        "ListSelections": .granted(.engineer),
        "CreateTeam": .granted(.operator),
        "SetTeam": .granted(.operator),
        "ListTeams": .granted(.operator, .supervisor),
        "ShowTeam": .granted(.operator, .supervisor),
        "SetLimitLayer": .granted(.operator, .supervisor),
        "ShowLimitLayer": .granted(.operator, .supervisor),
        "SetMyLimits": .granted(.engineer, share: .refusal),
        "ShowMyLimits": .granted(.engineer),
        "AskRaise": .granted(.engineer),
        "AgreeRaise": .granted(.operator, .supervisor),
        "EndRaise": .granted(.engineer, .operator, .supervisor, share: .refusal),
        "ListRaises": .granted(.engineer, .operator, .supervisor),
        "ShowEffectiveLimits": .granted(.engineer, .operator, .supervisor),
        "RollBackPolicy": .granted(.operator),
        "PlanPolicy": .granted(.operator),
    ]

    /// Raising and the cord are saying no: counted apart, shed last. Who is shut out may still be heard.
    private static let concerns: [String: Rule] = [
        "RaiseConcern": .subject(.engineer, .supervisor, .reviewer, .operator, share: .refusal),
        "ListConcerns": .anyRole,
        "AnswerConcern": .anyRole,
        "ShowConcern": .subject(.engineer, .supervisor, .reviewer, .operator, share: .refusal),
        "PullCord": .granted(.engineer, share: .refusal),
        "ListCords": .anyRole,
        "ResumeCord": .anyRole,
        "WeeklyDigest": .anyRole,
    ]
}

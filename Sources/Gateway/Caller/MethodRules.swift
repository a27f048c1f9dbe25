import GRPCCore
import Identity
import PlimsollProtocol

/// Who may call what. A method that is not in this table is refused, whoever asks.
enum MethodRules {
    enum Admission: Sendable, Equatable {
        /// These roles, each granted to the caller and not denied.
        case granted(Set<Role>)
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
        static let anyRole = Rule(admission: .granted([.engineer, .supervisor, .reviewer, .operator]))
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
            "ListReceipts": .granted(.engineer), "GetReceipt": .granted(.engineer),
        ],
        Grpc_Health_V1_Health.descriptor.fullyQualifiedService: ["Check": .certified, "Watch": .certified],
        "grpc.reflection.v1.ServerReflection": ["ServerReflectionInfo": .anyRole],
    ]

    private static let work: [String: Rule] = [
        "Work": .granted(.engineer),
        "ListAgreements": .granted(.engineer),
        "GiveAgreement": .granted(.engineer),
        "RefuseAgreement": .granted(.engineer, share: .refusal),
        "WithdrawAgreement": .granted(.engineer, share: .refusal),
        "RenewCertificate": .granted(.engineer),
        "ShowMe": .granted(.engineer),
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
}

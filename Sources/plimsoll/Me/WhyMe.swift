import ArgumentParser
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct WhyMe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Why work comes to you or does not, and why what you have is yours.",
        discussion: """
            Now: asked of the very gate that decides, for each of your projects, with rule, value, limit and when it \
            ends; where nothing stands in the way, which limit would be next. Then what was refused lately, each task \
            in your hands with the load and the agreements that it stands on, and why you were chosen for the project. \
            Nobody else can ask for this.

            Refusals are kept 7 days, one whenever the deciding rule changes, and of you as a whole, so --project does \
            not narrow them.
            """)

    @Option(help: "Only of this project.")
    var project: String?
    @Option(help: ArgumentHelp("Refusals of so long ago at most.", valueName: "duration"))
    var since = "7d"
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let back = DurationText.parse(since), back > .zero else {
            throw CommandFailure(.wrongUse, "--since \(since) is no duration", next: "write 30m, 12h or 7d")
        }
        let request = Plimsoll_V1_ExplainRequest.with {
            $0.project = project ?? ""
            $0.sinceSeconds = UInt64(clamping: back.components.seconds)
        }
        let (why, chosen) = try await connection.withCoordinator { client in
            let why = try await client.person.explain(request, options: ControlClient.callOptions)
            let chosen = try await client.organisation.listSelections(.init(), options: ControlClient.callOptions)
            return (why, chosen.selections.filter { selection in project.map { $0 == selection.project } ?? true })
        }
        guard output.isForReading else { return output.write(Self.json(why, chosen)) }
        WhyText(why, chosen).lines.forEach { $0.write() }
    }

    /// Members in a fixed order; durations in whole seconds, what is past as moments in UTC.
    static func json(_ why: Plimsoll_V1_ExplainResponse, _ chosen: [Plimsoll_V1_Selection]) -> JSONValue {
        [
            "name": .string(why.name), "zone": .string(why.zone),
            "at": .string(Plimsoll_V1_ConsentReceipt.moment(why.atMicroseconds)),
            "projects": .array(
                why.projects.map { reason in
                    [
                        "project": .string(reason.project), "cause": .string(reason.cause.word),
                        "sentence": .string(reason.sentence),
                        "refusal": reason.hasRefusal ? reason.refusal.json : .null,
                        "room": reason.cause == .mayCome ? .number(JSONNumber(Int(reason.room))) : .null,
                        "next_limit": reason.hasNextLimit ? reason.nextLimit.json : .null,
                        "lanes": .array(
                            reason.lanes.map { lane in
                                [
                                    "kind": .string(lane.kind), "severity": .number(JSONNumber(Int(lane.severity))),
                                    "cause": .string(lane.cause.word),
                                    "refusal": lane.hasRefusal ? lane.refusal.json : .null,
                                ]
                            }),
                    ]
                }),
            "refusals": Table.json(why.refusals), "leases": .array(why.leases.map(\.json)),
            "selections": Table.json(chosen),
        ]
    }
}

extension Plimsoll_V1_WorkCause {
    /// As JSON and screens name it.
    var word: String {
        switch self {
        case .mayCome: "may-come"
        case .refused: "refused"
        case .nothingLeft: "nothing-left"
        case .allInOtherHands: "all-in-other-hands"
        case .readOnly: "read-only"
        case .noCoordinator: "no-coordinator"
        case .unspecified, .UNRECOGNIZED: "unknown"
        }
    }
}

extension Plimsoll_V1_RefusalRecord: Listable {
    static var columns: [Column<Self>] {
        func moment(_ microseconds: Int64) -> JSONValue {
            microseconds == 0 ? .null : .string(Plimsoll_V1_ConsentReceipt.moment(microseconds))
        }
        return [
            Column("at", "at") { moment($0.atMicroseconds) },
            Column("rule", "rule") { .string($0.rule) },
            Column("of", "scope") { .textOrNull($0.scope) },
            Column("value", "value") { .textOrNull($0.value) },
            Column("limit", "limit") { .textOrNull($0.limit) },
            Column("until", "until") { moment($0.untilMicroseconds) },
            Column("in words", "sentence") { .textOrNull($0.sentence) },
        ]
    }
}

extension Plimsoll_V1_LeaseRecord {
    fileprivate var json: JSONValue {
        func number(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(Int(clamping: value))) }
        func limit(_ value: UInt32) -> JSONValue { value == 0 ? .null : number(value) }
        return [
            "project": .string(project), "key": .string(key), "task": number(task), "kind": .string(kind),
            "severity": number(severity), "state": .string(parked ? atLimit ? "parked-at-limit" : "parked" : "open"),
            "ends_in_seconds": number(endsInSeconds),
            "why": [
                "policy_version": number(why.policyVersion), "provenance": number(why.provenance),
                "instructions_version": number(instructionsVersion),
                "agreements": .array(agreements.map(JSONValue.string)),
                "open_leases": hasFigures ? number(why.openLeases) : .null,
                "open_leases_limit": limit(why.openLeasesLimit),
                "day_tasks": hasFigures ? number(why.dayTasks) : .null, "day_tasks_limit": limit(why.dayTasksLimit),
                "continuous_seconds": hasFigures ? number(why.continuousSeconds) : .null,
                "continuous_limit_seconds": limit(why.continuousLimitSeconds),
                "day_seconds": hasFigures ? number(why.daySeconds) : .null,
                "day_limit_seconds": limit(why.dayLimitSeconds),
                "week_seconds": hasFigures ? number(why.weekSeconds) : .null,
                "week_limit_seconds": limit(why.weekLimitSeconds),
                "deadline_rule": why.deadlineRule.isEmpty ? .null : .string(why.deadlineRule),
            ],
        ]
    }

    /// A grant counts itself: without one open lease there are no figures, of what was parked by an earlier version.
    var hasFigures: Bool { why.openLeases > 0 }
}

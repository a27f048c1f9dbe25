import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Queue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "What waits, how old it is, what is stuck and why.",
        subcommands: [QueueStatus.self, WatchQueue.self, QueueLeases.self])
}

extension Plimsoll_V1_ProjectStatus: Listable {
    static var columns: [Column<Self>] {
        [
            Column("project", "project") { .string($0.project) },
            Column("state", "state") { .string($0.state) },
            count("waiting", "waiting", \.waiting),
            count("leased", "leased", \.leased),
            count("parked", "parked", \.parked),
            count("done", "done", \.done),
            count("late", "late", \.late),
            count("quarantined", "quarantined", \.quarantined),
            Column("oldest", "oldest_waiting_seconds", right: true, shown: age) { status in
                status.hasOldestWaitingSeconds ? .number(JSONNumber(status.oldestWaitingSeconds)) : .null
            },
            Column("per hour", "labels_per_hour", right: true, shown: rate) { status in
                status.hasLabelsPerHour ? .number(JSONNumber(Int(status.labelsPerHour.rounded()))) : .null
            },
            Column("done in", "drain_seconds", right: true, shown: drain) { status in
                status.hasDrainSeconds ? .number(JSONNumber(status.drainSeconds)) : .null
            },
            Column("as of last hour", "coarse", shown: { $0.coarse ? "yes" : "" }) { .bool($0.coarse) },
        ]
    }

    private static func count(_ title: String, _ member: String, _ path: KeyPath<Self, Int64>) -> Column<Self> {
        Column(title, member, right: true, shown: { ProgressPicture.grouped(Int($0[keyPath: path])) }) {
            .number(JSONNumber($0[keyPath: path]))
        }
    }

    private static func age(_ status: Self) -> String {
        status.hasOldestWaitingSeconds ? DurationText.readable(.seconds(status.oldestWaitingSeconds)) : "-"
    }

    private static func rate(_ status: Self) -> String {
        guard status.hasLabelsPerHour else { return "too few people" }
        return ProgressPicture.grouped(Int(status.labelsPerHour.rounded()))
    }

    private static func drain(_ status: Self) -> String {
        status.hasDrainSeconds ? DurationText.readable(.seconds(status.drainSeconds)) : "-"
    }

    /// The reasons why tasks wait, as JSON too.
    var json: JSONValue {
        guard case .object(var object) = Table.json(self) else { return .null }
        object["reasons"] = .array(
            reasons.map { ["code": .string($0.code), "sentence": .string($0.sentence), "remedy": .string($0.remedy)] })
        return .object(object)
    }
}

extension [Plimsoll_V1_ProjectStatus] {
    /// Lines below the table: once what is said of every project because it holds for the whole deployment, then why
    /// tasks of each project wait; with what to do about it.
    var reasonLines: [String] {
        let everywhere = flatMap(\.reasons).first(where: \.isOfDeployment)
        let own = flatMap { status in
            status.reasons.filter { !$0.isOfDeployment }.map { "\(status.project): \($0.line)" }
        }
        return (everywhere.map { [$0.line] } ?? []) + own
    }
}

extension Plimsoll_V1_WaitingReason {
    fileprivate var isOfDeployment: Bool { code == "read-only" }

    fileprivate var line: String {
        Harmless.line(sentence) + (remedy.isEmpty ? "" : " -> \(Harmless.line(remedy))")
    }
}

extension Plimsoll_V1_LeaseRow: Listable {
    static var nameColumn: Int { 1 }

    /// No person and no pseudonym.
    static var columns: [Column<Self>] {
        [
            Column("project", "project") { .string($0.project) },
            Column("task", "key") { .string($0.key) },
            Column("kind", "kind") { .string($0.kind) },
            Column("age", "age_seconds", right: true, shown: { DurationText.readable(.seconds(Int64($0.ageSeconds))) })
            {
                .number(JSONNumber(Int($0.ageSeconds)))
            },
            Column("deadline in", "deadline_seconds", right: true, shown: deadline) { row in
                row.coarse ? .null : .number(JSONNumber(Int(row.deadlineSeconds)))
            },
            Column("failed deliveries", "deliveries_failed", right: true) {
                .number(JSONNumber(Int($0.deliveriesFailed)))
            },
            Column("parked", "parked", shown: { $0.parked ? "yes" : "" }) { .bool($0.parked) },
            Column("as of last hour", "coarse", shown: { $0.coarse ? "yes" : "" }) { .bool($0.coarse) },
        ]
    }

    private static func deadline(_ row: Self) -> String {
        if row.parked || row.coarse { return "-" }
        return row.deadlineSeconds < 0 ? "over" : DurationText.readable(.seconds(Int64(row.deadlineSeconds)))
    }
}

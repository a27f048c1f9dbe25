import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyThroughput: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput", abstract: "Your labels and your leased time, by day and project, for you alone.",
        discussion: """
            Totals of days in your zone; no time of a single task is kept or worked out. Leased time is told by \
            project for seven days, where you had two tasks or more of it, and of the day as a whole; of a lease \
            that is open it counts when it ends. Answers that you withdrew from every use are left out (`plimsoll me \
            answers` has them). Labels in an hour of leased time are worked out here, of days with 15 minutes or \
            more, and shown to nobody else. Your supervisor sees labels by day, and only while you agree to \
            throughput-to-supervisor; each look is in `plimsoll me access`.
            """)

    @OptionGroup var days: DaysOption
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let shown = try await connection.withCoordinator { client in
            try await client.hours.showThroughput(.with { $0.days = days.days }, options: ControlClient.callOptions)
        }
        switch output.format {
        case .table, .name:
            output.list(ThroughputLine.lines(of: shown), empty: "nothing is on record of you since \(shown.since)")
        case .json, .yaml: output.write(Self.json(shown))
        }
    }

    static func json(_ shown: Plimsoll_V1_ShowThroughputResponse) -> JSONValue {
        [
            "today": .string(shown.today), "since": .string(shown.since),
            "leased_by_project_since": .string(shown.projectsSince),
            "days": .array(
                shown.days.map { day in
                    [
                        "day": .string(day.day), "labels": number(day.labels),
                        "leased_seconds": number(day.leasedSeconds),
                        "labels_per_leased_hour": day.perLeasedHour,
                        "projects": .array(
                            day.projects.map { project in
                                [
                                    "project": .string(project.project), "labels": number(project.labels),
                                    "leased_seconds": project.hasLeasedSeconds
                                        ? number(project.leasedSeconds) : .null,
                                ]
                            }),
                    ]
                }),
        ]
    }

    private static func number(_ value: UInt64) -> JSONValue { .number(JSONNumber(Int64(clamping: value))) }
}

/// A date as a whole, then each of its projects.
struct ThroughputLine: Listable {
    let day: String
    let project: String
    let labels: UInt64
    /// Nil: not told by project.
    let leasedSeconds: UInt64?
    let perHour: JSONValue

    static func lines(of shown: Plimsoll_V1_ShowThroughputResponse) -> [ThroughputLine] {
        shown.days.flatMap { day in
            [
                ThroughputLine(
                    day: day.day, project: "", labels: day.labels, leasedSeconds: day.leasedSeconds,
                    perHour: day.perLeasedHour)
            ]
                + day.projects.map { project in
                    ThroughputLine(
                        day: day.day, project: project.project, labels: project.labels,
                        leasedSeconds: project.hasLeasedSeconds ? project.leasedSeconds : nil, perHour: .null)
                }
        }
    }

    static var columns: [Column<Self>] {
        [
            Column("day", "day") { .string($0.day) },
            Column("project", "project", shown: { $0.project.isEmpty ? "all" : $0.project }) {
                .textOrNull($0.project)
            },
            Column("labels", "labels", right: true) { .number(JSONNumber(Int64(clamping: $0.labels))) },
            Column(
                "leased", "leased_seconds", right: true,
                shown: { $0.leasedSeconds.map { DurationText.readable(.seconds($0)) } ?? "-" }
            ) { line in line.leasedSeconds.map { .number(JSONNumber(Int64(clamping: $0))) } ?? .null },
            Column("labels an hour", "labels_per_leased_hour", right: true) { $0.perHour },
        ]
    }
}

extension Plimsoll_V1_ThroughputDay {
    /// Of the day as a whole, to one decimal; null without labels, and below `ratedSecondsMin`, which is no rate but
    /// the time of a few tasks. It goes over no wire (P10).
    var perLeasedHour: JSONValue {
        guard labels > 0, leasedSeconds >= Self.ratedSecondsMin else { return .null }
        let rate = (Double(labels) * 36_000 / Double(leasedSeconds)).rounded() / 10
        return JSONNumber(rate).map { .number($0) } ?? .null
    }

    private static let ratedSecondsMin: UInt64 = 15 * 60
}

/// How far back throughput is told.
struct DaysOption: ParsableArguments {
    @Option(help: "How many days, today included, up to 366.")
    var days: UInt32 = 28

    func validate() throws {
        guard days > 0 else { throw ValidationError("throughput is of one day at least") }
    }
}

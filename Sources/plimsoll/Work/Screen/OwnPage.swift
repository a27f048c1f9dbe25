import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// What a person may know of what is held of them, and say: a digit opens one of it.
struct OwnPage: Sendable, Equatable {
    /// Each is asked of a coordinator when it is opened.
    enum Topic: Int, Sendable, CaseIterable {
        case answers, throughput, access, selections, data, concerns

        var title: String {
            switch self {
            case .answers: "your answers, and what became of them"
            case .throughput: "your labels and leased time by day"
            case .access: "who looked at what is held of you"
            case .selections: "why you were chosen for each project, and by whom"
            case .data: "everything that is held of you, table by table"
            case .concerns: "your concerns, and what was replied"
            }
        }
    }

    enum Step: Sendable, Equatable {
        case choosing
        case shown(Topic, ScreenPage.Fetched)
        case confirmingCord(String)
    }

    var step = Step.choosing
    /// The project of the task in hand.
    let project: String?

    static let concernDigit = Topic.allCases.count + 1
    static let cordDigit = concernDigit + 1

    var lines: [LoadText.Line] {
        func line(_ text: String, _ isStrong: Bool = false) -> LoadText.Line { .init(text: text, isStrong: isStrong) }
        switch step {
        case .choosing:
            var lines = [line("What is held of you, and what you may say. A digit opens it.", true), line("")]
            lines += Topic.allCases.map { line("  \($0.rawValue + 1)  \($0.title)") }
            lines.append(
                line("  \(Self.concernDigit)  raise a concern about \(project ?? "the deployment"); a human replies"))
            if let project {
                lines.append(line("  \(Self.cordDigit)  pull the cord: ask to stop \(project) for everybody"))
            }
            return lines + [
                line(""), line("Nobody else is shown what you open here. In another terminal also:"),
                line("  plimsoll concern raise --anonymous        a concern without your name"),
                line("  plimsoll me correct, declare-hours, zone  your time, as you say it was"),
                line("  plimsoll me data --to DIR                 all of it as files"),
                line("  plimsoll me erase                         have all of it erased"),
            ]
        case .shown(let topic, let fetched):
            let title = [line(topic.title.prefix(1).uppercased() + topic.title.dropFirst(), true), line("")]
            switch fetched {
            case .asked: return title + [line("asking the coordinator ...")]
            case .failed(let words): return title + [line("It cannot be asked now: \(words)", true)]
            case .lines(let lines): return title + lines
            }
        case .confirmingCord(let project):
            return [
                line("Pull the cord of \(project)?", true), line(""),
                line(
                    "When enough people pull it the project stops, and open leases may be finished. Nobody is shown "
                        + "that you pulled it. It costs you nothing."),
                line(""), line("y pulls it; any other key does not"),
            ]
        }
    }
}

extension OwnPage.Topic {
    /// Asks a coordinator; the tables are those of the commands.
    func lines(_ client: ControlClient) async throws -> [LoadText.Line] {
        let options = ControlClient.callOptions
        switch self {
        case .answers:
            return table(try await client.ownAnswers(), "You have answered nothing that is kept.")
        case .throughput:
            let shown = try await client.hours.showThroughput(.with { $0.days = Self.days }, options: options)
            return table(ThroughputLine.lines(of: shown), "Nothing is on record of you since \(shown.since).")
        case .access:
            let entries = try await client.person.listAccess(.init(), options: options).entries
            let advice = MyAccess.advice(entries).map { ["", $0] } ?? []
            return table(entries, "Nobody looked at what is held of you.") + advice.map { LoadText.Line(text: $0) }
        case .selections:
            return table(
                try await client.organisation.listSelections(.init(), options: options).selections,
                "Nobody has chosen you for a project.")
        case .data:
            let tables = try await OwnTable.fetch(client)
            let filled = tables.filter { !$0.rows.isEmpty }
            return table(filled, "Nothing is held of you.")
                + [.init(text: "\(tables.count - filled.count) other tables hold nothing of you.")]
        case .concerns:
            return table(
                try await client.concerns.listConcerns(.init(), options: options).own,
                "You have raised none under your name.")
        }
    }

    /// Of throughput, today included.
    private static let days: UInt32 = 28

    /// What a usual screen shows without breaking a line.
    private static let columns = 78

    /// As a table, or, where that is too wide, row after row with every value on a line of its own.
    private func table<Row: Listable>(_ rows: [Row], _ empty: String) -> [LoadText.Line] {
        guard !rows.isEmpty else { return [.init(text: empty)] }
        var lines = Table.lines(rows)
        if lines.contains(where: { TextWidth.of($0) > Self.columns }) {
            lines = rows.flatMap { Table.details($0).flatMap { $0.split(separator: "\n").map(String.init) } + [""] }
        }
        return lines.map { .init(text: $0) }
    }
}

import ArgumentParser
import Foundation
import PlimsollModel

/// How results are written.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @Option(name: [.customShort("o"), .customLong("output")], help: "How results are written: table or json.")
    var format: Format = .table

    /// A list of rows; `empty` is said on stderr where a table has none.
    func list<Row: Listable>(_ rows: [Row], empty: String) {
        switch format {
        case .json: Output.json(Table.json(rows))
        case .table:
            guard !rows.isEmpty else { return Output.talk(empty) }
            for (index, line) in Table.lines(rows).enumerated() {
                Output.line(index == 0 ? Terminal.bold(line) : line)
            }
        }
    }

    /// One thing with its details.
    func details<Row: Listable>(_ row: Row) {
        switch format {
        case .json: Output.json(Table.json(row))
        case .table: Table.details(row).forEach(Output.line)
        }
    }

    /// What a command did: a sentence for people on stdout, the facts for programs.
    func report(_ sentence: String, _ facts: JSONValue) {
        switch format {
        case .json: Output.json(facts)
        case .table: Output.line(sentence)
        }
    }
}

/// Whether a question may be asked before something is done that cannot be undone.
struct ConfirmOptions: ParsableArguments {
    @Flag(help: "Do it without asking.")
    var yes = false

    @Flag(help: "Never ask; what would need an answer fails instead.")
    var noInput = false

    /// Returns when the person agrees; throws otherwise. Output as JSON never asks.
    func confirm(_ question: String, output: OutputOptions? = nil) throws {
        if yes { return }
        guard !noInput, output?.format != .json, Terminal.canAsk else {
            throw CommandFailure(.wrongUse, "\(question) Nobody can be asked here", next: "add --yes to do it")
        }
        Output.talkRaw("\(question) [y/N] ")
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw CommandFailure(.failed, "nothing was changed") }
    }
}

import ArgumentParser
import Foundation
import PlimsollModel

/// How results are written.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
        case yaml
        /// Of lists and documents the first column alone, one a line.
        case name
    }

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "How results are written: table, json, yaml, or name (the names alone, one a line).")
    var format: Format = .table

    /// Whether text for people is asked for; of what has no names, also where names are.
    var isForReading: Bool { format == .table || format == .name }

    /// A list of rows; `empty` is said on stderr where a table has none.
    func list<Row: Listable>(_ rows: [Row], empty: String) {
        guard format == .table else { return write(rows) { Table.json($0) } }
        guard !rows.isEmpty else { return Output.talk(empty) }
        for (index, line) in Table.lines(rows).enumerated() { Output.line(index == 0 ? Terminal.bold(line) : line) }
    }

    /// The same rows for programs; `json` says what one is where that is more than its columns.
    func write<Row: Listable>(_ rows: [Row], _ json: (Row) -> JSONValue) {
        if format == .name { return Table.names(rows).forEach(Output.line) }
        write(.array(rows.map(json)))
    }

    /// One thing with its details.
    func details<Row: Listable>(_ row: Row) {
        switch format {
        case .table: Table.details(row).forEach(Output.line)
        case .name: Table.names([row]).forEach(Output.line)
        case .json, .yaml: write(Table.json(row))
        }
    }

    /// What a command did: a sentence for people on stdout, the facts for programs.
    func report(_ sentence: String, _ facts: JSONValue) {
        switch format {
        case .table, .name: Output.line(sentence)
        case .json, .yaml: write(facts)
        }
    }

    /// A result as a document: YAML where that was asked for, else JSON.
    func write(_ value: JSONValue) {
        if format == .yaml { Output.bytes(Array(YAMLText.of(value).utf8)) } else { Output.json(value) }
    }
}

/// Whether a question may be asked before something is done that cannot be undone.
struct ConfirmOptions: ParsableArguments {
    @Flag(help: "Do it without asking.")
    var yes = false

    @Flag(help: "Never ask; what would need an answer fails instead.")
    var noInput = false

    /// Returns when the person agrees; throws otherwise. Output for programs never asks.
    func confirm(_ question: String, output: OutputOptions? = nil) throws {
        if yes { return }
        guard !noInput, output?.format ?? .table == .table, Terminal.canAsk else {
            throw CommandFailure(.wrongUse, "\(question) Nobody can be asked here", next: "add --yes to do it")
        }
        Output.talkRaw("\(question) [y/N] ")
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw CommandFailure(.failed, "nothing was changed") }
    }
}

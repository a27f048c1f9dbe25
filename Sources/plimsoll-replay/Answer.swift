import ArgumentParser
import Foundation

/// The program for `plimsoll work --exec ... --exec-mode lines`: one recorded engineer.
struct Answer: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer lines of `plimsoll work --exec-mode lines` as one recorded engineer did.")

    @Option(help: "Recorded answers (task, engineer, answer; apart by tabs).")
    var recorded: String
    @Option(help: "The engineer's name.")
    var engineer: String

    private struct Asked: Decodable {
        let task: Int64
        let fence: Int64
        let key: String
    }

    func run() throws {
        let answers = try RecordedLabels(path: recorded).answers[engineer] ?? [:]
        while let line = readLine() {
            let asked = try JSONDecoder().decode(Asked.self, from: Data(line.utf8))
            let reply = answers[asked.key].map { #""answer":\#($0)"# } ?? #""decline":true"#
            FileHandle.standardOutput.write(
                Data(#"{"task":\#(asked.task),"fence":\#(asked.fence),\#(reply)}"#.utf8 + [0x0A]))
        }
    }
}

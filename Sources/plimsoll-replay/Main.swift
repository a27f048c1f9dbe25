import ArgumentParser
import Foundation

/// Many engineers in one process, for replays of recorded labeling and for tests that kill processes.
@main
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plimsoll-replay",
        abstract: "Plays engineers against a deployment; `Deploy/replay` runs a whole replay.",
        subcommands: [Crowd.self, Answer.self])
}

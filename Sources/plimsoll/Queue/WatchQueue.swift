import ArgumentParser
import Foundation
import GRPCCore
import PlimsollProtocol
import SwiftProtobuf
import UnixSignals

struct WatchQueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "The queue, refreshed until Ctrl-C.",
        discussion: "On a terminal it fills the screen; elsewhere it prints a block each time.")

    @Option(help: "Only this project.")
    var project: String?
    @Option(help: "Seconds between two looks, at least 1.")
    var every: Int = 2
    @Option(help: "Look so many times, then end. Default: until Ctrl-C.")
    var times: Int?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard every >= 1 else { throw ValidationError("--every must be at least 1 second") }
        guard times ?? 1 >= 1 else { throw ValidationError("--times must be at least 1") }
    }

    func run() async throws {
        let full = Terminal.showsResultsToPerson
        if full { Output.bytes(Array("\u{1B}[?1049h\u{1B}[?25l".utf8)) }
        defer { if full { Output.bytes(Array("\u{1B}[?25h\u{1B}[?1049l".utf8)) } }
        let stop = await EndSignals([.sigint, .sigterm])
        try await connection.withCoordinator { client in
            var round = 0
            while true {
                let request = Plimsoll_V1_QueueStatusRequest.with { $0.project = project ?? "" }
                let picture: [String]
                do {
                    picture = Self.picture(
                        try await client.control.queueStatus(request, options: ControlClient.callOptions))
                } catch let error as RPCError where error.code == .unavailable {
                    // The coordinator may come back; the screen says what is known.
                    picture = ["the coordinator does not answer: \(error.message)"]
                }
                show(picture, full: full)
                round += 1
                if let times, round >= times { return }
                guard await stop.none(within: .seconds(every)) else { return }
            }
        }
    }

    private static func picture(_ response: Plimsoll_V1_QueueStatusResponse) -> [String] {
        guard !response.projects.isEmpty else { return ["there are no projects yet"] }
        return Table.lines(response.projects) + [""] + response.projects.reasonLines
    }

    private func show(_ lines: [String], full: Bool) {
        let heading = "plimsoll queue, \(Date().formatted(.iso8601.time(includingFractionalSeconds: false))) UTC"
        guard full else { return ([heading] + lines + [""]).forEach(Output.line) }
        let size = Terminal.size
        // Home, then each line with the rest of it cleared: no flicker, also in tmux and over slow lines.
        let body = ([heading + ", Ctrl-C ends", ""] + lines).prefix(size.rows - 1)
            .map { $0.prefix(size.columns) + "\u{1B}[K\n" }.joined()
        Output.bytes(Array(("\u{1B}[H" + body + "\u{1B}[J").utf8))
    }
}

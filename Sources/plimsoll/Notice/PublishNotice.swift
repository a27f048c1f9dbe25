import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct PublishNotice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a notice, or a new version of one.",
        discussion: """
            The file is YAML:

              id: training
              purpose: training
              text: |
                Your answers are used to train models of ...
              data: your answers, under a pseudonym of each export
              recipients: the evaluation team
              retention: two years
              withdrawal_method: plimsoll consent withdraw training, at any moment, without a reason
              alternative_offered: the work you did before
              assessment: {reference: DPIA 2026-14, date: 2026-03-02}
              consultation: {reference: works council minutes 7, date: 2026-03-09}
              validity_days: 90        # 90 where it is missing
              material: true           # of a new version: do older agreements stop counting?
            """)

    @Argument(help: "The notice, a YAML file.")
    var file: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let read = try NoticeFile.read(file)
        let (published, last) = try await connection.withCoordinator { client in
            var document = read
            let last = try await client.control.listNotices(
                .init(), options: ControlClient.callOptions
            ).notices.filter { $0.id == read.id }.max { $0.version < $1.version }
            // The file leaves it open: the one after the latest. Who publishes at the same time gets a conflict.
            if document.version == 0 { document.version = (last?.version ?? 0) + 1 }
            return (try await client.control.publishNotice(document, options: ControlClient.callOptions), last)
        }
        if let last {
            Output.talk("what differs from version \(last.version):")
            NoticeDifference(from: last, to: published).shown.forEach { Output.talk("  \($0)") }
        }
        output.report(
            "notice \(published.id) version \(published.version) is published for purpose \(published.purpose)\n"
                + "engineers agree or refuse with: plimsoll consent give \(published.purpose) | "
                + "plimsoll consent refuse \(published.purpose)",
            Table.json(NoticeDetails(document: published)))
    }
}

import ArgumentParser
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct GiveConsent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "give", abstract: "Read a notice and agree to its purpose, until it ends or you withdraw.",
        discussion: "One purpose at a time: agreeing to one implies no other.")

    @Argument(help: "The purpose, as `plimsoll consent list` names it.")
    var purpose: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let receipt = try await connection.withCoordinator { client in
            let notices = try await client.agreements().map(\.notice).filter { $0.purpose == purpose }
            guard let notice = notices.max(by: { $0.version < $1.version }) else {
                throw CommandFailure(
                    .notFound, "no notice is in force for the purpose \(purpose)",
                    next: "`plimsoll consent list` names the purposes that have one; an operator publishes it with "
                        + "`plimsoll notice publish FILE`")
            }
            // What is agreed to is shown first, also where nobody is asked: it is on the record that it was.
            Table.details(NoticeDetails(document: notice)).forEach(Output.talk)
            try confirm.confirm("Do you agree to the use of your work for \(purpose)?", output: output)
            return try await client.workQueue.giveAgreement(
                .with {
                    $0.notice = notice.id
                    $0.version = notice.version
                    $0.sha256 = notice.sha256
                }, options: ControlClient.callOptions)
        }
        WithdrawalMark(directory: try connection.identityFiles().directory).clear(purpose)
        output.report(
            "\(receipt.purpose): \(receipt.state) until \(type(of: receipt).moment(receipt.untilMicroseconds)); "
                + "receipt \(receipt.receiptID)", receipt.json)
    }
}

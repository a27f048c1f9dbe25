import ArgumentParser
import PlimsollModel

/// A policy under which nobody could be leased anything is asked about once more.
struct StopOptions: ParsableArguments {
    @Flag(
        help: "Apply it although nobody can be leased anything under it; where nobody can be asked --yes is not enough."
    )
    var stopEveryone = false
    @OptionGroup var ask: ConfirmOptions

    /// Whether the document stops everyone and this is meant. Throws where it is not.
    func confirm(_ document: String, output: OutputOptions) throws -> Bool {
        // Text that cannot be read is the coordinator's to refuse.
        guard let stop = (try? PolicyDocument(yaml: document))?.stopsEveryone else { return false }
        if stopEveryone { return true }
        guard !ask.yes, !ask.noInput, output.format == .table, Terminal.canAsk else {
            throw CommandFailure(
                .refused, "this policy would stop everyone: \(stop)", next: "where that is meant, add --stop-everyone")
        }
        try ask.confirm("This policy would stop everyone: \(stop). Apply it?", output: output)
        return true
    }
}

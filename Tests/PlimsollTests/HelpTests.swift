import ArgumentParser
import Testing

@testable import plimsoll

@Suite struct HelpTests {
    /// Every command that is shown, as one would type it.
    private static func commands(
        below command: any ParsableCommand.Type, _ words: [String] = []
    ) -> [(words: String, type: any ParsableCommand.Type)] {
        let configuration = command.configuration
        let all = configuration.subcommands + configuration.groupedSubcommands.flatMap { $0.subcommands }
        return all.filter { $0.configuration.shouldDisplay }.flatMap { sub in
            let path = words + [sub.configuration.commandName ?? "\(sub)".lowercased()]
            return [(path.joined(separator: " "), sub)] + commands(below: sub, path)
        }
    }

    @Test func `every command says what it is for, and every option what it does`() {
        let commands = Self.commands(below: Plimsoll.self)
        #expect(commands.count > 40)
        for (words, type) in commands {
            #expect(!type.configuration.abstract.isEmpty, "\(words) says nothing of itself")
            let lines = Plimsoll.helpMessage(for: type, columns: 120).split(
                separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.contains { $0.hasPrefix("USAGE: plimsoll \(words)") }, "\(words): \(lines.prefix(9))")
            for (index, line) in lines.enumerated() where line.hasPrefix("  -") || line.hasPrefix("  <") {
                // The words stand behind the names or, where those are long, in the next line.
                let isExplained =
                    line.dropFirst(2).contains("  ") || line.contains("> ")
                    || index + 1 < lines.count
                        && lines[index + 1].hasPrefix("       ")
                #expect(isExplained, "\(words): \(line)")
            }
        }
    }
}

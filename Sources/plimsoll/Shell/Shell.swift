import ArgumentParser
import Foundation

/// Runs a command line and turns whatever comes of it into one exit code.
enum Shell {
    static func run(_ root: any ParsableCommand.Type, arguments: [String]? = nil) async -> Never {
        // A peer that goes away must be an error on its connection, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try root.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            exit(ExitStatus.done.rawValue)
        } catch {
            exit(report(error, of: root).rawValue)
        }
    }

    /// Prints what a person needs to know and gives the exit code.
    private static func report(_ error: any Error, of root: any ParsableCommand.Type) -> ExitStatus {
        if let status = error as? ExitStatus { return status }
        // Thrown by commands that have said everything already.
        if let code = error as? ExitCode { return ExitStatus(rawValue: code.rawValue) ?? .failed }
        if isFromParser(error, root) {
            guard root.exitCode(for: error) != .success else {
                Output.line(root.fullMessage(for: error))
                return .done
            }
            Output.talk(root.fullMessage(for: error))
            return .wrongUse
        }
        let failure = CommandFailure(error)
        // It may quote a task's key or a coordinator's words.
        Output.talk("plimsoll: \(Harmless.text(failure.description))")
        return failure.status
    }

    /// Errors of the parser are its own types; help and version requests count as success there.
    private static func isFromParser(_ error: any Error, _ root: any ParsableCommand.Type) -> Bool {
        if error is ValidationError || error is CleanExit { return true }
        let code = root.exitCode(for: error)
        return code == .success || code == .validationFailure
    }
}

/// An exit code without further words: everything was said already.
extension ExitStatus: Error {}

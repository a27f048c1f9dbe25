import Foundation

/// What to type next, ready to copy.
enum NextSteps {
    static func print(_ deployment: Deployment, demo: Bool) {
        lines(directory: deployment.plan.directory, servers: deployment.servers, program: program, demo: demo)
            .forEach(Output.line)
    }

    /// As it was called: found along the path, or by its own.
    private static var program: String {
        CommandLine.arguments[0].contains("/") ? ChildProgram.executable.path(percentEncoded: false) : "plimsoll"
    }

    static func lines(directory: DataDirectory, servers: String, program: String, demo: Bool) -> [String] {
        var lines = [
            "Plimsoll is up: coordinator at \(servers), everything in \(directory.path), operator `operator`.",
            "In another terminal:",
            "",
        ]
        if directory.path != DataDirectory.standard.path {
            lines.append("  export PLIMSOLL_DATA=\(quoted(directory.path))")
        }
        let name = quoted(program)
        lines += ["  \(name) doctor", "  \(name) queue watch"]
        if !demo {
            lines += [
                "  \(name) notice publish NOTICE.yaml",
                "  \(name) project create essays --instructions guide.md --schema answer.json --named-person ana",
                "  \(name) task import tasks.jsonl --project essays",
                "  \(name) engineer enrol ana --zone Europe/Berlin --project essays --rule RULE --data-used DATA "
                    + "--decided-by NAME --alternative OTHER",
            ]
        }
        return lines + ["", "Ctrl-C ends it; the folder stays."]
    }

    /// Safe to paste into a shell.
    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "/._-~".utf8.contains(byte)
        }
        return plain ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}

import ArgumentParser

@main
struct Plimsoll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plimsoll",
        abstract: "A work-queue coordinator for data labeling that never loads people past their line.",
        discussion: """
            Try it:       plimsoll up --demo
            For keeps:    plimsoll up
            Exit codes:   0 done, 1 failed, 2 wrong use, 3 refused by a rule, 4 not authorized, 5 not found, \
            6 conflict or stale
            """,
        version: Version.text,
        subcommands: [DemoAnswer.self, DemoWork.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Run",
                subcommands: [Up.self, Serve.self, Migrate.self, Doctor.self, DeploymentCommands.self]),
            CommandGroup(
                name: "People",
                subcommands: [
                    Certificates.self, Roles.self, Teams.self, Engineers.self, Notices.self, Consents.self,
                    Concerns.self, Me.self, Audits.self,
                ]),
            CommandGroup(
                name: "Work",
                subcommands: [Projects.self, Tasks.self, WorkCommand.self, Labels.self, Queue.self, Policies.self]),
        ])

    static func main() async { await Shell.run(Self.self) }
}

/// What this build calls itself.
enum Version {
    static let text = "0.1.0"
}

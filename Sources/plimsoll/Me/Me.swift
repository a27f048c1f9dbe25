import ArgumentParser

struct Me: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "me", abstract: "What the deployment knows of you, for you alone.",
        subcommands: [
            ShowMe.self, WhyMe.self, MySelections.self, MyTeams.self, MyData.self, MyAnswers.self, MyAccess.self,
            EraseMe.self,
            MyThroughput.self, CorrectHours.self, DeclareHours.self, SetMyZone.self,
        ])
}

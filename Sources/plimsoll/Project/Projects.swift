import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct Projects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Bodies of tasks, with instructions and an answer schema.",
        subcommands: [
            CreateProject.self, ListProjects.self, ShowProject.self, SetProject.self, PauseProject.self,
            ResumeProject.self, CloseProject.self,
        ])
}

extension Plimsoll_V1_ProjectDocument: Listable {
    static var columns: [Column<Self>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("state", "state") { .string($0.state) },
            Column("overlap", "overlap", right: true) { .number(JSONNumber(Int($0.overlap))) },
            Column("weight", "weight", right: true) { .number(JSONNumber(Int($0.weight))) },
            Column("effort", "effort_seconds", right: true, shown: { DurationText.format(.seconds($0.effortSeconds)) })
            {
                .number(JSONNumber(Int($0.effortSeconds)))
            },
            Column("purposes", "purposes") { .array($0.purposes.map(JSONValue.string)) },
        ]
    }
}

/// All of a project, as `project show` prints it.
struct ProjectDetails: Listable {
    let document: Plimsoll_V1_ProjectDocument

    static var columns: [Column<Self>] {
        Plimsoll_V1_ProjectDocument.columns.map { column in
            Column(
                column.title, column.member, right: column.alignsRight,
                shown: column.shown.map { shown in { shown($0.document) } }
            ) { column.value($0.document) }
        } + [
            Column("refill", "refill") { .bool($0.document.refill) },
            Column("named persons", "named_persons") { .array($0.document.namedPersons.map(JSONValue.string)) },
            Column("instructions version", "instructions_version") {
                .number(JSONNumber(Int($0.document.instructionsVersion)))
            },
            Column("instructions", "instructions") { .string($0.document.instructions) },
            Column("answer schema", "answer_schema") {
                // A coordinator sends what it has compiled; what cannot be read here is shown as it is.
                (try? JSONValue.parse($0.document.answerSchema)) ?? .string($0.document.answerSchema)
            },
        ]
    }
}

extension ControlClient {
    /// The project of that name; `notFound` when there is none.
    func project(_ name: String) async throws -> Plimsoll_V1_ProjectDocument {
        let found = try await control.listProjects(.with { $0.name = name }, options: Self.callOptions).projects
        guard let project = found.first(where: { $0.name == name }) else {
            throw CommandFailure(
                .notFound, "there is no project \(name)", next: "`plimsoll project list` names those there are")
        }
        return project
    }
}

import Coordinator
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import QualityReview
import SwiftProtobuf

extension ControlService {
    func createProject(
        request: Plimsoll_V1_ProjectDocument, context: ServerContext
    ) async throws -> Plimsoll_V1_ProjectDocument {
        try await withWarning(ledger.createProject(ProjectDraft(request), by: context.caller.name))
    }

    func setProject(
        request: Plimsoll_V1_ProjectDocument, context: ServerContext
    ) async throws -> Plimsoll_V1_ProjectDocument {
        try await withWarning(ledger.setProject(ProjectDraft(request), by: context.caller.name))
    }

    private func withWarning(_ project: ProjectRecord) async -> Plimsoll_V1_ProjectDocument {
        var document = Plimsoll_V1_ProjectDocument(project)
        document.warning = await objections(to: project).joined(separator: "; ")
        return document
    }

    /// What speaks against a project that is there now: an estimate that fits nobody's day, which is taken because the
    /// policy may change, and names that nobody has.
    private func objections(to project: ProjectRecord) async -> [String] {
        var list: [String] = []
        // What cannot be looked at is not spoken of: the project is made or set.
        if let tooLong = try? await availability.tooLong(.seconds(project.effortSeconds), in: project.id) {
            list.append("\(tooLong.sentence); set --effort, or apply another policy")
        }
        if let unknown = try? await ledger.unknownNames(project.namedPersons), !unknown.isEmpty {
            list.append(
                "nobody here is named \(unknown.joined(separator: ", ")), so no concern reaches them; "
                    + "set --named-person, or plimsoll role grant")
        }
        return list
    }

    func listProjects(
        request: Plimsoll_V1_ListProjectsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListProjectsResponse {
        let projects =
            request.name.isEmpty ? try await ledger.projects() : [try await ledger.project(named: request.name)]
        return .with { $0.projects = projects.map { .init($0) } }
    }

    func setProjectState(
        request: Plimsoll_V1_SetProjectStateRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ProjectDocument {
        guard let state = ProjectState(rawValue: request.state) else {
            throw GatewayError(.badMessage, "a project is open, paused or closed, not “\(request.state)”")
        }
        return .init(try await ledger.setProjectState(request.name, to: state, by: context.caller.name))
    }
}

extension ProjectDraft {
    /// Empty and zero mean: not said.
    init(_ document: Plimsoll_V1_ProjectDocument) {
        self.init(
            name: document.name, instructions: document.instructions.orNil,
            answerSchema: document.answerSchema.orNil, overlap: Int(document.overlap).orNil,
            weight: Int(document.weight).orNil, effortSeconds: Int(document.effortSeconds).orNil,
            purposes: document.purposes, namedPersons: document.namedPersons,
            refill: document.hasRefill ? document.refill : nil)
    }
}

extension Plimsoll_V1_ProjectDocument {
    init(_ project: ProjectRecord) {
        self.init()
        id = project.id.rawValue
        name = project.name
        state = project.state.rawValue
        instructions = project.instructions
        instructionsVersion = project.instructionsVersion
        answerSchema = project.answerSchema
        overlap = UInt32(project.overlap)
        weight = UInt32(project.weight)
        effortSeconds = UInt32(project.effortSeconds)
        purposes = project.purposes
        namedPersons = project.namedPersons
        refill = project.refill
    }
}

extension String {
    /// Proto3 cannot tell an empty text from none.
    var orNil: String? { isEmpty ? nil : self }
}

extension Int {
    /// Proto3 cannot tell zero from none.
    var orNil: Int? { self == 0 ? nil : self }
}

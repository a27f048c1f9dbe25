import GRPCCore
import Ledger
import PlimsollProtocol
import SwiftProtobuf

extension OrganisationService {
    func createTeam(
        request: Plimsoll_V1_TeamDocument, context: ServerContext
    ) async throws -> Plimsoll_V1_TeamDocument {
        .init(try await ledger.createTeam(request.name, supervisor: request.supervisor, by: context.caller.name))
    }

    func setTeam(
        request: Plimsoll_V1_TeamDocument, context: ServerContext
    ) async throws -> Plimsoll_V1_SpanOfControl {
        .init(try await ledger.setTeam(request.name, supervisor: request.supervisor, by: context.caller.name))
    }

    func listTeams(
        request: Plimsoll_V1_ListTeamsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListTeamsResponse {
        let teams = try await ledger.teams()
        try await ledger.recordRead(.list(.teams, of: teams.map(\.supervisor)), by: context.caller.name)
        return .with { $0.teams = teams.map { .init($0) } }
    }

    func showTeam(
        request: Plimsoll_V1_ShowTeamRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_TeamDocument {
        var team = Plimsoll_V1_TeamDocument(try await ledger.team(request.name))
        team.members = try await ledger.teamMembers(request.name)
        try await ledger.recordRead(.list(.team, of: team.members + [team.supervisor]), by: context.caller.name)
        return team
    }
}

extension Plimsoll_V1_TeamDocument {
    init(_ team: TeamRow) {
        self.init()
        name = team.name
        supervisor = team.supervisor
        engineers = UInt32(clamping: team.engineers)
        span = UInt32(clamping: team.span)
    }
}

import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Roles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role", abstract: "Who may act as what.",
        discussion: "A certificate acts only in its own role, and only while that role is granted here.",
        subcommands: [GrantRole.self, RevokeRole.self, ListRoles.self])
}

extension Plimsoll_V1_RoleGrant: Listable {
    static var columns: [Column<Self>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("role", "role") { .string($0.role) },
        ]
    }
}

/// The roles that can be granted.
enum GrantableRole: String, ExpressibleByArgument, CaseIterable {
    case engineer
    case supervisor
    case reviewer
    case `operator`
}

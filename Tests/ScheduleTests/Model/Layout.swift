import PlimsollModel

/// What a world starts with: some cells, each with projects and people of its own, so that each has a model of its own.
struct Layout: Sendable {
    struct Lane: Sendable {
        let id: LaneID
        let kind: String
        let severity: Int
    }

    struct Project: Sendable {
        let id: ProjectID
        let name: String
        let overlap: Int
        let effortSeconds: Int
        let purposes: [String]
        let lanes: [Lane]
        let tasks: [Task]
    }

    struct Task: Sendable {
        let id: TaskID
        let lane: LaneID
        let key: String
        let effort: Micros
    }

    struct Person: Sendable {
        let id: PersonID
        let name: String
        let zone: String
        let enrolled: [ProjectID]
        /// What was given at the start.
        let agreements: [String]
        /// Hours a week that they say they work elsewhere.
        var declaredWeek: Micros = 0
    }

    struct Cell: Sendable {
        let projects: [Project]
        let people: [Person]
    }

    struct Notice: Sendable {
        let id: String
        let purpose: String
        let sha256: [UInt8]
        let validity: Micros
    }

    /// When everything in it was made.
    let start: Micros
    let cells: [Cell]
    /// By purpose.
    let notices: [String: Notice]
}

/// What a week brought, in counts by project, for leaders and engineers alike.
///
/// No count that is shown is of fewer than k people, nor can one be worked out from those shown: a project with fewer
/// than k engineers is hidden whole, a count from 1 to k - 1 is hidden, and a total over hidden counts is shown only
/// where each of those could still be anything from 1 to k - 1. Zero is shown: it is nobody.
public struct WeeklyDigest: Sendable, Hashable {
    /// The columns; each is a count of things that people did.
    public enum Figure: String, Sendable, Hashable, CaseIterable {
        case raised, answered, overdue, cords
        case unclear = "declined_unclear"
        case notMyField = "declined_not_my_field"
        case distressing = "declined_distressing"
        case other = "declined_other"

        /// The declines, which have a total of their own in each row.
        public static let declines: [Figure] = [.unclear, .notMyField, .distressing, .other]
    }

    /// A count as it is shown.
    public enum Cell: Sendable, Hashable {
        case count(Int)
        /// Of too few people.
        case hidden
    }

    /// In place of a project's name, which has no blanks: what is about no project.
    public static let deployment = "the deployment"

    /// One project's counts as they are, before anything is hidden.
    public struct Raw: Sendable, Hashable {
        public var project: String
        /// Who could have said something; of the deployment everybody with a role.
        public var engineers: Int
        public var counts: [Figure: Int]

        public init(project: String, engineers: Int, counts: [Figure: Int]) {
            self.project = project
            self.engineers = engineers
            self.counts = counts
        }
    }

    public struct Row: Sendable, Hashable {
        /// Nil: all projects together.
        public let project: String?
        public let cells: [Figure: Cell]
        /// Of the declines, whatever their reason.
        public let declines: Cell
    }

    public let week: ISOWeek
    /// The smallest group that is shown.
    public let k: Int
    /// By project, then the deployment, then all together.
    public let rows: [Row]

    public init(week: ISOWeek, k: Int, projects: [Raw]) {
        self.week = week
        self.k = k
        let ordered = projects.sorted {
            ($0.project == Self.deployment ? 1 : 0, $0.project) < ($1.project == Self.deployment ? 1 : 0, $1.project)
        }
        func shown(_ raw: Raw, _ figure: Figure) -> Cell {
            let count = raw.counts[figure] ?? 0
            return raw.engineers >= k && (count == 0 || count >= k) ? .count(count) : .hidden
        }
        // Every hidden count is part of one total at most, that of its column; so that no two can be held against
        // each other, a row's total is shown only where nothing of it is hidden.
        func declines(_ raws: [Raw]) -> Cell {
            let parts = raws.flatMap { raw in Figure.declines.map { (raw.counts[$0] ?? 0, shown(raw, $0)) } }
            return parts.contains { $0.1 == .hidden } ? .hidden : .count(parts.reduce(0) { $0 + $1.0 })
        }
        var rows = ordered.map { raw in
            Row(
                project: raw.project,
                cells: Dictionary(uniqueKeysWithValues: Figure.allCases.map { ($0, shown(raw, $0)) }),
                declines: declines([raw]))
        }
        var cells: [Figure: Cell] = [:]
        for figure in Figure.allCases {
            cells[figure] = Self.total(
                ordered.map { ($0.engineers, $0.counts[figure] ?? 0, shown($0, figure)) }, k: k)
        }
        rows.append(Row(project: nil, cells: cells, declines: declines(ordered)))
        self.rows = rows
    }

    /// The sum of these, where it tells nothing of any hidden one: with all others at their least or their most, each
    /// could still be 1 or k - 1; and what is hidden together is of k people or more, whoever is in several.
    private static func total(_ parts: [(engineers: Int, count: Int, cell: Cell)], k: Int) -> Cell {
        let hidden = parts.filter { $0.cell == .hidden }
        let sum = hidden.reduce(0) { $0 + $1.count }
        let others = hidden.count - 1
        let people = hidden.map(\.engineers).max() ?? 0
        guard hidden.isEmpty || people >= k && others >= 1 && sum >= others + k - 1 && sum <= others * (k - 1) + 1
        else {
            return .hidden
        }
        return .count(parts.reduce(0) { $0 + $1.count })
    }
}

public import PlimsollModel
import Postgres

/// A concern as those see it who may answer, and its author.
public struct ConcernRow: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        case concern
        /// Somebody asked to stop the project, or enough people did.
        case cord
    }

    public struct Answer: Sendable, Hashable {
        public let by: String
        public let on: LocalDay
        public let text: String
    }

    public let id: Int64
    /// Nil: about the deployment.
    public let project: String?
    public let kind: Kind
    /// Nil: raised without a name.
    public let author: String?
    public let text: String
    public let raisedOn: LocalDay
    /// Of the first reply by a human being.
    public let dueOn: LocalDay
    /// Oldest first.
    public let answers: [Answer]
    /// Whom it is addressed to now.
    public let addressees: [String]
    /// Operators too.
    public let reachesOperators: Bool
    /// Working days without a reply since it was due.
    public let daysOverdue: Int
}

enum ConcernStatements {
    /// The clock, and the zone of those who answer for a project ($1, null: the deployment): that of the first of them
    /// who is known here, else UTC. Indexes: named_person_pkey, person_name_key.
    static let zone = Statement(
        "concern_zone",
        """
        select clock(), coalesce((
            select p.zone from named_person n join person p on p.name = n.name
            where n.project_id = $1 order by n.position limit 1), 'UTC')
        """)
    static let insert = Statement(
        "concern_insert",
        """
        insert into concern (concern_id, project_id, kind, person_id, token_hash, body, raised_on, due_on)
        values ($8, $1, $2, $3, $4, $5, $6, $7) returning concern_id
        """)
    private static let columns = """
        select c.concern_id, j.name, c.kind, a.name, c.body, c.raised_on, c.due_on,
            coalesce((select array_agg(n.name order by n.position) from named_person n
                where n.project_id = c.project_id), '{}'),
            coalesce((select p.zone from named_person n join person p on p.name = n.name
                where n.project_id = c.project_id order by n.position limit 1), 'UTC'),
            clock()
        from concern c left join project j using (project_id) left join person a on a.person_id = c.person_id
        """
    /// Those without an answer, and those raised from $1 on. Few: people raise them by hand.
    static let list = Statement(
        "concern_list",
        """
        \(columns)
        where c.raised_on >= $1 or not exists (select from concern_answer x where x.concern_id = c.concern_id)
        order by c.concern_id
        """)
    static let byID = Statement("concern_by_id", "\(columns) where c.concern_id = $1")
    /// Index: concern_token_hash_key.
    static let byToken = Statement("concern_by_token", "\(columns) where c.token_hash = $1")
    /// Index: concern_person.
    static let own = Statement("concern_own", "\(columns) where a.name = $1 order by c.raised_on, c.concern_id")
    /// Index: concern_answer_concern.
    static let answers = Statement(
        "concern_answers",
        """
        select concern_id, answered_by, answered_on, body from concern_answer
        where concern_id = any($1::bigint[]) order by answer_id
        """)
    static let answer = Statement(
        "concern_answer",
        "insert into concern_answer (concern_id, answered_by, answered_on, body) values ($1, $2, $3, $4)")
}

/// Rows of `ConcernStatements.columns` with their answers and whose turn it is.
func concernRows(_ rows: Rows, on connection: isolated Connection) async throws -> [ConcernRow] {
    var answers: [Int64: [ConcernRow.Answer]] = [:]
    let ids = try rows.map { try $0.int8(0) }
    for row in try await connection.query(Query(ConcernStatements.answers, .int8Array(ids))) {
        answers[try row.int8(0), default: []].append(
            ConcernRow.Answer(by: try row.text(1), on: LocalDay(try row.date(2)), text: try row.text(3)))
    }
    return try rows.map { row in
        let id = try row.int8(0)
        let due = LocalDay(try row.date(6))
        let answers = answers[id] ?? []
        let today = try localDay(Moment(microseconds: try row.timestamptz(9)), zone: try row.text(8))
        let overdue = answers.isEmpty ? ConcernDue.daysOverdue(dueOn: due, on: today) : 0
        let turn = ConcernDue.addressees(try row.textArray(7), daysOverdue: overdue)
        return ConcernRow(
            id: id, project: try row.textOrNil(1), kind: ConcernRow.Kind(rawValue: try row.text(2)) ?? .concern,
            author: try row.textOrNil(3), text: try row.text(4), raisedOn: LocalDay(try row.date(5)), dueOn: due,
            answers: answers, addressees: turn.names, reachesOperators: turn.operators, daysOverdue: overdue)
    }
}

/// The date at an instant in a zone; one that this build does not know is taken as UTC, so that nobody's concern fails
/// by it.
func localDay(_ moment: Moment, zone: String) throws -> LocalDay {
    do {
        return try Zone.named(zone).day(at: moment)
    } catch {
        return try Zone.named("UTC").day(at: moment)
    }
}

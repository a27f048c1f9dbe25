public import PlimsollModel
import Postgres

/// Whose layer of limits.
public enum LimitScope: Sendable, Hashable {
    case team(String)
    case project(String)
    /// A person's own.
    case person(String)

    var word: String {
        switch self {
        case .team: "team"
        case .project: "project"
        case .person: "person"
        }
    }

    var name: String {
        switch self {
        case .team(let name), .project(let name), .person(let name): name
        }
    }
}

/// Everything that besides the deployment's document says what limits hold for one person. Texts, because they are
/// kept as they were set; `limits(document:project:)` reads them.
public struct PersonLimitLayers: Sendable, Hashable {
    public let person: PersonID
    /// Of the person's team; nil: none is set, or there is no team.
    public var team: String?
    /// Of the projects the person is enrolled in, where one is set.
    public var projects: [ProjectID: String] = [:]
    /// The person's own.
    public var engineer: String?
    /// The raise that is in force.
    public var raise: String?

    public init(person: PersonID) { self.person = person }

    /// What holds for this person in a project; nil: in none in particular. Throws `ModelError` for a text that this
    /// build cannot read, which must then mean no lease (P2).
    public func limits(document: PolicyDocument, project: ProjectID? = nil) throws(ModelError) -> EffectiveLimits {
        func read(_ text: String?) throws(ModelError) -> WorkloadLimits? {
            guard let text else { return nil }
            return try PolicyDocument.layer(yaml: text)
        }
        var own: PersonalLimits?
        if let engineer { own = try PersonalLimits(yaml: engineer) }
        return EffectiveLimits(
            document: document, team: try read(team), project: try read(project.flatMap { projects[$0] }),
            engineer: own, raise: try read(raise))
    }
}

enum LimitLayerStatements {
    /// Layers and raises of these people, in one statement: team (by team_member_pkey), projects (enrolment_person),
    /// own, and the raise in force (limit_raise_one). Few rows a person; nobody without any has one. A flush may run it
    /// after it has the people's locks, which every change of a person's own layer, raise, team and enrolment takes;
    /// layers of teams and projects change under the exclusive epoch.
    static let ofPeople = Statement(
        "limit_layers_of_people",
        """
        select m.person_id, l.scope, l.scope_id, l.document
        from team_member m join limit_layer l on l.scope = 'team' and l.scope_id = m.team_id
        where m.person_id = any($1::bigint[])
        union all
        select e.person_id, l.scope, l.scope_id, l.document
        from enrolment e join limit_layer l on l.scope = 'project' and l.scope_id = e.project_id
        where e.person_id = any($1::bigint[])
        union all
        select l.scope_id, l.scope, l.scope_id, l.document
        from limit_layer l where l.scope = 'person' and l.scope_id = any($1::bigint[])
        union all
        select r.person_id, 'raise', r.raise_id, r.document
        from limit_raise r where r.person_id = any($1::bigint[]) and r.agreed_at is not null and r.ended_at is null
        """)
    static let set = Statement(
        "limit_layer_set",
        """
        insert into limit_layer (scope, scope_id, document, set_by, set_at) values ($1, $2, $3, $4, clock())
        on conflict (scope, scope_id) do update
            set document = excluded.document, set_by = excluded.set_by, set_at = excluded.set_at
        """)
    static let clear = Statement("limit_layer_clear", "delete from limit_layer where scope = $1 and scope_id = $2")
    static let show = Statement(
        "limit_layer_show", "select document from limit_layer where scope = $1 and scope_id = $2")
    static let team = Statement("limit_layer_team", "select team_id from team where name = $1")
    static let supervisorOf = Statement(
        "limit_layer_supervisor",
        "select p.name from team t join person p on p.person_id = t.supervisor_id where t.name = $1")
}

/// The layers of these people, those without any included.
func limitLayers(
    of people: [PersonID], on connection: isolated Connection
) async throws -> [PersonID: PersonLimitLayers] {
    let rows = try await connection.query(
        Query(LimitLayerStatements.ofPeople, .int8Array(people.map(\.rawValue))))
    return try foldLimitLayers(of: people, rows)
}

/// What `LimitLayerStatements.ofPeople` says of these people.
func foldLimitLayers(of people: some Sequence<PersonID>, _ rows: Rows) throws -> [PersonID: PersonLimitLayers] {
    var layers: [PersonID: PersonLimitLayers] = [:]
    for person in people { layers[person] = PersonLimitLayers(person: person) }
    for row in rows {
        let person = PersonID(try row.int8(0))
        let document = try row.text(3)
        switch try row.text(1) {
        case "team": layers[person]?.team = document
        case "project": layers[person]?.projects[ProjectID(try row.int8(2))] = document
        case "person": layers[person]?.engineer = document
        default: layers[person]?.raise = document
        }
    }
    return layers
}

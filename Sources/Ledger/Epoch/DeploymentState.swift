public import PlimsollModel
internal import Postgres

/// What every flush must obey besides a person's own facts; valid for one epoch version.
public struct DeploymentState: Sendable {
    public var epoch: Int64
    public var policyVersion: Int64
    /// The document's text as applied; nil: the shipped defaults.
    public var policyDocument: String?
    public var readOnly: Bool
    /// Those that are not closed.
    public var projects: [ProjectID: StoredProject]
    /// Nothing is leased of them; an answer that comes late is still kept.
    public var closedProjects: [ProjectID: StoredProject]
    /// Coordinators that have joined and not left.
    public var members: Set<CoordinatorID>
}

public struct StoredProject: Sendable {
    public var id: ProjectID
    public var name: String
    public var state: String
    public var overlap: Int
    public var weight: Int
    public var effortSeconds: Int
    public var answerSchema: String
    public var instructions: String
    public var instructionsVersion: Int64
    public var purposes: [PurposeName]
    /// Of these and of the severities' own, those that no notice is in force for. True while the epoch is: a notice's
    /// first version is in force at once, and publishing it raises the epoch.
    public var withoutNotice: Set<PurposeName>
}

extension DeploymentState {
    private static let version = Statement(
        "state_epoch", "select version from epoch order by version desc limit 1")
    private static let policy = Statement(
        "state_policy", "select version, document from policy order by version desc limit 1")
    private static let deployment = Statement("state_deployment", "select read_only from deployment")
    private static let projects = Statement(
        "state_projects",
        """
        select p.project_id, p.name, p.state, p.overlap, p.weight, p.effort_seconds, p.answer_schema,
            coalesce(i.body, ''), p.instructions_version,
            coalesce((select array_agg(x.purpose order by x.purpose) from project_purpose x
                where x.project_id = p.project_id), '{}'),
            coalesce((select array_agg(x.purpose order by x.purpose) from (
                    select u.purpose from project_purpose u where u.project_id = p.project_id
                    union values ('\(PurposeName.severity2)'), ('\(PurposeName.severity3)')) x
                where not exists (select from notice n where n.purpose = x.purpose
                    and n.effective_at <= plimsoll.clock())), '{}')
        from project p
        left join instructions i on i.project_id = p.project_id and i.version = p.instructions_version
        """)
    private static let members = Statement(
        "state_members", "select coordinator_id from coordinator where left_at is null")

    /// Reads the state in the caller's transaction, which holds the epoch lock.
    static func read(on connection: Connection) async throws -> DeploymentState {
        let rows = try await connection.pipeline([
            Query(version), Query(policy), Query(deployment), Query(projects), Query(members),
        ])
        var state = DeploymentState(
            epoch: try rows[0][0].int8(0), policyVersion: 0, policyDocument: nil,
            readOnly: try rows[2][0].bool(0), projects: [:], closedProjects: [:], members: [])
        if let row = rows[1].first {
            state.policyVersion = try row.int8(0)
            state.policyDocument = try row.text(1)
        }
        for row in rows[3] {
            let id = ProjectID(try row.int8(0))
            let project = StoredProject(
                id: id, name: try row.text(1), state: try row.text(2), overlap: Int(try row.int2(3)),
                weight: Int(try row.int4(4)), effortSeconds: Int(try row.int4(5)), answerSchema: try row.text(6),
                instructions: try row.text(7), instructionsVersion: try row.int8(8),
                purposes: try row.textArray(9).map { PurposeName($0) },
                withoutNotice: Set(try row.textArray(10).map { PurposeName($0) }))
            if project.state == "closed" { state.closedProjects[id] = project } else { state.projects[id] = project }
        }
        for row in rows[4] { state.members.insert(CoordinatorID(try row.int8(0))) }
        return state
    }
}

extension DeploymentState {
    /// The policy's document, parsed; what the shipped one writes out in full is nobody's decision.
    public func policyInForce() throws -> PolicyDocument {
        guard let policyDocument else { return .defaults }
        var document = try PolicyDocument(yaml: policyDocument)
        if policyDocument == ShippedPolicy.document { document.named = [] }
        return document
    }
}

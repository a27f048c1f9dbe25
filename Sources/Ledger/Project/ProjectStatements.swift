import Postgres

enum ProjectStatements {
    private static let select = """
        select p.project_id, p.name, p.state, p.overlap, p.weight, p.effort_seconds, p.answer_schema,
            p.instructions_version, coalesce(i.body, ''),
            coalesce((select array_agg(u.purpose order by u.purpose) from project_purpose u
                where u.project_id = p.project_id), '{}'),
            coalesce((select array_agg(n.name order by n.position) from named_person n
                where n.project_id = p.project_id), '{}'), p.refill
        from project p left join instructions i
            on i.project_id = p.project_id and i.version = p.instructions_version
        """
    /// Index: project_name_key.
    static let byName = Statement("project_by_name", select + " where p.name = $1")
    static let list = Statement("project_list", select + " order by p.name")
    /// Keeps two changes of one project apart. Index: project_name_key. Lock order: after the epoch and people.
    static let lock = Statement("project_lock", "select project_id from project where name = $1 for no key update")

    static let insert = Statement(
        "project_insert",
        """
        insert into project (name, overlap, weight, effort_seconds, answer_schema, refill)
        values ($1, $2, $3, $4, $5, $6) on conflict (name) do nothing returning project_id
        """)
    static let instructions = Statement(
        "project_instructions", "insert into instructions (project_id, version, body) values ($1, $2, $3)")
    static let purposes = Statement(
        "project_purposes",
        "insert into project_purpose (project_id, purpose) select distinct $1::bigint, unnest($2::text[])")
    static let dropPurposes = Statement(
        "project_drop_purposes", "delete from project_purpose where project_id = $1")
    static let namedPersons = Statement(
        "project_named_persons",
        """
        insert into named_person (project_id, position, name)
        select $1, n.position, n.name from unnest($2::text[]) with ordinality n (name, position)
        """)
    static let dropNamedPersons = Statement(
        "project_drop_named_persons", "delete from named_person where project_id = $1")
    static let set = Statement(
        "project_set",
        """
        update project set weight = coalesce($2, weight), effort_seconds = coalesce($3, effort_seconds),
            instructions_version = coalesce($4, instructions_version), refill = coalesce($5, refill)
        where project_id = $1
        """)
    static let state = Statement("project_state", "update project set state = $2 where project_id = $1")
    /// Who holds work of a project. A walk over the open leases, which are few against everything else; under the
    /// exclusive epoch, so that no flush adds to them.
    static let holders = Statement(
        "project_holders",
        """
        select person_id from lease where project_id = $1
        union select person_id from parked where project_id = $1 order by person_id
        """)
    /// Index: person_name_key.
    static let unknownNames = Statement(
        "project_unknown_names",
        """
        select n.name from unnest($1::text[]) with ordinality n (name, place)
        where not exists (select from person p where p.name = n.name) order by n.place
        """)
}

public import PlimsollModel
import Postgres

enum EnrolledStatements {
    /// A walk over the people, with one probe each. Index: enrolment_person.
    static let all = Statement(
        "enrolled_all",
        """
        select p.person_id, p.name, p.zone from person p
        where exists (select from enrolment e where e.person_id = p.person_id) order by p.name
        """)
    /// Index: enrolment_pkey.
    static let ofProject = Statement(
        "enrolled_of_project",
        """
        select person_id from enrolment where project_id = $1 and person_id > $2 order by person_id limit $3
        """)
}

extension Ledger {
    /// Everybody who is enrolled, by name.
    public func enrolledPeople() async throws -> [PersonRow] {
        try await read(Query(EnrolledStatements.all)).map { try PersonRow($0) }
    }

    /// Who is enrolled in a project, in id order, so many from a person on.
    public func enrolledPeople(
        in project: ProjectID, after person: PersonID, limit: Int
    ) async throws -> [PersonID] {
        try await read(
            Query(
                EnrolledStatements.ofProject, .int8(project.rawValue), .int8(person.rawValue), .int8(Int64(limit)))
        ).map { PersonID(try $0.int8(0)) }
    }
}

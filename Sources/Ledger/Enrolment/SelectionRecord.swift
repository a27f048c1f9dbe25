public import PlimsollModel
import Postgres

/// Why somebody was asked to work in a project. No record, no lease.
public struct SelectionRecord: Sendable, Hashable {
    /// The rule by which people are chosen, with its version.
    public var rule: String
    public var dataUsed: String
    /// The name of the human being who decided: a person who holds the role supervisor or operator.
    public var decidedBy: String
    public var alternativeOffered: String

    public init(rule: String, dataUsed: String, decidedBy: String, alternativeOffered: String) {
        self.rule = rule
        self.dataUsed = dataUsed
        self.decidedBy = decidedBy
        self.alternativeOffered = alternativeOffered
    }

    /// Throws `.invalid`, naming all that is missing.
    func check() throws {
        let missing = [
            ("rule", rule), ("data used", dataUsed), ("decided by", decidedBy),
            ("alternative offered", alternativeOffered),
        ].filter { $0.1.allSatisfy(\.isWhitespace) }.map(\.0)
        guard missing.isEmpty else {
            throw LedgerError(
                .invalid, "the selection record lacks: \(missing.joined(separator: ", "))",
                remedy: "no record, no lease: say each of them")
        }
        // Rules change; a record without the version could not be held against the one that was applied.
        guard rule.contains(where: \.isNumber) else {
            throw LedgerError(
                .invalid, "the rule “\(rule)” does not say which version of it was applied",
                remedy: "write for example “volunteers, version 2”")
        }
    }
}

/// A selection record as it is kept, for the eyes of the person it is about.
public struct KeptSelection: Sendable, Hashable {
    public let project: String
    public let record: SelectionRecord
    public let decidedAt: Moment
    /// How it ended; nil: the enrolment holds.
    public let end: End?

    public struct End: Sendable, Hashable {
        public let at: Moment
        public let by: String
        /// Nil: the person's own act, which needs none.
        public let reason: String?
    }
}

enum SelectionStatements {
    /// The present ones first, then those that are over, latest first. Indexes: enrolment_person,
    /// past_enrolment_person.
    static let kept = Statement(
        "selection_kept",
        """
        select j.name, e.rule, e.data_used, e.decided_by, e.alternative_offered, e.decided_at,
            null::timestamptz as ended_at, null::text as ended_by, null::text as end_reason
        from person p join enrolment e using (person_id) join project j using (project_id) where p.name = $1
        union all
        select j.name, e.rule, e.data_used, e.decided_by, e.alternative_offered, e.decided_at,
            e.ended_at, e.ended_by, e.end_reason
        from person p join past_enrolment e using (person_id) join project j using (project_id) where p.name = $1
        order by ended_at desc nulls first, decided_at desc
        """)
}

extension Ledger {
    /// Every selection record of one person, those that are over included. Throws `.notFound`.
    public func selections(of name: String) async throws -> [KeptSelection] {
        guard try await person(named: name) != nil else { throw unknownPerson(name) }
        return try await read(Query(SelectionStatements.kept, .text(name))).map { row in
            var end: KeptSelection.End?
            if let at = try row.timestamptzOrNil(6) {
                end = KeptSelection.End(
                    at: Moment(microseconds: at), by: try row.text(7), reason: try row.textOrNil(8))
            }
            return KeptSelection(
                project: try row.text(0),
                record: SelectionRecord(
                    rule: try row.text(1), dataUsed: try row.text(2), decidedBy: try row.text(3),
                    alternativeOffered: try row.text(4)),
                decidedAt: Moment(microseconds: try row.timestamptz(5)), end: end)
        }
    }
}

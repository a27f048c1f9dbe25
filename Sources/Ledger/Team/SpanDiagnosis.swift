import PlimsollModel
import Postgres

enum SpanDiagnosisStatements {
    /// Everybody who answers for a team, how many are in their teams, and whether they may. A row a team, counted
    /// through team_member_team.
    static let supervisors = Statement.unprepared(
        """
        select p.name, sum((select count(*) from team_member m where m.team_id = t.team_id))::bigint as engineers,
            exists (select from role_grant r where r.person_id = p.person_id and r.role in ('supervisor', 'operator'))
                and not exists (select from denial d where d.person_id = p.person_id)
        from team t join person p on p.person_id = t.supervisor_id
        group by p.person_id, p.name order by engineers desc, p.name
        """)
    static let teamless = Statement.unprepared(
        """
        select count(distinct e.person_id) from enrolment e
        where not exists (select from team_member m where m.person_id = e.person_id)
        """)
}

extension Ledger {
    /// What `doctor` says of the span of control: each supervisor who answers for too many or who may not, and whether
    /// somebody is enrolled whom nobody answers for.
    func spanRows() async throws -> [DiagnosisRow] {
        let limits = try await policy().parsed().oversight
        var rows: [DiagnosisRow] = []
        var widest = 0
        for row in try await read(Query(SpanDiagnosisStatements.supervisors)) {
            let span = SpanOfControl(
                team: "", supervisor: try row.text(0), engineers: Int(try row.int8(1)), warnAbove: limits.spanWarn,
                max: limits.spanMax)
            widest = max(widest, span.engineers)
            if let warning = span.warning {
                rows.append(
                    DiagnosisRow(
                        SpanOfControl.rule, .warning, warning,
                        remedy: "plimsoll team create NAME --supervisor OTHER, then plimsoll engineer move"))
            }
            if try !row.bool(2), span.engineers > 0 {
                rows.append(
                    DiagnosisRow(
                        SpanOfControl.rule, .warning,
                        "\(span.supervisor) answers for \(span.engineers) engineers and holds neither the role "
                            + "supervisor nor operator, or is denied",
                        remedy: "plimsoll team set NAME --supervisor OTHER"))
            }
        }
        let teamless = try await read(Query(SpanDiagnosisStatements.teamless))[0].int8(0)
        if teamless > 0 {
            rows.append(
                DiagnosisRow(
                    SpanOfControl.rule, .warning, "nobody answers for \(teamless) engineers: they are in no team",
                    remedy: "plimsoll engineer move NAME --team TEAM --reason WHY"))
        }
        guard rows.isEmpty else { return rows }
        return [
            DiagnosisRow(
                SpanOfControl.rule, .ok,
                widest == 0
                    ? "no engineers yet" : "at most \(widest) engineers a supervisor, \(limits.spanMax) allowed")
        ]
    }
}

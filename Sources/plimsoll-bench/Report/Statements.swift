import Foundation

/// Where PostgreSQL's time went in a row (pg_stat_statements).
enum Statements {
    private static let query = """
        select round(total_exec_time)::text || ' ms  ' || calls || ' calls  '
            || round((total_exec_time / greatest(calls, 1))::numeric, 3) || ' ms/call  ' || rows || ' rows  '
            || wal_bytes / 1024 || ' KiB WAL  ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 160)
        from pg_stat_statements order by total_exec_time desc limit 25
        """

    static func show(_ deployment: BenchDeployment) async throws {
        for line in try await deployment.sql(query).split(separator: "\n") { Note.line("  \(line)") }
    }
}

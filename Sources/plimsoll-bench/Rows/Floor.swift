import Foundation
import PrivateCluster

/// The yardstick: the least SQL that PostgreSQL needs for the same rows, by pgbench on the same cluster. A batch is
/// leased in one transaction; in a second one its labels are written and its leases deleted. The tables are the
/// schema's own with their indexes, without triggers; nothing is checked, no person locked, no task read.
actor Floor {
    private let deployment: BenchDeployment
    private let settings: BenchSettings
    private var isMade = false

    /// Tasks of one batch: about what a flush carries when 64 streams ask for 32 each.
    static let batch = 1_024
    private static let connections = 3
    private static let people = 64

    init(deployment: BenchDeployment, settings: BenchSettings) {
        self.deployment = deployment
        self.settings = settings
    }

    private static let tables = """
        create schema floor;
        create table floor.lease (like plimsoll.lease including all) with (autovacuum_enabled = off);
        create table floor.label (like plimsoll.label including all) with (autovacuum_enabled = off);
        create sequence floor.run as bigint;
        """

    private static let script = """
        select nextval('floor.run') * \(batch) as first \\gset
        begin;
        insert into floor.lease
            select n, 1, n % \(people), n, 1, 1, now(), now(), now() + interval '3 minutes', 1, 1, '{0,32,0,1000000}'
            from unnest(array(select generate_series(:first::bigint, :first::bigint + \(batch - 1)))) n;
        commit;
        begin;
        insert into floor.label
            select n, 1, n % \(people), n, 1, 1, 1, current_date, decode(md5(n::text), 'hex'), '{"label":"good"}'
            from unnest(array(select generate_series(:first::bigint, :first::bigint + \(batch - 1)))) n;
        delete from floor.lease l
            using unnest(array(select generate_series(:first::bigint, :first::bigint + \(batch - 1)))) n
            where l.task_id = n and l.slot = 1;
        commit;

        """

    /// One run; gives tasks a second.
    func measure() async throws -> Double {
        if !isMade {
            try await deployment.sql(Self.tables)
            isMade = true
        }
        let file = deployment.directory.appending(path: "floor.sql")
        try Self.script.write(to: file, atomically: true, encoding: .utf8)
        _ = try await pgbench(file, seconds: max(1, Int(settings.warmUp.seconds)))
        let rate = try await pgbench(file, seconds: max(1, Int(settings.measured.seconds)))
        // What is measured next must not share the machine with a vacuum of these.
        try await deployment.sql("truncate floor.lease, floor.label")
        Note.line("floor: \(rate.figure) tasks/s")
        return rate
    }

    private func pgbench(_ file: URL, seconds: Int) async throws -> Double {
        let text = try await Program.run(
            deployment.installation.path("pgbench"),
            [
                "-n", "-M", "prepared", "-T", "\(seconds)", "-c", "\(Self.connections)", "-j", "2", "-f", file.path,
                deployment.cluster.conninfo(),
            ], in: deployment.directory)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
            let rate = Double(line.dropFirst(6).prefix { $0.isNumber || $0 == "." })
        else { throw BenchError(.program, "pgbench gave no rate: \(text.suffix(500))") }
        return rate * Double(Self.batch)
    }
}

struct FloorRow: BenchRow {
    static let name = "floor"
    static let summary = "the least SQL that PostgreSQL needs for the same rows, by pgbench: the yardstick of ratios"

    func run(_ context: BenchContext) async throws -> [Measurement] {
        var runs: [Double] = []
        for _ in 0..<context.settings.runs { runs.append(try await context.floor.measure()) }
        return [
            Measurement(
                "floor", runs, unit: "tasks/s",
                notes: ["batches of \(Floor.batch), 3 connections, tables and indexes as in the schema, no triggers"])
        ]
    }
}

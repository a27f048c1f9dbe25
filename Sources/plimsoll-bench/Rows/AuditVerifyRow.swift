import Foundation
import Identity

/// The whole command: starting the program, mutual TLS, where the chain ends, every page as a coordinator serves it,
/// details, links and the signatures of the heads (P11).
struct AuditVerifyRow: BenchRow {
    static let name = "audit-verify"
    static let summary = "events of the record verified a second by `plimsoll audit verify`, whole"
    static let target = 100_000.0

    /// Events that are written at once; the coordinator seals them before the next.
    private static let sliceEvents = 50_000
    private static let sealedWithin = Duration.seconds(300)

    func run(_ context: BenchContext) async throws -> [Measurement] {
        try await makeChain(context)
        var runs: [Double] = []
        var last = ""
        for _ in 0..<context.settings.runs {
            let run = try await verify(context)
            Note.line("audit verify: \(run.rate.figure) events/s")
            runs.append(run.rate)
            last = run.said
        }
        return [
            Measurement(
                Self.name, runs, unit: "events/s", target: "100,000", met: runs.median >= Self.target,
                notes: [
                    "every second event a person's own, whose detail the coordinator compares",
                    "last run, without the program's start: \(last)",
                ])
        ]
    }

    /// The command's end with another code than 0 is thrown, so what is measured found every event in order.
    private func verify(_ context: BenchContext) async throws -> (rate: Double, said: String) {
        let deployment = context.deployment
        let port = await deployment.first.port
        let start = Moment.now
        let output = try await Program.run(
            deployment.plimsoll.path,
            [
                "audit", "verify", "--server", "127.0.0.1:\(port)", "--identity",
                deployment.operatorFiles.directory.path, "-o", "json",
            ], in: deployment.directory)
        let seconds = Double(Moment.now - start) / 1e9
        let verified = "verified "
        guard let said = output.split(whereSeparator: \.isNewline).first(where: { $0.hasPrefix(verified) }),
            let events = Int(said.dropFirst(verified.count).prefix(while: { $0 != " " }).filter { $0 != "," }),
            events >= context.settings.chainEvents
        else { throw BenchError(.program, "not the whole chain was verified: \(output.suffix(400))") }
        return (Double(events) / seconds, String(said))
    }

    /// Events by SQL, since no call makes so many; links and heads by the coordinator's sealer, as always.
    private func makeChain(_ context: BenchContext) async throws {
        let count = context.settings.chainEvents
        Note.line("writing and sealing \(Double(count).figure) events")
        var written = 0
        while written < count {
            let slice = min(Self.sliceEvents, count - written)
            try await context.deployment.sql(Self.insert(slice))
            try await context.deployment.sql(
                "analyze plimsoll.chain_event, plimsoll.chain_detail, plimsoll.chain_link, plimsoll.chain_unsealed")
            try await waitUntilSealed(context)
            written += slice
        }
    }

    private func waitUntilSealed(_ context: BenchContext) async throws {
        let deadline = Moment.now + Self.sealedWithin.nanoseconds
        while try await context.deployment.sql("select exists (select from plimsoll.chain_unsealed)").hasPrefix("t") {
            guard Moment.now < deadline else {
                throw BenchError(
                    .coordinator, "the chain was not sealed within \(Self.sealedWithin.seconds.figure) s")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Events with their details as the ledger writes them, each with a salt and its hash; half are of a kind that is
    /// shown to nobody else.
    private static func insert(_ count: Int) -> String {
        """
        with drawn as materialized (
            select nextval(pg_get_serial_sequence('plimsoll.chain_event', 'event_id')) as id,
                case when i % 2 = 0 then 'consent.given' else 'role.granted' end as kind,
                decode(md5(i::text), 'hex') as salt,
                '{"actor":"\(BenchDeployment.operatorName)","person":"engineer-' || i
                    || '","role":"engineer","reason":"as long as what is usually said of an event"}' as words
            from generate_series(1, \(count)) i),
        event as (
            insert into plimsoll.chain_event (event_id, at, kind, hash) overriding system value
            select id, plimsoll.clock(), kind, sha256(salt || convert_to(words, 'UTF8')) from drawn),
        waiting as (insert into plimsoll.chain_unsealed (event_id) select id from drawn)
        insert into plimsoll.chain_detail (event_id, salt, actor, detail)
        select id, salt, '\(BenchDeployment.operatorName)', words::json from drawn
        """
    }
}

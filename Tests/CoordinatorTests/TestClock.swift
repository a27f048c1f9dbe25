import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// The database's clock as a test needs it (P8): the schema's one function is replaced in the test's own database.
extension Deployment {
    /// What the database's clock says.
    func now() async throws -> Moment { try await moment("clock()") }

    /// An instant as SQL writes it.
    func moment(_ sql: String) async throws -> Moment {
        Moment(microseconds: try await number("select (extract(epoch from (\(sql))::timestamptz) * 1000000)::bigint"))
    }

    /// Sets the clock and lets it go on, or stand still. Coordinators stay members, as if they had renewed their lives
    /// by the new clock.
    func setClock(_ moment: Moment, standing: Bool = false) async throws {
        let instant = "to_timestamp(\(moment.seconds)) + interval '\(moment.microseconds % 1_000_000) microseconds'"
        let body =
            standing
            ? "select \(instant)"
            : """
            select clock_timestamp() + make_interval(secs => \
            \(try await number("select extract(epoch from \(instant) - clock_timestamp())::bigint")))
            """
        try await owner.execute(
            script: """
                begin;
                lock table coordinator_life in share row exclusive mode;
                create or replace function clock() returns timestamptz language sql volatile parallel restricted
                    as $$ \(body) $$;
                insert into coordinator_life (coordinator_id, n, until)
                    select coordinator_id, max(n) + 1, clock() + interval '3 seconds' from coordinator_life group by 1;
                commit;
                """)
        try await eventually("there are partitions for that day") {
            do {
                return try await number("select ensure_partitions(7)") >= 0
            } catch let error as PostgresError where error.sqlState == "55P03" {
                return false
            }
        }
    }

    func moveClock(by duration: Duration) async throws { try await setClock(try await now() + duration) }

    /// A policy that sets these limits and takes the defaults for the others, but without quiet hours: no test depends
    /// on the hour at which it runs.
    func policy(_ limits: String...) async throws {
        let lines = (["quiet-hours: none"] + limits).map { "  \($0)\n" }.joined()
        _ = try await ledger.applyPolicy("limits:\n" + lines, reason: "a test", by: "op")
    }
}

extension Hand {
    func park(_ lease: LeaseReference) {
        var request = StreamRequest()
        request.parks = [lease]
        stream.receive(request)
    }

    func extend(_ lease: LeaseReference) {
        var request = StreamRequest()
        request.extends = [lease]
        stream.receive(request)
    }

    /// What became of a park, extension, release or decline.
    func change() async throws -> LeaseChange {
        let seen = try await read { !$0.changes.isEmpty }
        return try #require(seen.flatMap(\.changes).first)
    }

    /// Everything that is still said, and how the stream ended.
    func readToTheEnd() async -> (said: [StreamReply], end: StreamEnd?) {
        var said: [StreamReply] = []
        do {
            try await read { reply in
                said.append(reply)
                return false
            }
            return (said, nil)
        } catch {
            return (said, error as? StreamEnd)
        }
    }

    /// Asks until a lease comes, whatever is said meanwhile.
    func patientLease(within budget: Duration = .seconds(60)) async throws -> LeaseGrant {
        let end = ContinuousClock.now + budget
        var last: IdleAnswer?
        while ContinuousClock.now < end {
            want(1)
            let (leases, idle) = try await next()
            if let lease = leases.first { return lease }
            last = idle ?? last
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("no lease came, and why: \(String(describing: last))")
        throw CancellationError()
    }

    /// Asks for one more and expects a rule to refuse it.
    func refusal() async throws -> Refusal {
        for _ in 0..<100 {
            want(1)
            let (leases, idle) = try await next()
            try #require(leases.isEmpty, "a lease was granted")
            if let refusal = idle?.refusal { return refusal }
            // Not ready for a moment, or looked through the spans.
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("no rule refused")
        throw CancellationError()
    }
}

import Foundation

struct KillRow: BenchRow {
    static let name = "kill"
    static let summary =
        "a coordinator killed with 6,500 workers (--workers); another one serves: first grant, half rate"
    static let perSecond = 500.0
    static let firstMax = 5.0
    static let halfMax = 15.0

    private static let watch = Duration.seconds(60)

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let settings = context.settings
        try await context.applyPolicy(file: BenchContext.benchPolicy)
        let engineers = try await context.people.first(settings.workers)
        try await context.tasks.fill(People.project, to: Int(Self.perSecond * (context.runSeconds + 120)) + 20_000)
        // The one that dies is a second one, so that the first goes on for the rows that follow.
        let victim = try await context.deployment.addCoordinator()
        var plan = Fleet.Plan(
            engineers: engineers, ports: [victim.port, await context.deployment.first.port], project: People.project)
        plan.ramp = settings.ramp
        plan.reconnects = true
        let fleet = Fleet(plan, on: context.group)
        let loop = OpenLoop(workers: engineers.count, perSecond: Self.perSecond, keepsAcked: true) {
            fleet.note($0, $1)
        }
        let labelsBefore = try await labels(context)
        let found = try await fleet.run(loop) { try await self.observe(loop, fleet, victim, settings) }
        await context.deployment.remove(victim)
        let acked = loop.ackedTasks
        let lost = try await missing(acked, context)
        let stored = try await labels(context) - labelsBefore
        let doubled = acked.count - Set(acked).count
        let whole =
            "\(acked.count) labels acknowledged, \(lost) of them missing, \(stored) stored, "
            + "\(doubled) acknowledged again after the reconnect"
        return [
            Measurement(
                "kill first grant", [found.first], unit: "s", target: "5",
                met: found.first <= Self.firstMax && lost == 0,
                notes: [whole, "\(engineers.count) workers"]),
            Measurement(
                "kill half rate", [found.half], unit: "s", target: "15", met: found.half <= Self.halfMax && lost == 0,
                notes: [found.remark]),
        ]
    }

    private struct Found: Sendable {
        var first: Double
        var half: Double
        var remark: String
    }

    private func observe(
        _ loop: OpenLoop, _ fleet: Fleet, _ victim: CoordinatorChild, _ settings: BenchSettings
    ) async throws -> Found {
        guard try await fleet.waitUntilConnected(within: .seconds(180)) else {
            throw BenchError(.coordinator, "only \(fleet.connected) workers were welcomed: \(fleet.lastError)")
        }
        return try await withThrowingTaskGroup(of: Found?.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask {
                try await loop.pace()
                return nil
            }
            tasks.addTask {
                try await Task.sleep(for: settings.warmUp)
                loop.reset()
                try await Task.sleep(for: settings.measured)
                let former = Double(loop.soFar.leases) / settings.measured.seconds
                await victim.kill()
                loop.reset()
                Note.line("killed at \(former.figure) leases/s")
                try await Task.sleep(for: Self.watch)
                let seen = loop.soFar
                let first = seen.firstLeaseAfter.map { Double($0) / 1e9 } ?? .infinity
                let half = seen.leasesBySecond.firstIndex { Double($0) >= former / 2 }.map { Double($0 + 1) }
                Note.line("leases by second: \(seen.leasesBySecond.prefix(30).map(String.init).joined(separator: " "))")
                let remark =
                    "\(former.figure) leases/s before; \(fleet.connected) workers back after "
                    + "\(Self.watch.seconds.figure) s, \(fleet.refused) attempts failed"
                return Found(first: first, half: half ?? .infinity, remark: remark)
            }
            while let finished = try await tasks.next() {
                if let finished { return finished }
            }
            throw CancellationError()
        }
    }

    private func labels(_ context: BenchContext) async throws -> Int {
        let text = try await context.deployment.sql("select count(*) from plimsoll.label")
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// How many of the acknowledged tasks have no label.
    private func missing(_ acked: [Int64], _ context: BenchContext) async throws -> Int {
        let file = context.deployment.directory.appending(path: "acked.txt")
        defer { try? FileManager.default.removeItem(at: file) }
        try acked.map(String.init).joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        try await context.deployment.sql("drop table if exists bench_acked; create table bench_acked (task_id bigint)")
        try await context.deployment.sql("\\copy bench_acked from '\(file.path)'")
        let text = try await context.deployment.sql(
            """
            select count(*) from bench_acked a
            where not exists (select from plimsoll.label l where l.task_id = a.task_id and l.slot = 1)
            """)
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
    }
}

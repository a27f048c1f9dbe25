import Foundation
import PrivateCluster

struct SnapshotRow: BenchRow {
    static let name = "snapshot"
    static let summary =
        "p99 at 2,000 tasks a second while a REPEATABLE READ snapshot is held (--hold), against without; then full rate"
    static let perSecond = 2_000.0
    static let times = 2.0
    /// The last part of the hold is what counts: dead rows have piled up by then.
    private static let windows = 5
    /// Of the hold, how long the throughput at full rate is looked at: 2 min of 10.
    private static let fullShare = 5

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let settings = context.settings
        let load = OpenLoopRun(context: context, workers: settings.workers, perSecond: Self.perSecond)
        let seconds = context.runSeconds + settings.hold.seconds
        let result = try await load.run(seconds: seconds) { loop, _ in
            try await Task.sleep(for: settings.warmUp)
            loop.reset()
            try await Task.sleep(for: settings.measured)
            let before = loop.soFar
            Note.line("without a snapshot: p99 \(before.milliseconds(99).figure) ms; \(before.remark)")
            let pinned = try await self.whilePinned(context) {
                var windows: [OpenLoop.Seen] = []
                for _ in 0..<Self.windows {
                    loop.reset()
                    try await Task.sleep(for: settings.hold / Self.windows)
                    windows.append(loop.soFar)
                    Note.line("snapshot held: p99 \(windows.last?.milliseconds(99).figure ?? "") ms")
                }
                return windows
            }
            return (before, pinned)
        }
        let before = result.0.milliseconds(99)
        let tails = result.1.map { $0.milliseconds(99) }
        let served = result.1.allSatisfy { $0.unserved == 0 && $0.leases >= $0.offered * 99 / 100 }
        let ratio = (tails.last ?? 0) / max(before, 0.001)
        let full = try await fullRate(context)
        return [
            Measurement(
                Self.name, tails, unit: "ms p99", target: "2 x unpinned, all served",
                met: ratio <= Self.times && served, ratio: ratio, ratioTo: "unpinned",
                notes: [
                    "unpinned p99 \(before.figure) ms", "held \(settings.hold.seconds.figure) s in 5 windows",
                    result.1.last?.remark ?? "",
                ]),
            full,
        ]
    }

    /// The rate of throughput-batch while a snapshot is held, against the rate before.
    private func fullRate(_ context: BenchContext) async throws -> Measurement {
        let throughput = Throughput(
            context: context, streams: ThroughputBatchRow.streams, batch: ThroughputBatchRow.batch)
        let unpinned = try await throughput.run("without a snapshot", expecting: nil).rate
        var longer = context
        longer.settings.measured = context.settings.hold / Self.fullShare
        let pinned = Throughput(
            context: longer, streams: ThroughputBatchRow.streams, batch: ThroughputBatchRow.batch)
        let rate = try await whilePinned(context) {
            try await pinned.run("snapshot held", expecting: unpinned).rate
        }
        return Measurement(
            "snapshot full rate", [rate], unit: "labels/s", target: "reported", ratio: rate / unpinned,
            ratioTo: "unpinned", notes: ["held \(longer.settings.measured.seconds.figure) s"])
    }

    private func whilePinned<Value: Sendable>(
        _ context: BenchContext, _ body: () async throws -> Value
    ) async throws -> Value {
        let psql = try Program(
            context.deployment.installation.path("psql"), [context.deployment.cluster.conninfo(), "-X", "-q"],
            output: context.deployment.directory.appending(path: "snapshot.log"))
        let outcome: Result<Value, any Error>
        do {
            try psql.say("begin isolation level repeatable read; select count(*) from plimsoll.project;")
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        await psql.stop()
        return try outcome.get()
    }
}

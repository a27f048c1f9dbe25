import Foundation

struct LatencyRow: BenchRow {
    static let name = "latency"
    static let summary =
        "want to lease at 500 leases and 500 submits a second with 6,500 workers (--workers), open loop"
    static let perSecond = 500.0
    static let medianMax = 5.0
    static let tailMax = 20.0

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let settings = context.settings
        let disk = try Disk.fsyncMilliseconds(in: context.deployment.directory)
        let load = OpenLoopRun(context: context, workers: settings.workers, perSecond: Self.perSecond)
        let seen = try await load.run(seconds: context.runSeconds * Double(settings.runs)) { loop, _ in
            try await Task.sleep(for: settings.warmUp)
            var seen: [OpenLoop.Seen] = []
            for _ in 0..<settings.runs {
                loop.reset()
                try await Task.sleep(for: settings.measured)
                let one = loop.soFar
                Note.line("latency: p50 \(one.milliseconds(50).figure) ms, p99 \(one.milliseconds(99).figure) ms")
                seen.append(one)
            }
            return seen
        }
        let medians = seen.map { $0.milliseconds(50) }
        let tails = seen.map { $0.milliseconds(99) }
        let notes = [
            "\(settings.workers) workers", seen.last?.remark ?? "",
            "fsync here p50 \(disk.p50.figure) ms, p99 \(disk.p99.figure) ms",
        ]
        return [
            Measurement(
                "latency p50", medians, unit: "ms", target: "5", met: medians.median <= Self.medianMax, notes: notes),
            Measurement("latency p99", tails, unit: "ms", target: "20", met: tails.median <= Self.tailMax),
        ]
    }
}

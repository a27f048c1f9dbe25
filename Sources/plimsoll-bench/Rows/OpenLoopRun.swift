import Foundation
import Histogram

/// A fleet at a fixed rate, for rows about latency.
struct OpenLoopRun: Sendable {
    let context: BenchContext
    var workers: Int
    var perSecond: Double

    private static let connectWithin = Duration.seconds(180)

    /// Connects the fleet, paces it, and runs `body` once all are connected.
    func run<Value: Sendable>(
        seconds: Double, _ body: @Sendable @escaping (OpenLoop, Fleet) async throws -> Value
    ) async throws -> Value {
        try await context.applyPolicy(file: BenchContext.benchPolicy)
        let engineers = try await context.people.first(workers)
        try await context.tasks.fill(People.project, to: Int(perSecond * (seconds + 60)) + 10_000)
        var plan = Fleet.Plan(
            engineers: engineers, ports: [await context.deployment.first.port], project: People.project,
            ramp: context.settings.ramp)
        plan.reconnects = true
        let fleet = Fleet(plan, on: context.group)
        let loop = OpenLoop(workers: workers, perSecond: perSecond) { fleet.note($0, $1) }
        let count = workers
        let value = try await fleet.run(loop) {
            guard try await fleet.waitUntilConnected(within: Self.connectWithin) else {
                throw BenchError(
                    .coordinator, "only \(fleet.connected) of \(count) workers were welcomed: \(fleet.lastError)")
            }
            Note.line("\(count) workers are connected (\(fleet.refused) attempts failed, \(fleet.lost) streams lost)")
            return try await withThrowingTaskGroup(of: Value?.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask {
                    try await loop.pace()
                    return nil
                }
                tasks.addTask { try await body(loop, fleet) }
                while let finished = try await tasks.next() {
                    if let finished { return finished }
                }
                throw CancellationError()
            }
        }
        context.tasks.took(Int(perSecond * (seconds + 60)), from: People.project)
        return value
    }
}

extension OpenLoop.Seen {
    func milliseconds(_ percentile: Double) -> Double {
        latency.totalCount == 0 ? 0 : Double(latency.valueAtPercentile(percentile)) / 1e6
    }

    var remark: String {
        "offered \(offered), leases \(leases), labels \(labels), unserved \(unserved)"
            + (otherSettlements > 0 ? ", other settlements \(otherSettlements)" : "")
    }
}

import Foundation
import Synchronization

/// Throughput of a closed loop: how many labels a second are acknowledged to workers that always want more.
struct Throughput: Sendable {
    let context: BenchContext
    var streams: Int
    var batch: Int
    var project = People.project
    /// Holds the backlog at this many tasks by refilling while it runs; nil: filled before the run.
    var heldBacklog: Int?

    /// What a run is expected to take at most, until one has shown it.
    private static let ratePresumed = 45_000.0
    private static let refillChunk = 5_000
    private static let connectWithin = Duration.seconds(120)
    private static let drainWithin = Duration.seconds(10)

    struct Run: Sendable {
        var rate = 0.0
        /// Items in one message of the coordinator, on the average.
        var itemsPerMessage = 0.0
        var refusals = 0
        var idles = 0
        var lastIdle = ""
        /// Processors busy with: coordinator, this process.
        var coordinatorCPU = 0.0
        var clientCPU = 0.0
        var remark: String {
            String(
                format: "%.1f leases a message, coordinator %.2f CPU, clients %.2f CPU", itemsPerMessage,
                coordinatorCPU, clientCPU)
                + (refusals > 0 ? ", \(refusals) refusals" : "") + (idles > 0 ? ", \(idles) idles (\(lastIdle))" : "")
        }
    }

    /// One run. `expected` labels a second decide how many tasks are made ready.
    func run(_ name: String, expecting expected: Double?) async throws -> Run {
        let engineers = try await context.people.first(streams)
        if let held = heldBacklog {
            try await context.tasks.fill(project, to: held)
        } else {
            let needed =
                (expected.map { $0 * 1.4 } ?? Self.ratePresumed) * context.runSeconds + Double(streams * batch * 4)
            try await context.tasks.fill(project, to: Int(needed))
        }
        let plan = Fleet.Plan(
            engineers: engineers, ports: [await context.deployment.first.port], project: project,
            ramp: .milliseconds(streams * 2))
        let fleet = Fleet(plan, on: context.group)
        let loop = ClosedLoop(batch: batch) { fleet.note($0, $1) }
        let result = try await fleet.run(loop) { try await measure(loop, fleet) }
        context.tasks.took(loop.leases, from: project)
        if heldBacklog == nil, context.tasks.left(in: project) <= streams * batch, result.rate > 0 {
            Note.line("\(name): the tasks ran out at \(result.rate.figure) labels/s; once more with twice as many")
            return try await run(name, expecting: max(result.rate, expected ?? Self.ratePresumed) * 2)
        }
        Note.line("\(name): \(result.rate.figure) labels/s; \(result.remark)")
        return result
    }

    private func measure(_ loop: ClosedLoop, _ fleet: Fleet) async throws -> Run {
        guard try await fleet.waitUntilConnected(within: Self.connectWithin) else {
            throw BenchError(.coordinator, "only \(fleet.connected) of \(streams) workers were welcomed")
        }
        return try await withThrowingTaskGroup(of: Run?.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask {
                try await loop.askAgain()
                return nil
            }
            if let held = heldBacklog {
                tasks.addTask {
                    try await self.refill(held, loop)
                    return nil
                }
            }
            tasks.addTask { try await self.observe(loop) }
            while let finished = try await tasks.next() {
                if let finished { return finished }
            }
            throw CancellationError()
        }
    }

    private func observe(_ loop: ClosedLoop) async throws -> Run {
        let process = await context.deployment.first.processID ?? 0
        try await Task.sleep(for: context.settings.warmUp)
        let idlesBefore = loop.idles
        let before = (Moment.now, loop.labels, loop.leases, loop.received, loop.refusals)
        let cpuBefore = (Program.processorSeconds(of: process) ?? 0, Program.processorSeconds(of: getpid()) ?? 0)
        try await Task.sleep(for: context.settings.measured)
        let seconds = Double(Moment.now - before.0) / 1e9
        var run = Run()
        run.rate = Double(loop.labels - before.1) / seconds
        run.itemsPerMessage = Double(loop.leases - before.2) / Double(max(1, loop.received - before.3))
        run.refusals = loop.refusals - before.4
        run.idles = loop.idles - idlesBefore
        run.lastIdle = loop.lastIdle
        run.coordinatorCPU = ((Program.processorSeconds(of: process) ?? 0) - cpuBefore.0) / seconds
        run.clientCPU = ((Program.processorSeconds(of: getpid()) ?? 0) - cpuBefore.1) / seconds
        try await loop.drain(within: Self.drainWithin)
        return run
    }

    private func refill(_ held: Int, _ loop: ClosedLoop) async throws {
        let before = context.tasks.left(in: project)
        var added = 0
        while true {
            let left = before + added - loop.leases
            guard left <= held - Self.refillChunk else {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            let count = max(Self.refillChunk, held - left)
            // To its end even when the run is over: an import that was cut off may be there without being counted.
            _ = try await Task { try await context.tasks.add(count, to: project) }.value
            added += count
        }
    }
}

/// Two sides measured in turn.
enum Alternating {
    static func run(
        _ runs: Int, _ first: () async throws -> Double, _ second: () async throws -> Double
    ) async throws -> (first: [Double], second: [Double]) {
        var results: (first: [Double], second: [Double]) = ([], [])
        for _ in 0..<runs {
            results.first.append(try await first())
            results.second.append(try await second())
        }
        return results
    }
}

import Foundation
import GRPCCore
import PlimsollProtocol
import WorkerKit

/// A worker that is connected and asks for nothing.
struct QuietWorker: Fleet.Member {
    let note: @Sendable (Int, WorkStream?) -> Void

    func held(_ index: Int) -> [Plimsoll_V1_LeaseReference] { [] }

    func work(_ index: Int, _ stream: WorkStream) async throws {
        for try await message in stream.messages where message.hasWelcome { note(index, stream) }
        throw BenchError(.coordinator, "the stream ended")
    }
}

struct ConnectionsRow: BenchRow {
    static let name = "connections"
    static let summary = "10,000 workers with heartbeats (--hold) on one coordinator: its resident memory"
    static let gigabytesMax = 1.3

    private static let connectWithin = Duration.seconds(300)

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let settings = context.settings
        let engineers = try await context.people.first(settings.connections)
        // One of its own: what the rows before left in the other's memory is not of these connections.
        let coordinator = try await context.deployment.addCoordinator()
        let process = await coordinator.processID ?? 0
        var plan = Fleet.Plan(engineers: engineers, ports: [coordinator.port], project: People.project)
        plan.ramp = settings.ramp * 2
        plan.reconnects = true
        let fleet = Fleet(plan, on: context.group)
        let quiet = QuietWorker { fleet.note($0, $1) }
        let before = Program.residentBytes(of: process) ?? 0
        let (most, connected, lost, cpu) = try await fleet.run(quiet) {
            guard try await fleet.waitUntilConnected(within: Self.connectWithin) else {
                throw BenchError(
                    .coordinator,
                    "only \(fleet.connected) of \(engineers.count) workers were welcomed: "
                        + fleet.lastError)
            }
            Note.line("\(engineers.count) streams are open")
            let lostBefore = fleet.lost
            var most = 0
            let start = Moment.now
            let cpu = Program.processorSeconds(of: process) ?? 0
            let end = start + settings.hold.nanoseconds
            while Moment.now < end {
                most = max(most, Program.residentBytes(of: process) ?? 0)
                try await Task.sleep(for: .seconds(1))
            }
            let used = ((Program.processorSeconds(of: process) ?? 0) - cpu) / (Double(Moment.now - start) / 1e9)
            return (most, fleet.connected, fleet.lost - lostBefore, used)
        }
        await context.deployment.remove(coordinator)
        let gigabytes = Double(most) / 1e9
        return [
            Measurement(
                Self.name, [gigabytes], unit: "GB resident", target: "1.3 with 10,000",
                met: gigabytes <= Self.gigabytesMax && lost == 0 && connected == engineers.count,
                notes: [
                    "\(connected) of \(engineers.count) streams open at the end, \(lost) lost",
                    "held \(settings.hold.seconds.figure) s", "\((Double(before) / 1e9).figure) GB before",
                    "\((Double(most - before) / Double(engineers.count) / 1e3).figure) KB a stream",
                    String(format: "coordinator %.2f CPU", cpu),
                ])
        ]
    }
}

struct StartOfShiftRow: BenchRow {
    static let name = "start-of-shift"
    static let summary = "6,500 workers (--workers) connect: until all are welcomed"
    static let secondsMax = 60.0

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let engineers = try await context.people.first(context.settings.workers)
        var plan = Fleet.Plan(
            engineers: engineers, ports: [await context.deployment.first.port], project: People.project)
        plan.ramp = context.settings.ramp
        plan.reconnects = true
        plan.backoff = .seconds(3)
        var runs: [Double] = []
        var refused = 0
        var shy = 0
        for _ in 0..<min(3, context.settings.runs) {
            let fleet = Fleet(plan, on: context.group)
            let start = Moment.now
            let (seconds, connected) = try await fleet.run(QuietWorker { fleet.note($0, $1) }) {
                _ = try await fleet.waitUntilConnected(within: .seconds(Self.secondsMax * 3))
                return (Double(Moment.now - start) / 1e9, fleet.connected)
            }
            Note.line("start of shift: \(connected) in \(seconds.figure) s, \(fleet.refused) attempts failed")
            runs.append(seconds)
            refused += fleet.refused
            shy += engineers.count - connected
        }
        return [
            Measurement(
                Self.name, runs, unit: "s", target: "60", met: runs.median <= Self.secondsMax && shy == 0,
                notes: [
                    "\(engineers.count) workers begin within \(context.settings.ramp.seconds.figure) s",
                    "\(refused) attempts had to be repeated, \(shy) were left out",
                ])
        ]
    }
}

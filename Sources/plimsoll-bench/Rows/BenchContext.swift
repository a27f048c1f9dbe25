import Foundation
import NIOCore
import PlimsollProtocol

/// What every row works with.
struct BenchContext: Sendable {
    var settings: BenchSettings
    let deployment: BenchDeployment
    let control: ControlConnection
    let people: People
    let tasks: BenchTasks
    let group: any EventLoopGroup
    let floor: Floor

    static let benchPolicy = "Deploy/policy/bench.yaml"
    static let defaultPolicy = "Deploy/policy/default.yaml"

    /// Puts a committed policy document in force.
    func applyPolicy(file: String) async throws { try await applyPolicy(Repository.text(file), named: file) }

    func applyPolicy(_ document: String, named name: String) async throws {
        var request = Plimsoll_V1_ApplyPolicyRequest()
        request.document = document
        request.reason = "benchmark: \(name)"
        _ = try await control.control.applyPolicy(request, options: ControlConnection.options)
    }

    /// Warm-up and measured time in seconds.
    var runSeconds: Double { settings.warmUp.seconds + settings.measured.seconds }
}

/// One row of the benchmark.
protocol BenchRow: Sendable {
    /// As `--only` takes it.
    static var name: String { get }
    /// One line of what is measured.
    static var summary: String { get }
    init()
    func run(_ context: BenchContext) async throws -> [Measurement]
}

/// All rows, in the order in which they run.
enum BenchRows {
    static let all: [any BenchRow.Type] = [
        FloorRow.self, ThroughputBatchRow.self, ThroughputSingleRow.self, ThroughputLimitsRow.self, GateRow.self,
        DecisionRow.self, ImportRow.self, BacklogRow.self, LatencyRow.self, SnapshotRow.self, StartOfShiftRow.self,
        KillRow.self, ConnectionsRow.self, AuditVerifyRow.self,
    ]
}

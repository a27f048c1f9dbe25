import Foundation
import Identity
import PlimsollProtocol
import SwiftProtobuf

@testable import WorkerKit

/// A state machine at a desk: no socket, no clock, only moments that the test names.
final class Bench {
    var state: WorkerState
    var now: Duration = .zero
    var events: [String] = []

    init(
        inFlight: Int = 2, addresses: [String] = ["a:1", "b:1", "c:1"], answersMax: Int? = nil, seed: UInt64 = 7,
        tune: (inout WorkerLimits) -> Void = { _ in }
    ) throws {
        var limits = WorkerLimits.defaults
        tune(&limits)
        let configuration = try WorkerConfiguration(
            addresses: addresses, identity: Self.identity, project: "p",
            inFlight: inFlight, answersMax: answersMax, limits: limits)
        state = WorkerState(configuration, seed: seed)
    }

    func pass(_ duration: Duration) {
        now += duration
        state.tick(now: now)
        collect()
    }

    func collect() { events += state.takeEvents().map(Self.name) }

    func takeEvents() -> [String] {
        collect()
        defer { events.removeAll() }
        return events
    }

    /// Connects where the state wants to; waits when it must.
    @discardableResult
    func connect() -> Plimsoll_V1_Hello? {
        for _ in 0..<10 {
            switch state.nextStep(now: now) {
            case .connect(_, let hello):
                collect()
                return hello
            case .wait(let moment): now = moment
            case .end:
                collect()
                return nil
            }
        }
        return nil
    }

    @discardableResult
    func open(welcome change: (inout Plimsoll_V1_Welcome) -> Void = { _ in }) -> Plimsoll_V1_Hello? {
        let hello = connect()
        receive {
            $0.welcome = .with {
                $0.revision = 1
                $0.coordinator = "k1"
                $0.inFlightMax = 64
                $0.itemsPerMessageMax = 64
                $0.heartbeatSeconds = 5
                change(&$0)
            }
        }
        return hello
    }

    func receive(_ fill: (inout Plimsoll_V1_CoordinatorMessage) -> Void) {
        state.received(.with(fill), now: now)
        collect()
    }

    func grant(_ keys: LeaseKey..., left: Duration = .seconds(120)) {
        receive { message in
            message.leases = keys.map { key in
                .with {
                    $0.task = key.task
                    $0.fence = key.fence
                    $0.project = 1
                    $0.deadlineMilliseconds = UInt32(left.components.seconds * 1000)
                    $0.payload = Data("{}".utf8)
                }
            }
        }
    }

    func settle(_ key: LeaseKey, _ outcome: Plimsoll_V1_SettlementOutcome) {
        receive {
            $0.settlements = [
                .with {
                    $0.task = key.task
                    $0.fence = key.fence
                    $0.outcome = outcome
                }
            ]
        }
    }

    func change(_ key: LeaseKey, _ leaseState: Plimsoll_V1_LeaseState) {
        receive {
            $0.changes = [
                .with {
                    $0.task = key.task
                    $0.fence = key.fence
                    $0.state = leaseState
                    $0.deadlineMilliseconds = 60_000
                }
            ]
        }
    }

    func idle(askAgain: Duration, rule: String? = nil) {
        receive {
            $0.idle = .with {
                $0.reason = .nothingLeft
                $0.askAgainMilliseconds = UInt32(askAgain.components.seconds * 1000)
                if let rule { $0.refusal = .with { $0.rule = rule } }
            }
        }
    }

    func message() -> Plimsoll_V1_WorkerMessage? {
        defer { collect() }
        return state.nextMessage(now: now)
    }

    var isEnded: Bool { state.phase == .ended }

    static var identity: IdentityFiles { IdentityFiles(directory: URL(fileURLWithPath: "/nowhere")) }

    static func name(_ event: WorkEvent) -> String {
        switch event {
        case .connecting: "connecting"
        case .connected: "connected"
        case .disconnected(let error, _): "disconnected \(error.code.rawValue)"
        case .leased(let task): "leased \(task.lease.task)"
        case .deadline(let key, _): "deadline \(key.task)"
        case .settled(let key, let settlement): "settled \(key.task) \(settlement.outcome)"
        case .changed(let key, let state, _): "changed \(key.task) \(state)"
        case .lost(let key, let reason, _): "lost \(key.task) \(reason)"
        case .idle(let idle): "idle \(idle.reason)"
        case .notification: "notification"
        case .renewed: "renewed"
        case .renewalFailed: "renewalFailed"
        case .leaving: "leaving"
        }
    }
}

let first = LeaseKey(task: 1, fence: 101)
let second = LeaseKey(task: 2, fence: 102)
let third = LeaseKey(task: 3, fence: 103)

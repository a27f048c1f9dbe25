import Coordinator
import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    func queueStatus(
        request: Plimsoll_V1_QueueStatusRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_QueueStatusResponse {
        let projects = try await availability.queueStatus(project: request.project.orNil)
        return .with { $0.projects = projects.map { .init($0) } }
    }

    /// No person and no pseudonym. A supervisor sees those of few people as of the last full hour (P9); an operator,
    /// who has to end what is stuck, as they are.
    func listLeases(
        request: Plimsoll_V1_ListLeasesRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListLeasesResponse {
        let leases = try await ledger.leases(
            project: request.project.orNil, limit: Int(request.limit).orNil,
            hidingFew: context.caller.role != .operator)
        return .with {
            $0.leases = leases.map { lease in
                .with {
                    $0.project = lease.project
                    $0.key = lease.key
                    $0.kind = lease.kind
                    $0.ageSeconds = UInt32(clamping: lease.age.components.seconds)
                    $0.deadlineSeconds = Int32(clamping: lease.untilDeadline?.components.seconds ?? 0)
                    $0.deliveriesFailed = UInt32(lease.deliveriesFailed)
                    $0.parked = lease.isParked
                    $0.coarse = lease.isCoarse
                }
            }
        }
    }

    func diagnose(
        request: Plimsoll_V1_DiagnoseRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_DiagnoseResponse {
        let isOperator = try context.caller.role == .operator
        let checks = try await ledger.diagnose(forOperator: isOperator) + process.rows()
        // Last, so that as little as possible lies between this look and the caller's own. Away: the checks say so.
        let clock = try? await ledger.databaseClock()
        return .with {
            $0.databaseClockMicroseconds = clock?.microseconds ?? 0
            $0.checks = checks.map { check in
                .with {
                    $0.name = check.name
                    $0.state = check.state.rawValue
                    $0.finding = check.finding
                    $0.remedy = check.remedy
                }
            }
        }
    }
}

extension Plimsoll_V1_ProjectStatus {
    init(_ status: QueueStatus) {
        self.init()
        project = status.project
        state = status.state.rawValue
        waiting = status.waiting
        leased = status.leased
        parked = status.parked
        done = status.done
        late = status.late
        quarantined = status.quarantined
        if let oldest = status.oldestWaiting { oldestWaitingSeconds = oldest.components.seconds }
        if let rate = status.rate {
            labelsPerHour = rate.labelsPerHour
            rateWindowSeconds = UInt32(clamping: rate.window.components.seconds)
        }
        if let drain = status.drain { drainSeconds = drain.components.seconds }
        reasons = status.reasons.map { reason in
            .with {
                $0.code = reason.code.rawValue
                $0.sentence = reason.sentence
                $0.remedy = reason.remedy
            }
        }
        coarse = status.isCoarse
    }
}

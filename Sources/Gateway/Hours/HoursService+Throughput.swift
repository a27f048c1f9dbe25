import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension HoursService {
    func showThroughput(
        request: Plimsoll_V1_ShowThroughputRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ShowThroughputResponse {
        .init(try await ledger.throughput(of: context.caller.name, days: Self.days(request.days)))
    }

    func showEngineerThroughput(
        request: Plimsoll_V1_EngineerThroughputRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_EngineerThroughput {
        let counts = try await ledger.showThroughput(
            of: request.name, to: context.caller.name, reason: request.reason, days: Self.days(request.days))
        return .with {
            $0.name = request.name
            $0.counts = counts.map { count in
                .with {
                    $0.day = count.day.description
                    $0.project = count.project
                    $0.labels = UInt64(clamping: count.labels)
                }
            }
        }
    }

    /// Zero stands for the usual number.
    private static func days(_ asked: UInt32) -> Int? { asked == 0 ? nil : Int(asked) }
}

extension Plimsoll_V1_ShowThroughputResponse {
    init(_ throughput: OwnThroughput) {
        self.init()
        today = throughput.today.description
        since = throughput.since.description
        projectsSince = throughput.projectsSince.description
        days = throughput.days.map { .init($0) }
    }
}

extension Plimsoll_V1_ThroughputDay {
    init(_ figures: OwnThroughput.Day) {
        self.init()
        day = figures.day.description
        labels = UInt64(clamping: figures.labels)
        leasedSeconds = UInt64(clamping: figures.leased.components.seconds)
        projects = figures.projects.map { project in
            .with {
                $0.project = project.name
                $0.labels = UInt64(clamping: project.labels)
                if let leased = project.leased { $0.leasedSeconds = UInt64(clamping: leased.components.seconds) }
            }
        }
    }
}

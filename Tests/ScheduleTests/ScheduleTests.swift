import Foundation
import Testing

/// Seeded schedules of 20 to 50 operations by two coordinators on real PostgreSQL, against a plain model: no promise is
/// broken. `Deploy/schedules` runs more of them and replays one.
@Suite(.serialized) struct ScheduleTests {
    @Test(.timeLimit(.minutes(600))) func `no schedule breaks a promise`() async throws {
        let run = ScheduleRun(ProcessInfo.processInfo.environment)
        let (figures, failures) = try await run.run()
        for failure in failures { Issue.record("\(failure)") }
        if run.isWhole { figures.expectNotEmpty() }
    }
}

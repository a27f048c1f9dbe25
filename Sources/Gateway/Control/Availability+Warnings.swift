import Coordinator
import Ledger

extension Availability {
    /// Tasks that wait and are leased to nobody, whoever it is, in every open project or in one; for the answer to a
    /// call that has done what was asked.
    func warnings(project: String? = nil) async -> [String] {
        // That it cannot be looked at is no error of that call.
        let found = (try? await tooLongNow(project: project)) ?? []
        return found.map { "in \($0.project) \($0.tasks.sentence); \(TooLong.remedy)" }
    }
}

public import Ledger

extension Availability: QueueOutlook {
    /// How the queues stand, and why tasks wait.
    public func queueStatus(project: String? = nil) async throws -> [QueueStatus] {
        try await ledger.queueStatus(project: project, outlook: self)
    }
}

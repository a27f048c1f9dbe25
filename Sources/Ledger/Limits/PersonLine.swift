public import PlimsollModel

/// A person's line: the limits that hold for them in each project, under one policy.
public struct PersonLine: Sendable {
    /// In a project without limits of its own.
    private let base: WorkloadLimits
    private let projects: [ProjectID: WorkloadLimits]
    /// What of the person's layers could not be read, for the log; nil: all could.
    public let fault: ModelError?

    /// P2: a text that cannot be read is a doubt, and in doubt nothing is granted.
    public init(_ layers: PersonLimitLayers, under document: PolicyDocument) {
        do {
            let whole = try layers.limits(document: document).limits
            var own: [ProjectID: WorkloadLimits] = [:]
            for project in layers.projects.keys {
                own[project] = try layers.limits(document: document, project: project).limits
            }
            base = whole
            projects = own
            fault = nil
        } catch {
            fault = error
            projects = [:]
            var closed = document.limits
            closed.openLeases = 0
            base = closed
        }
    }

    public func limits(in project: ProjectID) -> WorkloadLimits { projects[project] ?? base }

    /// The person as a whole, whatever the project.
    public var limits: WorkloadLimits { base }
}

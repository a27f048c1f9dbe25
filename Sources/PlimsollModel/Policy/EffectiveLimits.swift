/// The limits that hold for one person in one project, each with where it comes from. Pure: every screen, and whoever
/// decides by them, gets them here.
///
/// The deployment's document is the base. An individual raise lifts the base, no further than the document's `ceiling`
/// and the law; team, project and engineer then tighten and never loosen. The one exception is quiet hours: what the
/// engineer says of them stands instead of everybody else's.
public struct EffectiveLimits: Sendable, Hashable {
    public enum Source: String, Sendable, Hashable, CaseIterable {
        case shipped = "shipped default"
        case document
        case team
        case project
        case engineer
        case raise
    }

    /// One line of `plimsoll policy show --for`.
    public struct Entry: Sendable, Hashable {
        public let key: String
        /// As it would stand in a document; `none`: no limit.
        public let value: String
        public let source: Source
    }

    public let limits: WorkloadLimits
    /// By key, in the order of documents.
    public let entries: [Entry]

    public init(
        document: PolicyDocument, team: WorkloadLimits? = nil, project: WorkloadLimits? = nil,
        engineer: PersonalLimits? = nil, raise: WorkloadLimits? = nil
    ) {
        var limits = document.limits
        var sources: [String: Source] = [:]
        for field in PolicyField<WorkloadLimits>.limits {
            sources[field.key] = document.named.contains(field.key) ? .document : .shipped
        }
        func step(to next: WorkloadLimits, by source: Source) {
            for field in PolicyField<WorkloadLimits>.limits where field.read(next) != field.read(limits) {
                sources[field.key] = source
            }
            limits = next
        }
        if let raise { step(to: limits.raised(to: raise, within: document.ceiling), by: .raise) }
        if let team { step(to: limits.tightened(by: team).completed, by: .team) }
        if let project { step(to: limits.tightened(by: project).completed, by: .project) }
        if let engineer {
            step(to: limits.tightened(by: engineer.limits).completed, by: .engineer)
            if case .own(let hours) = engineer.quietHours {
                var opened = limits
                opened.quietHours = hours
                step(to: opened, by: .engineer)
            }
        }
        self.limits = limits
        entries = PolicyDocument.entries(limits).map {
            Entry(key: $0.key, value: $0.value, source: sources[$0.key] ?? .shipped)
        }
    }
}

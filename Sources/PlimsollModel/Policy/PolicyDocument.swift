/// A deployment's workload limits as people write, review and apply them: YAML, checked key by key.
///
/// ```yaml
/// format: 1
/// name: default
/// limits: {open-leases: 3, day-time: 4h, quiet-hours: "20:00-08:00", day-tasks: none}
/// oversight: {span-max: 20}
/// ceiling: {day-time: 6h}
/// ```
/// What `limits` and `oversight` do not name has the shipped default; `none` takes a limit away. Counts are whole
/// numbers, durations a whole number and one of d, h, m, s.
public struct PolicyDocument: Sendable, Hashable {
    /// The format of the document, so that a later one can be told apart.
    public static let format = 1
    /// Longer documents are refused before they are read.
    public static let bytesMax = 65_536
    /// Lower-case letters, digits and hyphens in a name, at most.
    public static let nameLengthMax = 64

    /// The key of the hours that only the engineer opens.
    static let quietHoursKey = "quiet-hours"

    /// What the document is called in lists; nil: it has no name of its own.
    public var name: String?
    /// The deployment's limits, with the shipped defaults where the document named none.
    public var limits: WorkloadLimits
    public var oversight: OversightLimits
    /// How far an individual raise, agreed by two parties, may go; nil: raises are not possible. Nil inside: no raise
    /// of that limit.
    public var ceiling: WorkloadLimits?
    /// The keys of `limits` and `oversight` that the document names; the others are shipped defaults.
    public var named: Set<String>

    public init(
        name: String? = nil, limits: WorkloadLimits = .defaults, oversight: OversightLimits = .defaults,
        ceiling: WorkloadLimits? = nil, named: Set<String> = []
    ) {
        self.name = name
        self.limits = limits
        self.oversight = oversight
        self.ceiling = ceiling
        self.named = named
    }

    /// The shipped defaults: what an empty document means.
    public static let defaults = PolicyDocument()

    /// The whole document as YAML, every key with its effective value in a fixed order: equal documents, equal text.
    /// Reading it gives the same limits, whatever the shipped defaults are by then.
    public func yaml() -> String {
        var lines = ["format: \(Self.format)"]
        if let name { lines.append("name: \"\(name)\"") }
        lines.append("limits:")
        lines += PolicyField<WorkloadLimits>.limits.map { "  \($0.key): \($0.read(limits).text)" }
        lines.append("oversight:")
        lines += PolicyField<OversightLimits>.oversight.map { "  \($0.key): \($0.read(oversight).text)" }
        if let ceiling {
            let fields = PolicyField<WorkloadLimits>.limits.filter { $0.read(ceiling) != .none }
            lines.append(fields.isEmpty ? "ceiling: {}" : "ceiling:")
            lines += fields.map { "  \($0.key): \($0.read(ceiling).text)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The keys of `limits` with each effective value as text, in the order of the document.
    public static func entries(_ limits: WorkloadLimits) -> [(key: String, value: String)] {
        PolicyField<WorkloadLimits>.limits.map { field in
            let value = field.read(limits)
            if case .hours(let hours) = value { return (field.key, hours.description) }
            return (field.key, value.text)
        }
    }
}

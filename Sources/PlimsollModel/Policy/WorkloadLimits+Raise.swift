extension WorkloadLimits {
    /// What the law leaves of a raise, whatever a document's ceiling says. Nil: the law has no figure for it, or none
    /// that a raise could pass: the gate's own rules (`six-hours`, `week-average`) stand beside every limit.
    public static let legalCeiling: WorkloadLimits = {
        var limits = WorkloadLimits()
        limits.weekTime = LegalCeiling.weekAverage
        // A day that leaves room for the rest.
        limits.dayTime = .hours(24) - LegalCeiling.dailyRest
        limits.dailyRest = LegalCeiling.dailyRest
        return limits
    }()

    /// These limits lifted to what a raise names, where that is looser, and no further than both the ceiling and the
    /// law. Nil `ceiling`, or nil in it: no raise of that limit. Quiet hours are never raised: only the engineer opens
    /// them.
    func raised(to raise: WorkloadLimits, within ceiling: WorkloadLimits?) -> WorkloadLimits {
        guard let ceiling else { return self }
        let bounded = raise.tightened(by: ceiling).tightened(by: .legalCeiling)
        let strictest = tightened(by: bounded)
        var result = self
        for field in PolicyField<WorkloadLimits>.limits where field.key != PolicyDocument.quietHoursKey {
            guard field.read(raise) != .none, field.read(ceiling) != .none else { continue }
            // The stricter of the two is ours, so the other is looser.
            if field.read(strictest) == field.read(self) { field.write(&result, field.read(bounded)) }
        }
        return result
    }

    /// Why no raise to this can be agreed on under a document's ceiling; nil: it can.
    public func problemAsRaise(under ceiling: WorkloadLimits?) -> String? {
        let fields = PolicyField<WorkloadLimits>.limits
        let named = fields.filter { $0.read(self) != .none }
        guard !named.isEmpty else { return "a raise names at least one limit" }
        guard let ceiling else { return "the policy in force has no ceiling, so no limit can be raised" }
        let bounded = tightened(by: ceiling)
        let lawful = tightened(by: .legalCeiling)
        for field in named {
            if field.key == PolicyDocument.quietHoursKey {
                return "\(field.key) is not raised: only the engineer opens them, with policy layer set --me"
            }
            if field.read(ceiling) == .none { return "the policy's ceiling names no \(field.key)" }
            if field.read(bounded) != field.read(self) {
                return
                    "\(field.key) \(field.read(self).text) is beyond the policy's ceiling of \(field.read(ceiling).text)"
            }
            if field.read(lawful) != field.read(self) {
                return "\(field.key) \(field.read(self).text) is beyond what the law allows, "
                    + field.read(.legalCeiling).text
            }
        }
        return nil
    }

    /// The limits that are named, as a layer's YAML; reading it gives the same.
    public func layerYAML() -> String {
        PolicyField<WorkloadLimits>.limits.filter { $0.read(self) != .none }
            .map { "\($0.key): \($0.read(self).text)\n" }.joined()
    }
}

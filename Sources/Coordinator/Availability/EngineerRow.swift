/// Of one person others see this and nothing else (P9).
public struct EngineerRow: Sendable, Hashable {
    public let name: String
    /// Could be given something now, or not; why not is nobody's business.
    public let isAvailable: Bool
}

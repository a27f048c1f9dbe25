/// The name of one use of data or one kind of work that a person may agree to or not.
public struct PurposeName: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// Lower-case words joined by hyphens, as in files and on screens.
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// Taking part in labeling at all.
    public static let takingPart = PurposeName("taking-part")
    /// Material of severity 2, which needs an agreement of its own.
    public static let severity2 = PurposeName("severity-2")
    /// Material of severity 3, which needs an agreement of its own.
    public static let severity3 = PurposeName("severity-3")
    /// Showing one's throughput to the supervisor who answers for one; no project needs it.
    public static let throughputToSupervisor = PurposeName("throughput-to-supervisor")

    /// The purpose that material of this severity needs by itself; nil for 0 and 1, which need none.
    public static func severity(_ level: Int) -> PurposeName? {
        switch level {
        case ...1: nil
        case 2: severity2
        case 3: severity3
        default: PurposeName("severity-\(level)")
        }
    }

    public var description: String { rawValue }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

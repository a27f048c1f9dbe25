/// A document that an event names by its hash and that lies in a table beside the chain: a policy, or a notice's text.
public struct ChainDocument: Sendable, Hashable {
    public enum Place: Sendable, Hashable {
        case policy(version: Int64)
        case notice(id: String, version: Int64)
    }

    public var place: Place
    /// Its SHA-256 when it was written.
    public var hash: [UInt8]

    /// Nil where an event names none, or was written before events named the hash.
    public init?(kind: String, detail: [UInt8]) {
        guard kind == "policy.applied" || kind == "notice.published", let detail = try? JSONValue.parse(detail),
            let version = detail["version"]?.intValue, let hash = detail["sha256"]?.stringValue.flatMap(Hex.bytes)
        else { return nil }
        if let id = detail["notice"]?.stringValue {
            place = .notice(id: id, version: Int64(version))
        } else {
            place = .policy(version: Int64(version))
        }
        self.hash = hash
    }

    /// As a finding names it.
    public var name: String {
        switch place {
        case .policy(let version): "policy version \(version)"
        case .notice(let id, let version): "version \(version) of the notice \(id)"
        }
    }
}

/// Who a certificate says its holder is, as its one URI writes it.
///
/// | URI | role | name | worker |
/// |---|---|---|---|
/// | `spiffe://<trust domain>/engineer/<name>/worker/<id>` | engineer | person | worker process |
/// | `spiffe://<trust domain>/supervisor/<name>` (reviewer, operator alike) | supervisor ... | person | nil |
/// | `spiffe://<trust domain>/coordinator/<id>` | coordinator | process | nil |
///
/// A value exists only in one of these shapes, and each identity has exactly one spelling, so comparing values or
/// URIs byte by byte is enough. The shape follows the SPIFFE-ID standard, sections 2.1 to 2.4, with a narrower
/// alphabet: no upper case, no percent-encoding, no query.
public struct PeerIdentity: Sendable, Hashable {
    /// The deployment that the identity belongs to.
    public let trustDomain: String
    /// The only role that this identity acts in.
    public let role: Role
    /// The person's name; for a coordinator, its id.
    public let name: String
    /// The worker process of an engineer; nil in every other role.
    public let worker: String?

    /// The one spelling of this identity.
    public var uri: String {
        let start = "\(Self.scheme)\(trustDomain)/\(role.rawValue)/\(name)"
        guard let worker else { return start }
        return "\(start)/worker/\(worker)"
    }

    /// Names an identity by its parts.
    ///
    /// Throws `badName` or `badTrustDomain` where a part breaks its rule, `badPath` for an engineer without a worker
    /// and for a worker in any other role.
    public init(role: Role, name: String, worker: String? = nil, trustDomain: String) throws(IdentityError) {
        try NameRule.check(trustDomain: trustDomain)
        try NameRule.check(name: name, of: role == .coordinator ? "a coordinator's id" : "a person's name")
        if let worker { try NameRule.check(name: worker, of: "a worker's id") }
        guard (role == .engineer) == (worker != nil) else {
            throw IdentityError(
                .badPath,
                role == .engineer
                    ? "an engineer's identity names a worker: /engineer/<name>/worker/<id>"
                    : "only an engineer's identity names a worker, not one of role \(role.rawValue)")
        }
        self.trustDomain = trustDomain
        self.role = role
        self.name = name
        self.worker = worker
    }

    /// An engineer at one worker process.
    public static func engineer(
        _ name: String, worker: String, trustDomain: String
    ) throws(IdentityError) -> PeerIdentity {
        try PeerIdentity(role: .engineer, name: name, worker: worker, trustDomain: trustDomain)
    }

    /// A supervisor.
    public static func supervisor(_ name: String, trustDomain: String) throws(IdentityError) -> PeerIdentity {
        try PeerIdentity(role: .supervisor, name: name, trustDomain: trustDomain)
    }

    /// A reviewer.
    public static func reviewer(_ name: String, trustDomain: String) throws(IdentityError) -> PeerIdentity {
        try PeerIdentity(role: .reviewer, name: name, trustDomain: trustDomain)
    }

    /// An operator.
    public static func `operator`(_ name: String, trustDomain: String) throws(IdentityError) -> PeerIdentity {
        try PeerIdentity(role: .operator, name: name, trustDomain: trustDomain)
    }

    /// A coordinator process.
    public static func coordinator(_ id: String, trustDomain: String) throws(IdentityError) -> PeerIdentity {
        try PeerIdentity(role: .coordinator, name: id, trustDomain: trustDomain)
    }
}

extension PeerIdentity {
    static let scheme = "spiffe://"

    /// Reads an identity from its URI.
    ///
    /// Throws `wrongScheme`, `badTrustDomain`, `badPath` or `badName`. Nothing is normalised: what is not the one
    /// spelling is refused.
    public init(uri: String) throws(IdentityError) {
        let steps = try Self.steps(of: uri)
        guard steps.count >= 3, let role = Role(rawValue: steps[1]) else {
            throw IdentityError(
                .badPath,
                "\(excerpt(uri)) has no path of the form /<role>/<name>, the role being one of "
                    + Role.allCases.map(\.rawValue).joined(separator: ", "))
        }
        switch role {
        case .engineer:
            guard steps.count == 5, steps[3] == "worker" else {
                throw IdentityError(
                    .badPath, "\(excerpt(uri)) is not of the form spiffe://<trust domain>/engineer/<name>/worker/<id>")
            }
            try self.init(role: role, name: steps[2], worker: steps[4], trustDomain: steps[0])
        case .supervisor, .reviewer, .operator, .coordinator:
            guard steps.count == 3 else {
                throw IdentityError(
                    .badPath, "\(excerpt(uri)) is not of the form spiffe://<trust domain>/\(role.rawValue)/<name>")
            }
            try self.init(role: role, name: steps[2], trustDomain: steps[0])
        }
    }

    /// The trust domain of an authority's own URI, `spiffe://<trust domain>` without a path.
    static func trustDomain(ofAuthorityURI uri: String) throws(IdentityError) -> String {
        let steps = try steps(of: uri)
        guard steps.count == 1 else {
            throw IdentityError(.badPath, "\(excerpt(uri)) has a path; an authority is named by its trust domain alone")
        }
        try NameRule.check(trustDomain: steps[0])
        return steps[0]
    }

    /// The URI of an authority.
    static func authorityURI(trustDomain: String) -> String { scheme + trustDomain }

    /// What the slashes after the scheme separate. Works on bytes, because Swift compares characters by canonical
    /// equivalence and a combining mark may hide a slash.
    private static func steps(of uri: String) throws(IdentityError) -> [String] {
        let bytes = Array(uri.utf8)
        guard bytes.starts(with: scheme.utf8) else {
            throw IdentityError(.wrongScheme, "\(excerpt(uri)) does not begin with \(scheme)")
        }
        return bytes.dropFirst(scheme.utf8.count)
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

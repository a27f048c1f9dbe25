/// What the holder of a certificate may act as; the first step of the path in its URI.
///
/// A certificate acts only in this role, and only while the database grants the role to that person: a parsed role
/// says who somebody claims to be by the authority's word, not what they may do now.
public enum Role: String, Sendable, CaseIterable, Codable {
    case engineer
    case supervisor
    case reviewer
    case `operator`
    case coordinator
}

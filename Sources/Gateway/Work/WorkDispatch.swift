public import Coordinator

/// What the gateway needs of a coordinator.
public protocol WorkDispatch: Sendable {
    /// Opens a work stream for somebody who was authorized. Throws `StreamEnd`.
    func attach(_ opening: StreamOpening) async throws -> AttachedStream

    /// Whether work can be had here now; what health checks are told. Answers at once.
    var isReady: Bool { get }

    /// Whether this person has this role, and neither person nor certificate is denied. Throws `StreamEnd`.
    ///
    /// Asked for every call and stream, so it answers from memory; `role` is a `Role`'s raw value, `serial` lower-case
    /// hexadecimal.
    func authorize(person: String, serial: String, role: String) async throws

    /// Whether there is this person and the certificate is not denied itself: what it takes to say no, and to see and
    /// erase one's own. Throws `StreamEnd`.
    func authorizeSubject(person: String, serial: String) async throws
}

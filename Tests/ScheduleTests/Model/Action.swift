import Coordinator
import PlimsollModel

/// One operation of a schedule, as it was chosen.
enum Action: Sendable {
    /// `must`: by the model at least one lease comes.
    case want(hand: Int, count: Int, must: Bool)
    case submit(hand: Int, lease: LeaseReference, answer: String)
    case change(hand: Int, ChangeKind, lease: LeaseReference)
    case connect(hand: Int, coordinator: Int, held: [LeaseReference])
    case disconnect(hand: Int)
    case give(person: Int, purpose: String)
    case withdraw(person: Int, purpose: String, isRefusal: Bool)
    case leave(person: Int, project: Int)
    case enrol(person: Int, project: Int)
    case deny(person: Int)
    case project(Int, ProjectModel.State)
    case personal(person: Int, Limits?, opensQuietHours: Bool)
    case limits(project: Int, Limits?)
    /// `effortSeconds`: nil for the project's own.
    case importTasks(project: Int, lane: Layout.Lane, count: Int, first: Int, effortSeconds: Int?)

    enum ChangeKind: String, Sendable { case decline, release, park, extend }

    /// The lease that it is about.
    var lease: LeaseReference? {
        switch self {
        case .submit(_, let lease, _), .change(_, _, let lease): lease
        default: nil
        }
    }
}

/// What came back.
enum Outcome: Sendable {
    case leases([LeaseGrant], IdleAnswer?)
    case settled(Settlement)
    case changed(LeaseChange)
    case connected(Hand, kept: [LeaseChange], lost: [LeaseReference])
    case refused(StreamEnd.Code)
    case receipt(state: String, at: Micros, until: Micros?, ended: Int)
    case done(Int)
    case failed(String)
    /// The stream ended before an answer came, or was not there.
    case streamEnded(StreamEnd.Code?)
}

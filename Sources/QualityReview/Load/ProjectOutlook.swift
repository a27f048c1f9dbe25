public import PlimsollModel

/// Why work comes to a person from one project or does not, by the gate of the coordinator and by what is left.
public struct ProjectOutlook: Sendable, Hashable {
    public enum Cause: Sendable, Hashable {
        /// Up to `room` leases, and the limit that working on would reach first.
        case mayCome(room: Int, next: LoadRow?)
        /// Of several kinds the one that opens first.
        case refused(Refusal)
        case nothingLeft
        case allInOtherHands
        case readOnly
        case noCoordinator
    }

    /// The lanes of one kind and severity.
    public struct Lane: Sendable, Hashable {
        public let kind: String
        public let severity: Int
        /// Never one about the deployment.
        public let cause: Cause
    }

    /// What is so for everybody.
    public enum Deployment: Sendable, Hashable {
        case working
        /// By an operator's word.
        case readOnly
        /// None is a member.
        case withoutCoordinator
    }

    public let cause: Cause
    /// Each kind and severity of the project once.
    public let lanes: [Lane]

    /// More than a stream may hold.
    private static let roomMax = 64

    /// `lanes`: what of the project is asked for, highest priority first, and what each holds for the person. `whole`:
    /// the project where it has no lane at all.
    public init(
        of person: PersonFacts, lanes: [(ask: LaneAsk, left: LaneLeft)], whole: LaneAsk, limits: WorkloadLimits,
        deployment: Deployment, parked: Int, now: Moment
    ) {
        func answer(_ ask: LaneAsk) -> GateAnswer {
            Gate.decide(person: person, lane: ask, limits: limits, now: now, want: Self.roomMax)
        }
        let asked = lanes.isEmpty ? [(ask: whole, left: .nothing)] : lanes
        let kinds = Set(lanes.map(\.ask.kind))
        let severities = Set(lanes.map { LimitCheck.severityScope($0.ask.severity) })
        let line = LoadLine(of: person, parked: parked, limits: limits, kinds: kinds, now: now)
        let next = line.next { row in row.scope.map { kinds.contains($0) || severities.contains($0) } ?? true }
        var refusal: Refusal?
        var found: [Lane] = []
        for (ask, left) in asked {
            let cause: Cause
            switch answer(ask).decision {
            case .refused(let reason):
                if refusal.map({ $0.outlasts(reason) }) ?? true { refusal = reason }
                cause = .refused(reason)
            case .granted(let count, _):
                switch left {
                case .ready, .unknown: cause = .mayCome(room: count, next: next)
                case .inOtherHands: cause = .allInOtherHands
                case .nothing: cause = .nothingLeft
                }
            }
            found.append(Lane(kind: ask.kind, severity: ask.severity, cause: cause))
        }
        self.lanes = lanes.isEmpty ? [] : Self.merged(found)
        let open = found.map(\.cause).filter { if case .refused = $0 { false } else { true } }
        cause =
            switch (deployment, refusal) {
            case (.readOnly, _): .readOnly
            case (.withoutCoordinator, _): .noCoordinator
            case (_, let refusal?) where open.isEmpty: .refused(refusal)
            default: Self.best(open)
            }
    }

    /// Lanes that differ in priority alone are one to a person: the best of them speaks.
    private static func merged(_ lanes: [Lane]) -> [Lane] {
        var merged: [Lane] = []
        for lane in lanes {
            guard let index = merged.firstIndex(where: { $0.kind == lane.kind && $0.severity == lane.severity }) else {
                merged.append(lane)
                continue
            }
            let cause = best([merged[index].cause, lane.cause])
            merged[index] = Lane(kind: lane.kind, severity: lane.severity, cause: cause)
        }
        return merged
    }

    /// What promises most.
    private static func best(_ causes: [Cause]) -> Cause {
        func rank(_ cause: Cause) -> Int {
            switch cause {
            case .mayCome: 0
            case .allInOtherHands: 1
            case .nothingLeft: 2
            case .refused: 3
            case .readOnly, .noCoordinator: 4
            }
        }
        return causes.min { rank($0) < rank($1) } ?? .nothingLeft
    }

    /// One sentence for the person; when it ends is left to the screen.
    public var sentence: String {
        switch cause {
        case .mayCome(let room, _):
            "Work may come: \(room == 1 ? "one task" : "up to \(room) tasks") now."
        case .refused(let refusal): refusal.sentence
        case .nothingLeft where lanes.contains(where: \.isRefused):
            "Of what may come to you now nothing is left that you have not answered or declined; other work is refused."
        case .nothingLeft: "Nothing is left here that you have not answered or declined."
        case .allInOtherHands:
            "Everything that is left for you is in other hands; what comes back is offered to you."
        case .readOnly:
            "The deployment is read-only: nobody is given work until an operator ends it; answers and withdrawals "
                + "are taken."
        case .noCoordinator: "No coordinator hands out work now; it comes again when one is back."
        }
    }
}

extension ProjectOutlook.Lane {
    /// The gate refuses work of this kind and severity.
    public var isRefused: Bool { if case .refused = cause { true } else { false } }
}

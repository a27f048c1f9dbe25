import PlimsollModel

/// The gate's own limits of time, asked without a lease: how long somebody may still work, however long a task takes.
extension Gate {
    enum TimeAnswer {
        /// No limit of time is reached before then.
        case free(until: Moment)
        case over(Refusal)

        /// Of two refusals the one that lets go last; of two ends the earlier.
        func stricter(than other: TimeAnswer) -> TimeAnswer {
            switch (self, other) {
            case (.over(let mine), .over(let theirs)): theirs.outlasts(mine) ? other : self
            case (.over, .free): self
            case (.free, .over): other
            case (.free(let mine), .free(let theirs)): mine <= theirs ? self : other
            }
        }
    }

    /// So that whoever steps from one answer to the next goes on, whatever a limit says.
    static let shortestStep = Duration.seconds(1)

    /// For the person as a whole, whatever the kind.
    static func time(of person: PersonFacts, limits: WorkloadLimits, now: Moment) -> TimeAnswer {
        ask([.knownZone] + onTime, person, noLane, limits, now)
    }

    /// What the limits on one kind or severity add to those on the person.
    static func timeInLane(
        of person: PersonFacts, in lane: LaneAsk, limits: WorkloadLimits, now: Moment
    ) -> TimeAnswer {
        ask(onTimeInLane, person, lane, limits, now)
    }

    private static func ask(
        _ checks: [LimitCheck], _ person: PersonFacts, _ lane: LaneAsk, _ limits: WorkloadLimits, _ now: Moment
    ) -> TimeAnswer {
        let question = GateQuestion(person: person, lane: lane, limits: limits, now: now)
        var answer = TimeAnswer.free(until: .distantFuture)
        for check in checks {
            switch check.find(question) {
            case .clear: continue
            case .allows(_, let end, _, _, _): answer = answer.stricter(than: .free(until: end))
            case .refuses(let found, _): answer = answer.stricter(than: .over(found))
            }
        }
        return answer
    }

    /// Until when somebody works in a lane at all, at times when no limit is in the way: not denied, enrolled, not
    /// paused, and agreed. Nil: not now. Silence renews nothing, so it ends with the first agreement that ends.
    static func openEnd(of lane: LaneAsk, to person: PersonFacts, now: Moment) -> Moment? {
        switch ask(standing + [.agreement], person, lane, WorkloadLimits(), now) {
        case .free(let until): until
        case .over: nil
        }
    }

    private static let noLane = LaneAsk(project: ProjectID(0), kind: "", severity: 0, effortSeconds: 0, purposes: [])
}

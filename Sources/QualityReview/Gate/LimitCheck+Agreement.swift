import PlimsollModel

/// Every purpose of the project, and the severity's own, is agreed now and for as long as the lease may last (P2).
extension LimitCheck {
    static let agreement = LimitCheck(rule: .agreement) { question in
        let (person, lane, now) = (question.person, question.lane, question.now)
        var until = Moment.distantFuture
        var scope: String?
        func refusal(_ purpose: PurposeName) -> Refusal? {
            switch Standing(of: purpose, in: person.agreements, at: now) {
            case .closed(let state, let opens):
                let neverAsked = lane.withoutNotice.contains(purpose) ? Refusal.noNotice : "never asked"
                return Refusal(
                    rule: purpose == PurposeName.severity(lane.severity) ? .severityAgreement : .agreement,
                    value: state?.rawValue ?? neverAsked, limit: AgreementState.given.rawValue, until: opens,
                    scope: purpose.rawValue)
            case .open(let end):
                if end < until {
                    until = end
                    scope = purpose.rawValue
                }
                return nil
            }
        }
        for purpose in lane.purposes {
            if let refusal = refusal(purpose) { return .refuses(refusal) }
        }
        // Asked for even where the project forgot to list it.
        if let purpose = PurposeName.severity(lane.severity), let refusal = refusal(purpose) {
            return .refuses(refusal)
        }
        // No moment to ask again at: an agreement that ends is not renewed by time.
        return .allows(until: until, scope: scope)
    }
}

/// Where a person stands with one purpose at one instant.
enum Standing: Equatable {
    /// Agreed, and surely until then.
    case open(until: Moment)
    /// Not agreed; the state found, nil when there is none, and when an agreement on record starts to hold.
    case closed(AgreementState?, opens: Moment?)

    /// The latest entry that has begun decides; of two that began together, the one that closes does. A later entry
    /// that has not begun can only shorten.
    init(of purpose: PurposeName, in agreements: [Agreement], at now: Moment) {
        var current: Agreement?
        var horizon = Moment.distantFuture
        var opens: Moment?
        for agreement in agreements where agreement.purpose == purpose {
            if agreement.from > now {
                horizon = min(horizon, agreement.state.opensGate ? agreement.until : agreement.from)
                if agreement.state.opensGate { opens = min(opens ?? agreement.from, agreement.from) }
            } else if let known = current,
                known.from > agreement.from
                    || known.from == agreement.from && !known.opensGate(at: now)
            {
                continue
            } else {
                current = agreement
            }
        }
        guard let current else {
            self = .closed(nil, opens: opens)
            return
        }
        if current.opensGate(at: now) {
            self = .open(until: min(current.until, horizon))
        } else {
            // An agreement that has ended reads so, whether or not anyone has recorded the end.
            let state = current.state.opensGate ? current.endsAs : current.state
            self = .closed(state, opens: opens)
        }
    }
}

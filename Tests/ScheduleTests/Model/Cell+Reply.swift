import Coordinator
import PlimsollModel

/// Holding what came back against what the model expects, by the state before the step and the one after it.
extension Cell {
    func check(_ action: Action, _ outcome: Outcome, _ situation: Situation, before: CellState, isAlone: Bool) {
        switch (action, outcome) {
        case (_, .streamEnded(let code)):
            count("stream ended")
            if case .some(.limitExceeded) = code { count("life signs came too late") }
        case (.want(let hand, let wanted, let must), .leases(let leases, let idle)):
            checkWant(hand, wanted, must, leases, idle, situation, before)
        case (.submit(let hand, let lease, let answer), .settled(let settlement)):
            checkSubmit(person(ofHand: hand), lease, answer, settlement, situation, before, isAlone: isAlone)
        case (.change(let hand, let kind, let lease), .changed(let change)):
            checkChange(hand, kind, lease, change, situation, before, isAlone: isAlone)
        case (.connect(let hand, _, let held), .connected(_, let kept, let lost)):
            checkConnect(person(ofHand: hand), held, kept, lost, before)
        case (.connect(let hand, _, _), .refused(let code)):
            if code == .denied, before.people[workers[hand].person].isDenied { return count("denied hellos") }
            if code == .notReady { return count("not ready hellos") }
            fail("section 6", "a hello was refused: \(code)")
        case (.give(let person, let purpose), .receipt(let given, let at, let until, _)):
            let was = before.people[person].consents[purpose]?.holds(at: situation.now) == true
            if isAlone, given != (was ? "renewed" : "given") { fail("section 8", "\(given), though in force: \(was)") }
            if at != situation.now || until ?? 0 <= at {
                fail("section 8", "given at \(at) until \(String(describing: until))")
            }
            count(given == "renewed" ? "renewals" : "agreements")
        case (.withdraw(let person, let purpose, let isRefusal), .receipt(let said, _, _, let ended)):
            let had = before.people[person].consents[purpose]?.holds(at: situation.now) == true
            let expected = had || !isRefusal ? "withdrawn" : "refused"
            if isAlone, said != expected { fail("section 8", "\(said) and not \(expected)") }
            let mine = (before.open(of: before.people[person].id) + before.parked(of: before.people[person].id))
                .filter { before.purposes(of: $0.lane, $0.project).contains(purpose) }
            if isAlone, ended > mine.count { fail("P3", "\(ended) leases ended of \(mine.count)") }
            count(said == "withdrawn" ? "withdrawals" : "refusals of an agreement")
        case (.importTasks, .done): count("imports")
        case (.importTasks, .failed(let why)):
            // Closed projects take nothing, and read-only mode no import.
            if !situation.readOnly.contains(true), !why.hasPrefix("conflict"), !why.hasPrefix("refused") {
                fail("imports", why)
            }
            count("refused imports")
        case (_, .done): count("commands")
        case (_, .failed(let why)): fail("commands", "\(action): \(why)")
        default: fail("harness", "\(action) came to \(outcome)")
        }
    }

    // MARK: Wants

    private func checkWant(
        _ hand: Int, _ wanted: Int, _ must: Bool, _ leases: [LeaseGrant], _ idle: IdleAnswer?, _ situation: Situation,
        _ before: CellState
    ) {
        let person = person(ofHand: hand)
        for grant in leases {
            let fence = grant.lease.fence
            workers[hand].holds.insert(fence)
            guard let lease = state.leases[fence], lease.task == grant.lease.task, lease.person == person.id else {
                fail("P1", "a worker was told of a lease that is not in the database: \(grant.lease)")
                continue
            }
            if state.tasks[lease.task]?.key != grant.key { fail("protocol", "another task's content: \(grant.key)") }
            // What came back and ended in the same step was never seen open again.
            guard lease.state == .open else { continue }
            if lease.deadline - situation.now != grant.deadlineIn.microseconds {
                fail("protocol", "told of \(grant.deadlineIn), and it has \(lease.deadline - situation.now): \(lease)")
            }
            if let parks = lease.parks, parks != grant.parks {
                fail("protocol", "told that a limit parks it: \(grant.parks), and it is \(parks): \(lease)")
            }
            state.leases[fence]?.parks = grant.parks
            state.leases[fence]?.told = (hand: hand, step: step, at: situation.now)
        }
        guard let idle else { return }
        count("idle \(idle.reason)")
        let policies = situation.current.compactMap { situation.policies[$0] }
        let isReadOnly = situation.readOnly.contains(true)
        if let refusal = idle.refusal {
            refusals[refusal.rule, default: 0] += 1
            let known = policies.contains { policy in
                state.rules(against: person, under: policy, at: situation.now).contains(refusal.rule)
                    || before.rules(against: before.people[workers[hand].person], under: policy, at: situation.now)
                        .contains(refusal.rule)
                    || refusal.rule == .openLeases
                        && openDuringStep(person, before) >= person.limits(under: policy).openLeases ?? .max
            }
            if !known { fail("liveness", "refused by \(refusal), which the model does not know of") }
            if let until = refusal.until?.microseconds, until <= situation.now {
                fail("section 9", "refused until a moment that is over: \(refusal)")
            }
        }
        if idle.reason == .readOnly, !isReadOnly { fail("liveness", "refused in read-only mode that is off") }
        if must, leases.isEmpty {
            return fail("liveness", "nothing came though nothing stands against it: \(idle)")
        }
        // What is left unfilled has a reason after the step.
        guard !must, leases.isEmpty, idle.refusal == nil, idle.reason == .nothingLeft, !isReadOnly else { return }
        let isOwed = policies.allSatisfy { policy in
            state.mustGrant(person, under: policy, at: situation.now)
                && before.mustGrant(before.people[workers[hand].person], under: policy, at: situation.now)
        }
        if isOwed { fail("liveness", "told that nothing is left, though something is") }
    }

    /// Leases that were open at some moment of the step: one that a lost stream ended may have been open when others
    /// were granted beside it.
    private func openDuringStep(_ person: PersonModel, _ before: CellState) -> Int {
        before.open(of: person.id).count
            + state.leases.values.count { $0.person == person.id && before.leases[$0.fence] == nil }
    }

    // MARK: Answers

    private func checkSubmit(
        _ person: PersonModel, _ reference: LeaseReference, _ answer: String, _ settlement: Settlement,
        _ situation: Situation, _ before: CellState, isAlone: Bool
    ) {
        let fence = reference.fence
        let isBad = !Self.goodAnswers.contains(answer)
        let known = (state.leases[fence] ?? before.leases[fence]).flatMap {
            $0.person == person.id && $0.task == reference.task ? $0 : nil
        }
        let earlier = before.leases[fence]
        func agreed(_ state: CellState) -> Bool {
            guard let known, let me = state.person(person.id) else { return true }
            return state.agrees(me, to: state.purposes(of: known.lane, known.project), at: situation.now)
        }
        let isAgreed = (always: agreed(before) && agreed(state), ever: agreed(before) || agreed(state))
        count("answers \(Self.word(settlement.outcome))")
        guard let known else {
            if settlement.outcome != .unknownLease, settlement.outcome != .tryAgain,
                settlement.outcome != .refusedDenied
            {
                fail("P4", "\(settlement.outcome) for a lease that was never this person's: \(reference)")
            }
            return
        }
        let kept = state.labels[fence] ?? state.aside[fence]
        switch settlement.outcome {
        case .accepted:
            if isBad { fail("section 7", "a bad answer was accepted: \(answer)") }
            guard let kept, kept.answer == answer else {
                return fail("P5", "acknowledged, and no label has it: \(reference) \(answer)")
            }
            if let before = acked[fence], before != answer { fail("P5", "two answers acknowledged: \(reference)") }
            acked[fence] = answer
            // A first ack is a matter of agreement; a repeated one was that once.
            if before.labels[fence] == nil, before.aside[fence] == nil, !isAgreed.ever {
                fail("P3", "accepted without agreement: \(reference)")
            }
        case .keptLate:
            if state.late[fence]?.contains(answer) != true {
                fail("P6", "kept late, and nowhere to be found: \(reference)")
            }
            if case .ended = known.state {} else { fail("P6", "late though the lease is \(known.state): \(reference)") }
            checkCouldCount(known, person, situation, before, isAlone: isAlone)
        case .alreadyAnswered:
            if state.late[fence]?.contains(answer) != true {
                fail("P6", "a second answer was not kept: \(reference)")
            }
            if kept == nil || kept?.answer == answer { fail("P5", "already answered, and by what? \(reference)") }
        case .refusedSchema:
            if !isBad { fail("section 7", "a good answer was refused: \(reference)") }
        case .refusedAgreement:
            if isAgreed.always { fail("P6", "refused for want of an agreement that holds: \(reference)") }
            // One that has run out is no withdrawal.
            if let person = before.person(person.id), let after = state.person(person.id),
                state.purposes(of: known.lane, known.project).allSatisfy({
                    person.consents[$0]?.opens == true && after.consents[$0]?.opens == true
                })
            {
                fail("P6", "thrown away, and nobody withdrew: \(reference)")
            }
        case .refusedDenied:
            if !state.people.contains(where: { $0.id == person.id && $0.isDenied }) { fail("P6", "refused as denied") }
        case .unknownLease:
            // Lease history is kept for seven days (P10).
            if situation.now - known.granted <= 7 * 24 * .hour {
                fail("P6", "a lease that was theirs is not known: \(reference), \(known)")
            }
        case .tryAgain: count("doubts")
        }
        // In hand and agreed: a limit, a pause or read-only mode refuses no answer.
        if isAlone, earlier?.state == .open, known.state == .answered || known.state == .open, isAgreed.always, !isBad,
            settlement.outcome != .accepted, settlement.outcome != .tryAgain
        {
            fail("P6", "an answer to a lease in hand was \(settlement.outcome): \(known)")
        }
    }

    /// A late answer whose slot is still free is accepted if the gate is open.
    private func checkCouldCount(
        _ lease: LeaseModel, _ person: PersonModel, _ situation: Situation, _ before: CellState, isAlone: Bool
    ) {
        guard isAlone, !situation.readOnly.contains(true), before.late[lease.fence] == nil,
            let lane = before.lane(lease.lane), let project = before.project(lease.project),
            let me = before.person(person.id), let task = before.tasks[lease.task], !task.isClosed,
            case .ended = before.leases[lease.fence]?.state
        else { return }
        let slotIsFree = !before.leases.values.contains { other in
            other.task == lease.task && other.slot == lease.slot
                && (other.state == .open || before.labels[other.fence] != nil
                    || { if case .parked = other.state { true } else { false } }())
        }
        guard slotIsFree, !before.isTheirs(lease.task, me) else { return }
        let isOpen = situation.current.allSatisfy { version in
            before.judge(
                me, lane, in: project, effort: task.effort, under: situation.policies[version] ?? .shipped,
                at: situation.now
            ).isOpen
        }
        if isOpen { fail("P6", "a late answer whose slot is free and whose gate is open was not counted: \(lease)") }
    }

    // MARK: Streams

    private func checkConnect(
        _ person: PersonModel, _ held: [LeaseReference], _ kept: [LeaseChange], _ lost: [LeaseReference],
        _ before: CellState
    ) {
        for change in kept {
            let was = before.leases[change.lease.fence]?.state
            let isHeld = change.state == .held && was == .open
            let isParked: Bool
            if case .parked? = was { isParked = change.state == .parked } else { isParked = false }
            if !isHeld, !isParked { fail("P4", "kept what was \(String(describing: was)): \(change)") }
        }
        for reference in lost {
            if let lease = state.leases[reference.fence], lease.person == person.id {
                if case .ended = lease.state { continue }
                if lease.state == .answered { continue }
                fail("P12", "lost at a hello, and it is \(lease.state): \(reference)")
            }
        }
        if Set(kept.map(\.lease) + lost) != Set(held) { fail("protocol", "not every presented lease was answered") }
        count("hellos")
    }

    static let goodAnswers = ["{\"label\":\"a\"}", "{\"label\":\"b\"}", "{\"label\":\"c\"}"]
    static let badAnswers = ["{\"label\":5}", "{}", "{\"label\":\"a\",\"more\":1}", "nonsense"]

    private static func word(_ outcome: Settlement.Outcome) -> String {
        switch outcome {
        case .accepted: "accepted"
        case .keptLate: "kept late"
        case .alreadyAnswered: "already answered"
        case .refusedSchema: "refused by schema"
        case .refusedAgreement: "refused without agreement"
        case .refusedDenied: "refused as denied"
        case .unknownLease: "of an unknown lease"
        case .tryAgain: "to be sent again"
        }
    }
}

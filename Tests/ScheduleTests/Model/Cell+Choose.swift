import Coordinator
import PlimsollModel
import TestSupport

/// What a cell does next: drawn from its seed, its arguments out of what its model knows.
extension Cell {
    enum Kind: String, CaseIterable {
        case want, submit, submitAgain, submitOther, submitLate, submitBad, submitForeign
        case decline, release, park, extend
        case reconnect, disconnect
        case give, withdraw, refuse, leave, enrol, deny
        case pause, resume, close, tighten, loosen, tightenProject, loosenProject, importTasks
        // Two at once.
        case wantAndWant, submitAndSubmit, submitAndWithdraw, wantAndWithdraw, wantAndPause, wantAndDeny, wantAndLeave
        case parkAndSubmit, declineAndSubmit

        var weight: Int {
            switch self {
            case .want: 36
            case .submit: 36
            case .submitAgain, .submitOther, .submitLate: 3
            case .submitBad, .submitForeign: 3
            case .decline, .release: 4
            case .park: 9
            case .extend: 6
            case .reconnect: 4
            case .disconnect: 2
            case .give: 8
            case .withdraw: 2
            case .refuse: 1
            case .leave: 1
            case .enrol: 4
            case .deny: 1
            case .pause: 1
            case .resume: 6
            case .close: 1
            case .tighten: 1
            case .loosen: 1
            case .tightenProject: 1
            case .loosenProject: 3
            case .importTasks: 4
            case .wantAndWant: 9
            case .submitAndSubmit: 6
            case .submitAndWithdraw: 4
            case .wantAndWithdraw, .wantAndPause, .wantAndDeny, .wantAndLeave: 1
            case .parkAndSubmit, .declineAndSubmit: 3
            }
        }
    }

    /// The operations of one step; two of them run at once. Empty: this schedule is over.
    func choose(step: Int, _ situation: Situation) -> (kind: Kind?, actions: [Action]) {
        guard step < length else { return (nil, []) }
        var random = SplitMix64(seed: seed.0, seed.1, UInt64(number), UInt64(step))
        for _ in 0..<8 {
            guard let kind = random.pick(weighted: Kind.allCases.map { ($0, $0.weight) }) else { break }
            if let actions = actions(kind, situation, &random), !actions.isEmpty {
                count("op \(kind.rawValue)")
                return (kind, actions)
            }
        }
        // Nothing of that is possible now: whoever can asks for work.
        count("op want")
        return (.want, want(situation, &random).map { [$0] } ?? [])
    }

    private func actions(_ kind: Kind, _ situation: Situation, _ random: inout SplitMix64) -> [Action]? {
        switch kind {
        case .want: return want(situation, &random).map { [$0] }
        case .submit: return submit(&random).map { [$0] }
        case .submitAgain: return again(&random, other: false).map { [$0] }
        case .submitOther: return again(&random, other: true).map { [$0] }
        case .submitLate: return late(&random).map { [$0] }
        case .submitBad:
            guard let (hand, lease) = held(&random), let bad = random.pick(Self.badAnswers) else { return nil }
            return [.submit(hand: hand, lease: lease.reference, answer: bad)]
        case .submitForeign:
            guard let hand = connected(&random),
                let lease = random.pick(
                    sorted(state.leases.values).filter { $0.person != person(ofHand: hand).id && $0.state == .open })
            else { return nil }
            return [.submit(hand: hand, lease: lease.reference, answer: Self.goodAnswers[0])]
        case .decline: return change(.decline, &random).map { [$0] }
        case .release: return change(.release, &random).map { [$0] }
        case .park: return change(.park, &random).map { [$0] }
        case .extend: return change(.extend, &random).map { [$0] }
        case .reconnect: return [connect(random.below(workers.count), &random)]
        case .disconnect: return connected(&random).map { [.disconnect(hand: $0)] }
        case .give: return give(situation, &random).map { [$0] }
        case .withdraw: return withdraw(&random).map { [$0] }
        case .refuse:
            guard case .withdraw(let person, let purpose, _)? = withdraw(&random) else { return nil }
            return [.withdraw(person: person, purpose: purpose, isRefusal: true)]
        case .leave, .enrol, .deny, .pause, .resume, .close, .tighten, .loosen, .tightenProject, .loosenProject,
            .importTasks:
            return command(kind, &random).map { [$0] }
        default: return race(kind, situation, &random)
        }
    }

    // MARK: Work

    private func want(_ situation: Situation, _ random: inout SplitMix64) -> Action? {
        guard let hand = connected(&random) else {
            return connect(random.below(workers.count), &random)
        }
        return want(hand, count: 1 + random.below(3), situation)
    }

    private func want(_ hand: Int, count: Int, _ situation: Situation) -> Action {
        let must =
            situation.readOnly == [false]
            && situation.current.allSatisfy { version in
                state.mustGrant(
                    person(ofHand: hand), under: situation.policies[version] ?? .shipped, at: situation.now)
            }
        return .want(hand: hand, count: count, must: must)
    }

    private func submit(_ random: inout SplitMix64) -> Action? {
        guard let (hand, lease) = held(&random), let answer = random.pick(Self.goodAnswers) else { return nil }
        return .submit(hand: hand, lease: lease.reference, answer: answer)
    }

    /// An answer that was settled, sent once more or with something else in it.
    private func again(_ random: inout SplitMix64, other: Bool) -> Action? {
        guard let hand = connected(&random),
            let lease = random.pick(
                sorted(state.leases.values).filter {
                    $0.person == person(ofHand: hand).id && acked[$0.fence] != nil
                }),
            let answer = acked[lease.fence]
        else { return nil }
        let others = Self.goodAnswers.filter { $0 != answer }
        return .submit(
            hand: hand, lease: lease.reference, answer: other ? others[random.below(others.count)] : answer)
    }

    /// An answer whose lease is over, or one that was parked.
    private func late(_ random: inout SplitMix64) -> Action? {
        guard let hand = connected(&random),
            let lease = random.pick(
                sorted(state.leases.values).filter { lease in
                    guard lease.person == person(ofHand: hand).id else { return false }
                    switch lease.state {
                    case .ended, .parked: return true
                    case .open, .answered: return false
                    }
                }),
            let answer = random.pick(Self.goodAnswers)
        else { return nil }
        return .submit(hand: hand, lease: lease.reference, answer: answer)
    }

    private func change(_ kind: Action.ChangeKind, _ random: inout SplitMix64) -> Action? {
        guard let (hand, lease) = held(&random) else { return nil }
        return .change(hand: hand, kind, lease: lease.reference)
    }

    /// A connected hand and an open or parked lease of its person, mostly its own.
    private func held(_ random: inout SplitMix64) -> (Int, LeaseModel)? {
        let pairs = workers.indices.filter { workers[$0].coordinator != nil }.flatMap { hand -> [(Int, LeaseModel)] in
            sorted(state.leases.values).filter { lease in
                guard lease.person == person(ofHand: hand).id else { return false }
                switch lease.state {
                case .open, .parked: return true
                case .ended, .answered: return false
                }
            }.map { (hand, $0) }
        }
        let own = pairs.filter { workers[$0.0].holds.contains($0.1.fence) }
        return random.pick(own.isEmpty || random.chance(15) ? pairs : own)
    }

    private func connected(_ random: inout SplitMix64) -> Int? {
        random.pick(workers.indices.filter { workers[$0].coordinator != nil })
    }

    private func connect(_ hand: Int, _ random: inout SplitMix64) -> Action {
        var held = sorted(workers[hand].holds.compactMap { state.leases[$0] }).map(\.reference)
        if held.count > 1, random.chance(20) { held.removeLast() }
        // Mostly where it is not.
        let there = workers[hand].coordinator.map { 1 - $0 } ?? random.below(2)
        return .connect(hand: hand, coordinator: random.chance(20) ? 1 - there : there, held: held)
    }

    // MARK: Consent and commands

    private func purposes(of person: PersonModel) -> [String] {
        Set(state.visible(to: person).flatMap { $0.0.purposes(of: $0.1) }).sorted()
    }

    private func give(_ situation: Situation, _ random: inout SplitMix64) -> Action? {
        let index = random.below(state.people.count)
        let person = state.people[index]
        let all = purposes(of: person)
        let missing = all.filter { person.consents[$0]?.holds(at: situation.now) != true }
        guard let purpose = random.pick(missing.isEmpty || random.chance(15) ? all : missing) else { return nil }
        return .give(person: index, purpose: purpose)
    }

    private func withdraw(_ random: inout SplitMix64) -> Action? {
        let index = random.below(state.people.count)
        guard let purpose = random.pick(purposes(of: state.people[index])) else { return nil }
        return .withdraw(person: index, purpose: purpose, isRefusal: false)
    }

    private func command(_ kind: Kind, _ random: inout SplitMix64) -> Action? {
        let person = random.below(state.people.count)
        let project = random.below(state.projects.count)
        let isEnrolled = state.people[person].enrolled.contains(state.projects[project].id)
        let standing = state.projects[project].state
        switch kind {
        case .leave: return isEnrolled ? .leave(person: person, project: project) : nil
        case .enrol:
            return isEnrolled || standing == .closed || state.people[person].isDenied
                ? nil : .enrol(person: person, project: project)
        case .deny:
            return state.people[person].isDenied || person == 0 || random.chance(50) ? nil : .deny(person: person)
        case .pause: return standing == .open ? .project(project, .paused) : nil
        case .resume: return standing == .paused ? .project(project, .open) : nil
        case .close: return standing != .closed && random.chance(50) ? .project(project, .closed) : nil
        case .tighten:
            return .personal(
                person: person, PolicyDraw.layer(&random), opensQuietHours: state.people[person].ownQuiet == .opened)
        case .loosen: return .personal(person: person, nil, opensQuietHours: random.chance(50))
        case .tightenProject: return .limits(project: project, PolicyDraw.layer(&random))
        case .loosenProject: return state.projects[project].own == nil ? nil : .limits(project: project, nil)
        case .importTasks:
            guard let lane = random.pick(state.projects[project].lanes) else { return nil }
            let count = 1 + random.below(3)
            defer { nextKey += count }
            return .importTasks(
                project: project, lane: lane, count: count, first: nextKey,
                effortSeconds: random.chance(60) ? nil : random.pick([30, 90, 600, 1_500]))
        default: return nil
        }
    }

    // MARK: Two at once

    private func race(_ kind: Kind, _ situation: Situation, _ random: inout SplitMix64) -> [Action]? {
        switch kind {
        case .wantAndWant:
            let both = workers.indices.filter { hand in
                workers[hand].coordinator != nil && workers[hand ^ 1].coordinator != nil
            }
            guard let hand = random.pick(both) else { return nil }
            return [hand, hand ^ 1].map { .want(hand: $0, count: 1 + random.below(3), must: false) }
        case .submitAndSubmit:
            guard let (hand, lease) = held(&random), workers[hand ^ 1].coordinator != nil else { return nil }
            let first = Self.goodAnswers[random.below(2)]
            let second = Self.goodAnswers[random.below(2)]
            return [
                .submit(hand: hand, lease: lease.reference, answer: first),
                .submit(hand: hand ^ 1, lease: lease.reference, answer: second),
            ]
        case .submitAndWithdraw:
            guard let (hand, lease) = held(&random),
                let purpose = random.pick(state.purposes(of: lease.lane, lease.project))
            else { return nil }
            return [
                .submit(hand: hand, lease: lease.reference, answer: Self.goodAnswers[0]),
                .withdraw(person: workers[hand].person, purpose: purpose, isRefusal: false),
            ]
        case .wantAndWithdraw:
            guard let hand = connected(&random), let purpose = random.pick(purposes(of: person(ofHand: hand))) else {
                return nil
            }
            return [
                .want(hand: hand, count: 1, must: false),
                .withdraw(person: workers[hand].person, purpose: purpose, isRefusal: false),
            ]
        case .wantAndPause:
            guard let hand = connected(&random) else { return nil }
            let project = random.below(state.projects.count)
            guard state.projects[project].state == .open else { return nil }
            return [.want(hand: hand, count: 1, must: false), .project(project, .paused)]
        case .wantAndDeny:
            guard let hand = connected(&random), workers[hand].person != 0, !person(ofHand: hand).isDenied else {
                return nil
            }
            return [.want(hand: hand, count: 1, must: false), .deny(person: workers[hand].person)]
        case .wantAndLeave:
            guard let hand = connected(&random) else { return nil }
            let project = random.below(state.projects.count)
            guard person(ofHand: hand).enrolled.contains(state.projects[project].id) else { return nil }
            return [
                .want(hand: hand, count: 1, must: false), .leave(person: workers[hand].person, project: project),
            ]
        case .parkAndSubmit, .declineAndSubmit:
            guard let (hand, lease) = held(&random), workers[hand ^ 1].coordinator != nil else { return nil }
            return [
                .change(hand: hand, kind == .parkAndSubmit ? .park : .decline, lease: lease.reference),
                .submit(hand: hand ^ 1, lease: lease.reference, answer: Self.goodAnswers[1]),
            ]
        default: return nil
        }
    }

    /// Dictionaries have no order, and a draw needs one.
    private func sorted(_ leases: some Sequence<LeaseModel>) -> [LeaseModel] { leases.sorted { $0.fence < $1.fence } }
}

extension LeaseModel {
    var reference: LeaseReference { LeaseReference(task: task, fence: fence) }
}

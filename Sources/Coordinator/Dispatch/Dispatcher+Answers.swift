import Ledger
import PlimsollModel
import QualityReview

/// Answers: accepted under their lease, repeated, late, or refused (P4, P5, P6).
extension Dispatcher {
    func settle(
        _ answer: PersonWork.Answer, _ state: inout PersonState, _ lookups: FlushLookups, _ plan: inout FlushPlan
    ) {
        plan.settledItems[answer.stream, default: 0] += 1
        let settlement: Settlement
        if denied.contains(answer.stream) {
            // Nobody hears of it any more; what counts is that it is not stored.
            settlement = Settlement(
                lease: answer.answer.lease, outcome: .refusedDenied,
                message: "access under this certificate was stopped; plimsoll me access says why")
        } else if let held = state.held[answer.answer.lease.fence], held.stored.task == answer.answer.lease.task {
            settlement = settleHeld(answer.answer, held, &state, lookups, &plan)
        } else {
            settlement = settleGone(answer.answer, on: answer.stream, &state, lookups, &plan)
        }
        plan.reply(answer.stream) { $0.settlements.append(settlement) }
    }

    /// Under an open lease. Limits reached meanwhile refuse no answer: only lease, agreement, denial and schema count.
    private func settleHeld(
        _ answer: SubmittedAnswer, _ held: HeldLease, _ state: inout PersonState, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) -> Settlement {
        let lease = held.stored
        // Looked up with the rest: whatever is open now was open or parked then.
        let bar = lookups.bars[lease.fence]
        if case .refused(let outcome, let message) = bar {
            return Settlement(lease: answer.lease, outcome: outcome, message: message)
        }
        switch check(answer, project: lease.project) {
        case .refused(let problems):
            return Settlement(
                lease: answer.lease, outcome: .refusedSchema(problems),
                message: "the answer does not fit the project's answer schema; the lease stays yours")
        case .accepted(let canonical):
            if case .kept(let why, let message) = bar {
                keepLate(answer, canonical, project: lease.project, why: why, &state, &plan)
                end(held, how: .limit, &state, lookups, &plan)
                return Settlement(lease: answer.lease, outcome: .keptLate, message: message)
            }
            accept(canonical, lease, &state, &plan)
            return Settlement(lease: answer.lease, outcome: .accepted)
        }
    }

    /// Writes the label; the database ends the lease with it (P1).
    private func accept(
        _ answer: CanonicalAnswer, _ lease: StoredLease, _ state: inout PersonState, _ plan: inout FlushPlan
    ) {
        state.held[lease.fence] = nil
        state.countLabel()
        plan.changed.insert(state.person)
        plan.writes.labels.task.append(lease.task.rawValue)
        plan.writes.labels.slot.append(lease.slot)
        plan.writes.labels.person.append(state.person.rawValue)
        plan.writes.labels.fence.append(lease.fence.rawValue)
        plan.writes.labels.project.append(lease.project.rawValue)
        plan.writes.labels.personN.append(state.n + 1)
        plan.writes.labels.provenance.append(lease.provenance.rawValue)
        plan.writes.labels.acceptedOn.append(state.labelDay.rawValue)
        plan.writes.labels.answerHash.append(answer.hash.bytes)
        plan.writes.labels.answer.append(answer.bytes)
        plan.history(&state, lease, storedLane(lease.lane), at: state.at, how: "label")
        plan.tally(lease.project) {
            $0.leased -= 1
            $0.done += 1
        }
        let hour = state.at.microseconds / 3_600_000_000
        let contribution = Contribution(project: lease.project, hour: hour, person: state.person)
        if !contributed.contains(contribution) {
            plan.contributions.append((lease.project, hour, state.person))
        }
        // Deliveries that failed before count no more. Of those of a task with one slot the fences say which they are,
        // but not where the lease was over or parked before its answer came.
        if storedProject(lease.project)?.overlap != 1 || lease.grantedAt >= state.at {
            plan.writes.forgiven.append(lease.task.rawValue)
        }
        ended(lease.fence, of: state.person, &plan)
    }

    /// The lease is not open. The same answer under the same fence gets the same ack; another answer is kept once.
    private func settleGone(
        _ answer: SubmittedAnswer, on stream: StreamID, _ state: inout PersonState, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) -> Settlement {
        let records = lookups.settled[FlushLookups.Key(person: state.person, task: answer.lease.task)] ?? []
        let fence = answer.lease.fence
        let label = records.first { $0.kind == .label && $0.fence == fence }
        let late = records.filter { $0.kind == .late && $0.fence == fence }
        let ended = records.first { $0.kind == .ended && $0.fence == fence }
        let parked = state.parked[fence].flatMap { $0.task == answer.lease.task ? $0 : nil }
        guard label != nil || !late.isEmpty || ended != nil || parked != nil else {
            return Settlement(
                lease: answer.lease, outcome: .unknownLease,
                message: "there is no lease of this task and fence for you, or it ended more than "
                    + "\(HistoryTable.leaseHistory.keptDays) days ago; ask for work to get one")
        }
        let known = label ?? late.first ?? ended
        guard let project = known?.project ?? parked?.project,
            let severity = known?.severity ?? parked.map({ storedLane($0.lane)?.severity ?? 0 })
        else {
            return Settlement(lease: answer.lease, outcome: .tryAgain, message: "its project cannot be looked up now")
        }
        let bar = parked == nil ? bar(project: project, severity: severity, state) : lookups.bars[fence]
        let isNew = label == nil && late.isEmpty
        if isNew, case .refused(let outcome, let message) = bar {
            return Settlement(lease: answer.lease, outcome: outcome, message: message)
        }
        let canonical: CanonicalAnswer
        switch check(answer, project: project) {
        case .refused(let problems):
            return Settlement(
                lease: answer.lease, outcome: .refusedSchema(problems),
                message: "the answer does not fit the project's answer schema")
        case .accepted(let value): canonical = value
        }
        // P5: what was acknowledged is acknowledged again, whatever has come between. Nothing new is stored.
        if let label, label.answerHash == canonical.hash.bytes {
            return Settlement(lease: answer.lease, outcome: .accepted)
        }
        if late.contains(where: { $0.answerHash == canonical.hash.bytes }) {
            return Settlement(
                lease: answer.lease, outcome: label == nil ? .keptLate : .alreadyAnswered,
                message: "this answer is already kept")
        }
        switch bar {
        case .refused(let outcome, let message):
            return Settlement(lease: answer.lease, outcome: outcome, message: message)
        case .kept(let why, let message):
            keepLate(answer, canonical, project: project, why: why, &state, &plan)
            if let parked { endParked(parked, how: .limit, &state, lookups, &plan) }
            return Settlement(
                lease: answer.lease, outcome: label == nil ? .keptLate : .alreadyAnswered, message: message)
        case nil: break
        }
        if let parked { return answerParked(answer, canonical, parked, on: stream, &state, &plan) }
        if isNew, let ended, let provenance = lookups.freeSlots[fence], mayGrant,
            let settlement = grantAnew(answer, canonical, ended, provenance, &state, &plan)
        {
            return settlement
        }
        keepLate(
            answer, canonical, project: project, why: label == nil ? ended?.how ?? "ended" : "already-answered", &state,
            &plan)
        return label == nil
            ? Settlement(
                lease: answer.lease, outcome: .keptLate,
                message: "the lease had ended (\(ended?.how ?? "unknown")); your answer is kept and a person decides")
            : Settlement(
                lease: answer.lease, outcome: .alreadyAnswered,
                message: "you answered this task already; this second answer is kept beside it")
    }

    /// A parked lease is its holder's: answering it opens it again and answers it.
    private func answerParked(
        _ answer: SubmittedAnswer, _ canonical: CanonicalAnswer, _ parked: StoredParked, on stream: StreamID,
        _ state: inout PersonState, _ plan: inout FlushPlan
    ) -> Settlement {
        let lease = unpark(parked, deadline: state.at, for: stream, &state, &plan)
        plan.grant(state.person, lease, why: GrantFigures(), deadlineRule: nil)
        accept(canonical, lease, &state, &plan)
        return Settlement(lease: answer.lease, outcome: .accepted)
    }

    /// The slot is free and the gate is open: granted and accepted in this transaction. The work is done, so no
    /// estimate has to fit before a limit.
    private func grantAnew(
        _ answer: SubmittedAnswer, _ canonical: CanonicalAnswer, _ ended: SettledRecord, _ provenance: ProvenanceID,
        _ state: inout PersonState, _ plan: inout FlushPlan
    ) -> Settlement? {
        guard deployment?.readOnly == false, let lane = lanes[ended.lane],
            let project = deployment?.projects[lane.lane.project],
            !plan.hasGranted(answer.lease.task, slot: ended.slot),
            !plan.hasGranted(answer.lease.task, to: state.person)
        else { return nil }
        // What was answered in the same message is open no more.
        state.refreshOpenLeases(lanes: storedLane)
        let decision = gate(lane, of: project, for: state, now: state.at, want: 1).decision
        guard case .granted(let count, let deadline) = decision, count > 0 else { return nil }
        let lease = StoredLease(
            task: answer.lease.task, slot: ended.slot, fence: answer.lease.fence, lane: ended.lane,
            project: project.id, grantedAt: state.at, firstGrantedAt: state.at, deadline: deadline,
            coordinator: coordinator, provenance: provenance, session: 0)
        let load = LoadFigures(of: state.facts, limits: state.line.limits(in: project.id), at: state.at)
        plan.grant(
            state.person, lease, why: figures(load, openLeases: state.held.count + 1, state), deadlineRule: nil)
        plan.tally(project.id) { $0.leased += 1 }
        accept(canonical, lease, &state, &plan)
        return Settlement(lease: answer.lease, outcome: .accepted)
    }

    private func keepLate(
        _ answer: SubmittedAnswer, _ canonical: CanonicalAnswer, project: ProjectID, why: String,
        _ state: inout PersonState, _ plan: inout FlushPlan
    ) {
        plan.changed.insert(state.person)
        plan.writes.lateAnswers.task.append(answer.lease.task.rawValue)
        plan.writes.lateAnswers.person.append(state.person.rawValue)
        plan.writes.lateAnswers.fence.append(answer.lease.fence.rawValue)
        plan.writes.lateAnswers.project.append(project.rawValue)
        plan.writes.lateAnswers.personN.append(state.n + 1)
        plan.writes.lateAnswers.arrivedOn.append(state.labelDay.rawValue)
        plan.writes.lateAnswers.answerHash.append(canonical.hash.bytes)
        plan.writes.lateAnswers.answer.append(canonical.bytes)
        plan.writes.lateAnswers.why.append(why)
        plan.tally(project) { $0.late += 1 }
    }

    /// Under a purpose that its author does not agree to nothing is stored (P2, P3), and in doubt about what the
    /// project needs nothing either. An agreement that has run out is no withdrawal, and neither is a denial.
    private func bar(project: ProjectID, severity: Int, _ state: PersonState) -> AnswerBar? {
        guard let stored = storedProject(project) else {
            return .refused(.tryAgain, "its project cannot be looked up now")
        }
        let agreements = state.facts.agreements
        var lapsed: PurposeName?
        for purpose in lacking(stored, severity: severity, state) {
            guard agreements.contains(where: { $0.purpose == purpose && $0.state.opensGate }) else {
                return .refused(
                    .refusedAgreement, "your agreement to \(purpose) is not given now, so the answer was not stored")
            }
            lapsed = lapsed ?? purpose
        }
        if state.facts.denied {
            return .kept(
                why: "denied",
                "access under your name is stopped; your answer is kept and a person decides. An operator can tell you why"
            )
        }
        return lapsed.map {
            .kept(
                why: "agreement-ended",
                "your agreement to \($0) has run out; your answer is kept. Should you agree again, a person can let it count"
            )
        }
    }

    /// The bar to an answer under an open or a parked lease.
    func bar(toAnswerOf fence: Fence, _ state: PersonState) -> AnswerBar? {
        guard
            let (project, lane) = state.held[fence].map({ ($0.stored.project, $0.stored.lane) })
                ?? state.parked[fence].map({ ($0.project, $0.lane) })
        else { return nil }
        return bar(project: project, severity: storedLane(lane)?.severity ?? 0, state)
    }

    /// The purposes of a project's tasks that this person's agreements do not open now.
    private func lacking(_ project: StoredProject, severity: Int, _ state: PersonState) -> [PurposeName] {
        func isOpen(_ purpose: PurposeName) -> Bool {
            state.facts.agreements.contains { $0.purpose == purpose && $0.opensGate(at: state.at) }
        }
        var lacking = project.purposes.filter { !isOpen($0) }
        if let own = PurposeName.severity(severity), !isOpen(own) { lacking.append(own) }
        return lacking
    }

    /// The first agreement that a lease needs and that does not hold.
    func agreementLacking(for lease: StoredLease, _ state: PersonState) -> PurposeName? {
        storedProject(lease.project).flatMap {
            lacking($0, severity: storedLane(lease.lane)?.severity ?? 0, state).first
        }
    }

    private func check(_ answer: SubmittedAnswer, project: ProjectID) -> AnswerVerdict {
        guard let schema = schemas[project] else {
            return .refused([AnswerProblem(path: "", message: "the project's answer schema cannot be read")])
        }
        return schema.accept(answer.answer)
    }
}

/// What keeps an answer from counting, whatever its lease.
enum AnswerBar: Sendable {
    /// Nothing of it is stored.
    case refused(Settlement.Outcome, String)
    /// P6: it was given in good faith, so it is kept and a person decides; its lease is over.
    case kept(why: String, String)

    var endsLease: Bool { if case .kept = self { true } else { false } }
}

import Coordinator
import Ledger
import PlimsollModel

/// Carries out one operation of one cell and says what came back. Knows nothing of the model.
struct Performer: Sendable {
    let ledger: Ledger
    let coordinators: [Coordinator]
    let hands: [Hand?]
    /// Of each hand: its person's name and the number of its process.
    let workers: [(name: String, session: Int64)]
    let people: [String]
    let projects: [String]
    let notices: [String: Layout.Notice]
    /// Who decides about enrolments.
    let decider: String

    /// How often a want that the model says must be filled is asked again before it counts as refused.
    static let patience = 200

    /// Several at once.
    func perform(together actions: [Action]) async -> [Outcome] {
        if actions.count == 1 { return [await perform(actions[0])] }
        return await withTaskGroup(of: (Int, Outcome).self) { group in
            for (index, action) in actions.enumerated() { group.addTask { (index, await perform(action)) } }
            var outcomes: [Int: Outcome] = [:]
            for await (index, outcome) in group { outcomes[index] = outcome }
            return actions.indices.map { outcomes[$0] ?? .failed("lost") }
        }
    }

    private func perform(_ action: Action) async -> Outcome {
        switch action {
        case .want(let hand, let count, let must): await want(hand, count, must)
        case .submit(let hand, let lease, let answer):
            await ask(hand) {
                $0.submits = [SubmittedAnswer(lease: lease, answer: Array(answer.utf8))]
            } answer: {
                $0.replies.lazy.flatMap(\.settlements).first { $0.lease == lease }.map { .settled($0) }
            }
        case .change(let hand, let kind, let lease):
            await ask(hand) {
                switch kind {
                case .decline: $0.declines = [Decline(lease: lease)]
                case .release: $0.releases = [lease]
                case .park: $0.parks = [lease]
                case .extend: $0.extends = [lease]
                }
            } answer: {
                $0.replies.lazy.flatMap(\.changes).first { $0.lease == lease }.map { .changed($0) }
            }
        case .connect(let hand, let coordinator, let held): await connect(hand, coordinator, held)
        case .disconnect(let hand):
            await disconnect(hand)
        default: await command(action)
        }
    }

    private func ask(
        _ hand: Int, _ body: (inout StreamRequest) -> Void, answer: @escaping @Sendable (Hand.Heard) -> Outcome?
    ) async -> Outcome {
        guard let worker = hands[hand] else { return .streamEnded(nil) }
        worker.forget()
        worker.send(body)
        return await worker.answer(answer) ?? .streamEnded(worker.endCode)
    }

    private func want(_ hand: Int, _ count: Int, _ must: Bool) async -> Outcome {
        guard let worker = hands[hand] else { return .streamEnded(nil) }
        var got: [LeaseGrant] = []
        for attempt in 0... {
            worker.forget()
            let missing = attempt == 0 ? count : 1
            worker.send { $0.want = missing }
            let heard: ([LeaseGrant], IdleAnswer?)? = await worker.answer { heard in
                let leases = heard.replies.flatMap(\.leases)
                let idle = heard.replies.lazy.compactMap(\.idle).first
                return idle != nil || leases.count >= missing ? (leases, idle) : nil
            }
            guard let heard else { return .streamEnded(worker.endCode) }
            got += heard.0
            guard let idle = heard.1 else { return .leases(got, nil) }
            // Too long for now, or of a paused project, is all that one coordinator has at hand; what fits may be in the
            // other's.
            let isPassing = [.allInOtherHands, .notReady, .limitTooNear, .paused].contains(idle.reason)
            guard must, got.isEmpty, isPassing, attempt < Self.patience else { return .leases(got, idle) }
            // As a worker does.
            try? await Task.sleep(for: min(idle.askAgainIn, .milliseconds(50)))
        }
        return .leases(got, nil)
    }

    private func connect(_ hand: Int, _ coordinator: Int, _ held: [LeaseReference]) async -> Outcome {
        do {
            let stream = try await coordinators[coordinator].attach(
                StreamOpening(
                    person: workers[hand].name, serial: "ab01", worker: "w\(hand)", inFlight: 64, held: held,
                    session: workers[hand].session))
            return .connected(Hand(stream), kept: stream.welcome.kept, lost: stream.welcome.lost.map(\.lease))
        } catch let end as StreamEnd {
            return .refused(end.code)
        } catch {
            return .failed("\(error)")
        }
    }

    private func disconnect(_ hand: Int) async -> Outcome {
        hands[hand]?.stream.detach()
        _ = await hands[hand]?.answer { heard in heard.end }
        return .done(0)
    }

    private func command(_ action: Action) async -> Outcome {
        do {
            return try await commanded(action)
        } catch let error as LedgerError {
            return .failed(error.code.rawValue + ": " + error.message)
        } catch {
            return .failed("\(error)")
        }
    }

    private func commanded(_ action: Action) async throws -> Outcome {
        func voice(_ person: Int) -> ConsentVoice { ConsentVoice(name: people[person], certificateSerial: "ab01") }
        switch action {
        case .give(let person, let purpose):
            guard let notice = notices[purpose] else { return .failed("no notice of \(purpose)") }
            return Self.receipt(
                try await ledger.giveAgreement(
                    notice: notice.id, version: 1, sha256: notice.sha256, voice: voice(person)))
        case .withdraw(let person, let purpose, let isRefusal):
            return Self.receipt(
                isRefusal
                    ? try await ledger.refuseAgreement(purpose: purpose, voice: voice(person))
                    : try await ledger.withdrawAgreement(purpose: purpose, voice: voice(person)))
        case .leave(let person, let project):
            let left = try await ledger.leaveProject(
                projects[project], person: people[person], reason: nil, by: people[person])
            return .done(left.leasesEnded)
        case .enrol(let person, let project):
            _ = try await ledger.enrolEngineer(
                people[person], zone: nil, projects: [projects[project]],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: decider, alternativeOffered: "the usual work"),
                by: "op")
            return .done(0)
        case .deny(let person):
            let outcome = try await ledger.deny(.person(people[person]), reason: "a schedule", by: "op")
            return .done(outcome.leasesEnded)
        case .project(let project, let state):
            let wanted: ProjectState =
                switch state {
                case .open: .open
                case .paused: .paused
                case .closed: .closed
                }
            _ = try await ledger.setProjectState(projects[project], to: wanted, by: "op")
            return .done(0)
        case .personal(let person, let limits, let opens):
            let text = (limits?.layer ?? "") + (opens ? "quiet-hours: none\n" : "")
            if text.isEmpty {
                try await ledger.clearLimitLayer(.person(people[person]), by: people[person])
            } else {
                try await ledger.setLimitLayer(.person(people[person]), text, by: people[person])
            }
            return .done(0)
        case .limits(let project, let limits):
            if let limits {
                try await ledger.setLimitLayer(.project(projects[project]), limits.layer, by: "op")
            } else {
                try await ledger.clearLimitLayer(.project(projects[project]), by: "op")
            }
            return .done(0)
        case .importTasks(let project, let lane, let count, let first, let effort):
            return .done(
                try await Self.importTasks(
                    count, first: first, lane, efforts: [effort], into: projects[project], ledger
                ).imported)
        default: return .failed("no command")
        }
    }

    /// `efforts`: estimates, in turn; nil for the project's own.
    static func importTasks(
        _ count: Int, first: Int, _ lane: Layout.Lane, efforts: [Int?], into project: String, _ ledger: Ledger
    ) async throws -> ImportOutcome {
        let drafts = (first..<first + count).map {
            TaskDraft(
                key: "t\($0)", kind: lane.kind, severity: lane.severity, priority: 0,
                effortSeconds: efforts[$0 % efforts.count], payload: Array("{\"key\":\"t\($0)\"}".utf8))
        }
        return try await ledger.importTasks(
            AsyncThrowingStream<ImportPiece, any Error> { continuation in
                continuation.yield(ImportPiece(request: ImportRequest(project: project, source: "schedule")))
                continuation.yield(ImportPiece(tasks: drafts))
                continuation.yield(ImportPiece(total: drafts.count))
                continuation.finish()
            }, by: "op")
    }

    private static func receipt(_ receipt: ConsentReceipt) -> Outcome {
        .receipt(
            state: receipt.state.rawValue, at: receipt.at.microseconds, until: receipt.until?.microseconds,
            ended: receipt.leasesEnded)
    }
}

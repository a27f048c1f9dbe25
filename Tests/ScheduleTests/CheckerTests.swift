import Coordinator
import PlimsollModel
import Testing

/// The checker finds what is wrong: each test tells it a story in which one promise is broken.
@Suite struct CheckerTests {
    private static let now: Micros = 1_774_256_400 * .second
    private static let layout = Layout(
        start: now - 24 * .hour,
        cells: [
            Layout.Cell(
                projects: [
                    Layout.Project(
                        id: ProjectID(1), name: "p", overlap: 2, effortSeconds: 60, purposes: ["taking-part"],
                        lanes: [Layout.Lane(id: LaneID(1), kind: "puzzle", severity: 0)],
                        tasks: (1...4).map {
                            Layout.Task(id: TaskID($0), lane: LaneID(1), key: "t\($0)", effort: 60 * .second)
                        })
                ],
                people: ["ann", "bob"].enumerated().map { index, name in
                    Layout.Person(
                        id: PersonID(Int64(index + 1)), name: name, zone: "UTC", enrolled: [ProjectID(1)],
                        agreements: ["taking-part"])
                })
        ],
        notices: [
            "taking-part": Layout.Notice(
                id: "taking-part", purpose: "taking-part", sha256: [], validity: 90 * 24 * .hour)
        ])

    private static let policy: Limits = {
        var limits = Limits.shipped
        limits.quietHours = nil
        return limits
    }()

    private let cell = Cell(0, layout, seed: (1, 1))
    private var situation: Situation { Situation(now: Self.now, policies: [1: Self.policy], current: [1]) }

    private func lease(
        _ fence: Int64, task: Int64 = 1, slot: Int16 = 1, person: Int64 = 1, seconds: Micros = 180,
        granted: Micros = now
    ) -> Rows.Lease {
        Rows.Lease(
            task: TaskID(task), slot: slot, person: PersonID(person), fence: Fence(fence), lane: LaneID(1),
            project: ProjectID(1), granted: granted, firstGranted: granted, deadline: granted + seconds * .second,
            coordinator: 1, session: 0, policy: 1)
    }

    /// One step in which the database came to say this.
    private func absorb(_ rows: Rows, _ actions: [Action] = []) { absorb(rows, actions, situation) }

    private func absorb(_ rows: Rows, _ actions: [Action], _ situation: Situation) {
        cell.absorb(rows, actions, situation, before: cell.state)
    }

    private func expect(_ promise: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            cell.violations.contains { $0.promise == promise && $0.what.contains(words) },
            "found: \(cell.violations)", sourceLocation: sourceLocation)
    }

    private func rows(_ leases: Rows.Lease...) -> Rows {
        var rows = Rows()
        rows.leases = leases
        return rows
    }

    @Test func `an honest history is no violation`() {
        absorb(rows(lease(1), lease(2, task: 1, slot: 2, person: 2), lease(3, task: 2)))
        cell.state.sent[Fence(1)] = ["{\"label\":\"a\"}"]
        var next = rows(lease(2, task: 1, slot: 2, person: 2), lease(3, task: 2))
        next.labels = [label(1)]
        next.ends = [end(1, "label")]
        absorb(next)
        let reference = LeaseReference(task: TaskID(1), fence: Fence(1))
        cell.check(
            .submit(hand: 0, lease: reference, answer: "{\"label\":\"a\"}"),
            .settled(Settlement(lease: reference, outcome: .accepted)), situation, before: cell.state, isAlone: true)
        #expect(cell.violations.isEmpty, "\(cell.violations)")
        #expect(cell.acked[Fence(1)] == "{\"label\":\"a\"}")
    }

    @Test func `two leases of one slot (P1)`() {
        absorb(rows(lease(1), lease(2, person: 2)))
        expect("P1", "a slot twice")
    }

    @Test func `two slots of one person (P1)`() {
        absorb(rows(lease(1), lease(2, slot: 2)))
        expect("P1", "twice one person's")
    }

    @Test func `a lease in a break (P2)`() {
        cell.state.people[0].worked = [
            Stretch(from: Self.now - 55 * .minute, to: Self.now - 5 * .minute, kind: "puzzle", severity: 0)
        ]
        absorb(rows(lease(1)))
        expect("P2", "break")
    }

    @Test func `a lease that goes on past the first moment of a limit (P2)`() {
        cell.state.people[0].worked = [
            Stretch(from: Self.now - 48 * .minute, to: Self.now, kind: "puzzle", severity: 0)
        ]
        absorb(rows(lease(1, seconds: 121)))
        expect("P2", "deadline")
    }

    @Test func `a lease without agreement (P2)`() {
        cell.state.people[0].consents = [:]
        absorb(rows(lease(1)))
        expect("P2", "agreement")
    }

    @Test func `a lease of a paused project (P2)`() {
        cell.state.projects[0].state = .paused
        absorb(rows(lease(1)))
        expect("P2", "paused")
    }

    @Test func `one more than the line allows (P7)`() {
        absorb(rows(lease(1), lease(2, task: 2), lease(3, task: 3), lease(4, task: 4)))
        expect("P7", "holds 4 leases")
    }

    @Test func `a lease decided by an earlier policy (P2)`() {
        var late = situation
        late.policies[2] = Self.policy
        late.current = [2]
        absorb(rows(lease(1)), [], late)
        expect("P2", "granted under policy 1")
    }

    @Test func `a lease that outlives the word that took its purpose back (P3)`() {
        absorb(rows(lease(1)))
        var next = rows(lease(1))
        next.consents = [
            Rows.Consent(
                person: PersonID(1), purpose: "taking-part", n: 5, at: Self.now, state: "withdrawn", until: nil)
        ]
        absorb(next, [.withdraw(person: 0, purpose: "taking-part", isRefusal: false)])
        expect("P3", "taken back")
    }

    @Test func `an answer kept late after its purpose was taken back (P3)`() {
        absorb(rows(lease(1)))
        cell.state.sent[Fence(1)] = ["{\"label\":\"a\"}"]
        var next = Rows()
        next.consents = [
            Rows.Consent(
                person: PersonID(1), purpose: "taking-part", n: 5, at: Self.now, state: "withdrawn", until: nil)
        ]
        next.ends = [end(1, "withdrawn")]
        next.late = [
            Rows.Late(task: TaskID(1), person: PersonID(1), fence: Fence(1), personN: 6, answer: "{\"label\":\"a\"}")
        ]
        absorb(next, [.withdraw(person: 0, purpose: "taking-part", isRefusal: false)])
        expect("P3", "a late answer was kept after withdrawn")
    }

    @Test func `a label of somebody else's lease (P4)`() {
        absorb(rows(lease(1)))
        var next = rows(lease(1))
        next.labels = [label(1, person: 2)]
        absorb(next)
        expect("P4", "a label without a lease")
    }

    @Test func `an ack without a label (P5)`() {
        absorb(rows(lease(1)))
        let reference = LeaseReference(task: TaskID(1), fence: Fence(1))
        cell.check(
            .submit(hand: 0, lease: reference, answer: "{\"label\":\"a\"}"),
            .settled(Settlement(lease: reference, outcome: .accepted)), situation, before: cell.state, isAlone: true)
        expect("P5", "no label has it")
    }

    @Test func `a late answer that is nowhere (P6)`() {
        absorb(rows(lease(1)))
        var next = Rows()
        next.ends = [end(1, "released")]
        let reference = LeaseReference(task: TaskID(1), fence: Fence(1))
        absorb(next, [.change(hand: 0, .release, lease: reference)])
        cell.check(
            .submit(hand: 0, lease: reference, answer: "{\"label\":\"a\"}"),
            .settled(Settlement(lease: reference, outcome: .keptLate)), situation, before: cell.state, isAlone: true)
        expect("P6", "nowhere to be found")
    }

    @Test func `a task asked again after a no (P9)`() {
        cell.state.people[0].never = [TaskID(1)]
        absorb(rows(lease(1)))
        expect("P9", "asked again")
    }

    @Test func `a lease that is gone without a trace (P12)`() {
        absorb(rows(lease(1)))
        absorb(Rows())
        expect("P12", "without a trace")
    }

    @Test func `an end that nobody asked for`() {
        absorb(rows(lease(1)))
        var next = Rows()
        next.ends = [end(1, "released")]
        absorb(next)
        expect("ends", "nothing explains")
    }

    @Test func `a refusal without a reason, and nothing where something must come`() {
        let refusal = Refusal(rule: .dayTime, value: "4h", limit: "4h")
        let before = cell.state
        cell.check(
            .want(hand: 0, count: 1, must: false),
            .leases([], IdleAnswer(reason: .notEligible, askAgainIn: .seconds(1), refusal: refusal)), situation,
            before: before, isAlone: true)
        expect("liveness", "does not know of")
        #expect(before.mustGrant(before.people[0], under: Self.policy, at: Self.now))
        cell.check(
            .want(hand: 0, count: 1, must: true),
            .leases([], IdleAnswer(reason: .nothingLeft, askAgainIn: .seconds(1))), situation, before: before,
            isAlone: true)
        expect("liveness", "nothing stands against it")
    }

    // MARK: Deadlines

    /// Of a break that is two minutes away.
    private func nearBreak() -> Rows {
        cell.state.people[0].worked = [
            Stretch(from: Self.now - 48 * .minute, to: Self.now, kind: "puzzle", severity: 0)
        ]
        return rows(lease(1, seconds: 120))
    }

    private func at(_ seconds: Micros) -> Situation {
        var later = situation
        later.now += seconds * .second
        return later
    }

    /// What its worker hears of the first lease.
    private func tell(deadlineIn seconds: Int, parks: Bool) {
        let grant = LeaseGrant(
            lease: LeaseReference(task: TaskID(1), fence: Fence(1)), project: ProjectID(1), instructionsVersion: 1,
            key: "t1", kind: "puzzle", severity: 0, effort: .seconds(60), deadlineIn: .seconds(seconds), payload: [],
            why: GrantReason(policyVersion: 1, provenance: ProvenanceID(1), figures: GrantFigures()), parks: parks)
        cell.check(
            .want(hand: 0, count: 1, must: false), .leases([grant], nil), situation, before: cell.state, isAlone: true)
    }

    @Test func `an honest end at a limit is no violation`() {
        absorb(nearBreak())
        tell(deadlineIn: 120, parks: true)
        var next = Rows()
        next.ends = [end(1, "parked", after: 120)]
        let now = Self.now + 125 * .second
        next.parked = [
            Rows.Parked(
                task: TaskID(1), slot: 1, person: PersonID(1), fence: Fence(1), parkedAt: now,
                until: now + 72 * .hour, atLimit: true)
        ]
        absorb(next, [], at(125))
        #expect(cell.violations.isEmpty, "\(cell.violations)")
    }

    @Test(arguments: [true, false]) func `what came back and was never heard of is parked as before`(isAway: Bool) {
        absorb(rows(lease(1)))
        cell.state.leases[Fence(1)]?.leasedBefore = .minute
        if !isAway {
            for hand in cell.workers.indices {
                cell.workers[hand].coordinator = 0
                cell.workers[hand].movedAt = -1_000
            }
        }
        var next = Rows()
        next.ends = [end(1, "parked")]
        next.parked = [
            Rows.Parked(
                task: TaskID(1), slot: 1, person: PersonID(1), fence: Fence(1), parkedAt: Self.now,
                until: Self.now + 72 * .hour, atLimit: true)
        ]
        absorb(next, [], at(30))
        if isAway {
            #expect(cell.violations.isEmpty, "\(cell.violations)")
        } else {
            expect("ends", "nothing explains")
        }
    }

    @Test func `a worker that is not told that a limit parks its lease`() {
        absorb(nearBreak())
        tell(deadlineIn: 120, parks: false)
        expect("protocol", "told that a limit parks it: false")
    }

    @Test func `a worker that is told of a limit where its lease merely ends`() {
        absorb(rows(lease(1)))
        tell(deadlineIn: 180, parks: true)
        expect("protocol", "told that a limit parks it: true")
    }

    @Test func `a lease that expires at a limit`() {
        absorb(nearBreak())
        tell(deadlineIn: 120, parks: true)
        var next = Rows()
        next.ends = [end(1, "expired", after: 120)]
        absorb(next, [], at(125))
        expect("section 9", "expired at its deadline")
    }

    @Test func `a lease that expires though it was to be parked, at a limit that has let go`() {
        absorb(nearBreak())
        tell(deadlineIn: 120, parks: true)
        cell.state.people[0].worked = []
        var next = Rows()
        next.ends = [end(1, "expired", after: 120)]
        absorb(next, [], at(125))
        expect("section 9", "expired at its deadline")
    }

    @Test(arguments: ["limit", "parked"]) func `a lease that lasted as long as it may and did not expire`(how: String) {
        absorb(rows(lease(1)))
        var next = Rows()
        next.ends = [end(1, how, after: 180)]
        absorb(next, [], at(185))
        expect("section 9", "\(how) at its deadline")
    }

    @Test func `a lease that may be made longer and is not`() {
        absorb(rows(lease(1)))
        extend(from: 60, to: nil)
        expect("section 9", "not made longer")
    }

    @Test(arguments: [Micros(239), 241]) func `a lease that is made longer than by its length`(seconds: Micros) {
        absorb(rows(lease(1)))
        extend(from: 60, to: seconds)
        expect("P2", "made longer")
    }

    @Test func `a lease that is made longer after its deadline`() {
        absorb(rows(lease(1)))
        extend(from: 180, to: 360)
        expect("P2", "made longer")
    }

    @Test func `an honest extension is no violation`() {
        absorb(rows(lease(1)))
        extend(from: 60, to: 240)
        #expect(cell.violations.isEmpty, "\(cell.violations)")
    }

    /// The first lease is asked to be longer after so many seconds; nil: it is not made so.
    private func extend(from seconds: Micros, to end: Micros?) {
        let before = cell.state
        let reference = LeaseReference(task: TaskID(1), fence: Fence(1))
        let action = Action.change(hand: 0, .extend, lease: reference)
        let deadline = end ?? 180
        absorb(rows(lease(1, seconds: deadline)), [action], at(seconds))
        let change = LeaseChange(
            lease: reference, state: end == nil ? .unchanged : .held, deadlineIn: .seconds(deadline - seconds))
        cell.check(action, .changed(change), at(seconds), before: before, isAlone: true)
    }

    @Test func `a warning of a limit that is not near`() {
        absorb(rows(lease(1)))
        cell.hear(1, by: 0, situation)
        expect("section 9", "was warned")
    }

    @Test func `a limit of which nobody warns, and one warning of it`() {
        cell.state.tasks[TaskID(1)] = TaskModel(
            Layout.Task(id: TaskID(1), lane: LaneID(1), key: "t1", effort: 10 * .minute), of: ProjectID(1))
        cell.state.people[0].worked = [
            Stretch(from: Self.now - 30 * .minute, to: Self.now, kind: "puzzle", severity: 0)
        ]
        absorb(rows(lease(1, seconds: 20 * 60)))
        tell(deadlineIn: 20 * 60, parks: true)
        #expect(cell.unwarned(0, at(15 * 60 - 1))?.fence == nil)
        #expect(cell.unwarned(0, at(15 * 60))?.fence == Fence(1))
        cell.hear(1, by: 0, at(15 * 60))
        #expect(cell.unwarned(0, at(15 * 60))?.fence == nil)
        #expect(cell.violations.isEmpty, "\(cell.violations)")
        cell.hear(2, by: 0, at(15 * 60))
        expect("section 9", "was warned")
    }

    private func label(_ fence: Int64, person: Int64 = 1) -> Rows.Label {
        Rows.Label(
            task: TaskID(1), slot: 1, person: PersonID(person), fence: Fence(fence), personN: 9, lane: LaneID(1),
            project: ProjectID(1), answer: "{\"label\":\"a\"}", policy: 1)
    }

    private func end(_ fence: Int64, _ how: String, after seconds: Micros = 0) -> Rows.End {
        Rows.End(
            person: PersonID(1), fence: Fence(fence), task: TaskID(1), slot: 1, lane: LaneID(1), granted: Self.now,
            at: Self.now + seconds * .second, how: how)
    }
}

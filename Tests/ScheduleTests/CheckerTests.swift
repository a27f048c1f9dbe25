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

    private func label(_ fence: Int64, person: Int64 = 1) -> Rows.Label {
        Rows.Label(
            task: TaskID(1), slot: 1, person: PersonID(person), fence: Fence(fence), personN: 9, lane: LaneID(1),
            project: ProjectID(1), answer: "{\"label\":\"a\"}", policy: 1)
    }

    private func end(_ fence: Int64, _ how: String) -> Rows.End {
        Rows.End(
            person: PersonID(1), fence: Fence(fence), task: TaskID(1), slot: 1, lane: LaneID(1), granted: Self.now,
            at: Self.now, how: how)
    }
}

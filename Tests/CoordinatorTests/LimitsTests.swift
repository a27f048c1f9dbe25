import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

@Suite("Limits on time through the whole path: decided under the person's lock, by the database's clock (P2, P7, P8)")
struct LimitsTests {
    /// A Monday at noon in Berlin.
    private static let noon = "'2026-06-08 12:00+02'"

    @Test("at a break an open lease is parked, and comes back first when the break is over (P6, P13)")
    func breakParks() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            try await deployment.project(people: ["ann", "bob"], tasks: 9)
            try await deployment.policy("continuous-time: 5m", "break: 2m")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let first = try await ann.patientLease()
                #expect(first.deadlineIn == .seconds(180))
                #expect(first.why.figures.continuousLimit == .seconds(300))
                try await deployment.setClock(start + .seconds(170), standing: true)
                ann.submit(first.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                let second = try await ann.patientLease()
                #expect(second.deadlineIn == .seconds(130), "no longer than to the break")
                #expect(second.why.figures.continuous == .seconds(170) && second.why.figures.day == .seconds(170))
                let limit = start + .seconds(300)
                try await deployment.setClock(limit + .seconds(5), standing: true)
                let told = try await ann.read { reply in reply.changes.contains { $0.state == .parked } }
                let change = try #require(told.flatMap(\.changes).first { $0.state == .parked })
                #expect(change.lease == second.lease && change.message.contains("break"))
                #expect(told.flatMap(\.revokes).isEmpty)
                #expect(told.flatMap(\.notifications).contains { $0.kind == .breakAhead })
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
                #expect(
                    try await deployment.number(
                        "select count(*) from lease_history where how = 'parked' and at - granted_at = '130 seconds'")
                        == 1)

                let refusal = try await ann.refusal()
                #expect(refusal.rule == .breakTime && refusal.value == "5m" && refusal.limit == "2m")
                #expect(refusal.until == limit + .seconds(120))
                // Under a new version, and so soon that the refusal is not kept again: what the return will stand on is.
                try await deployment.policy("continuous-time: 5m", "break: 2m")
                #expect(try await ann.refusal().rule == .breakTime)
                // Nobody else may have it meanwhile.
                let bob = try await Hand(one, "bob")
                let his = try await bob.patientLease()
                #expect(his.lease.task != second.lease.task)

                try await deployment.setClock(limit + .seconds(119), standing: true)
                #expect(try await ann.refusal().rule == .breakTime)
                try await deployment.setClock(limit + .seconds(120), standing: true)
                let back = try await ann.patientLease()
                #expect(back.lease == second.lease && back.payload == second.payload)
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from lease l join provenance v using (provenance_id)
                        where l.fence = \(second.lease.fence)
                        """) == 1)
                // Of its lifetime the 130 s have passed in which it was open, and not the grace before it was parked.
                #expect(
                    try await deployment.number(
                        """
                        select extract(epoch from granted_at - first_granted_at)::bigint from lease
                        where fence = \(second.lease.fence)
                        """) == 130)
                ann.submit(back.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                // The refusal is kept once, though it was given several times.
                #expect(try await deployment.number("select count(*) from decision where rule = 'break'") == 1)
            }
        }
    }

    @Test("a parked task that a limit on its kind keeps away holds back none of another kind")
    func parkedBehindAnother() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            try await deployment.project(effortSeconds: 20, people: ["ann"], tasks: 1)
            try await deployment.policy("kind-day: 60s")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let puzzle = try await ann.patientLease()
                try await deployment.importTasks(1, from: 1, kind: "rating")
                try await deployment.moveStanding(by: .seconds(59))
                ann.park(puzzle.lease)
                #expect(try await ann.change().state == .parked)
                let rating = try await ann.patientLease()
                #expect(rating.kind == "rating")
                try await deployment.moveStanding(by: .seconds(10))
                ann.park(rating.lease)
                #expect(try await ann.change().state == .parked)
                #expect(try await ann.patientLease().lease == rating.lease)
                #expect(try await deployment.number("select count(*) from parked") == 1)
            }
        }
    }

    @Test("what cannot be parked any more ends, and counts toward no quarantine")
    func parkIsFull() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            try await deployment.project(people: ["ann"], tasks: 9)
            try await deployment.policy("continuous-time: 2m", "break: 2m", "parked-leases: 1", "open-leases: 3")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                for _ in 0..<3 { _ = try await ann.patientLease() }
                try await deployment.setClock(start + .seconds(125), standing: true)
                var parked = 0
                var ended = 0
                try await ann.read { reply in
                    parked += reply.changes.filter { $0.state == .parked }.count
                    ended += reply.revokes.count
                    return parked + ended >= 3
                }
                #expect(parked == 1 && ended == 2)
                #expect(try await deployment.number("select count(*) from lease_history where how = 'limit'") == 2)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
            }
        }
    }

    @Test("leased time is one account across coordinators, merged or not, and after a restart (P7)")
    func everywhere() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            try await deployment.project(people: ["ann"], tasks: 20)
            try await deployment.policy("continuous-time: 5m", "break: 2m")
            func work(_ coordinator: Coordinator, _ seconds: Int, leftAtGrant: Int) async throws {
                let ann = try await Hand(coordinator, "ann")
                let lease = try await ann.patientLease()
                #expect(lease.deadlineIn == .seconds(leftAtGrant))
                try await deployment.moveStanding(by: .seconds(seconds))
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.stream.detach()
            }
            let one = deployment.coordinator()
            let two = deployment.coordinator("two")
            try await running(one, two) {
                try await work(one, 60, leftAtGrant: 180)
                try await work(two, 100, leftAtGrant: 180)
                try await work(one, 20, leftAtGrant: 140)
            }
            // However little waits, it is merged once it is an hour old; the account stays the same.
            try await deployment.owner.execute(script: "update usage set at = at - interval '61 minutes'")
            #expect(try await deployment.ledger.ageWork() == 1)
            #expect(try await deployment.number("select count(*) from work_interval") == 1)
            #expect(
                try await deployment.number(
                    "select extract(epoch from ends - starts)::bigint from work_interval where kind = 'puzzle'") == 180)
            let three = deployment.coordinator("three")
            try await running(three) {
                try await work(three, 119, leftAtGrant: 120)
                let ann = try await Hand(three, "ann")
                let refusal = try await ann.refusal()
                #expect(refusal.rule == .limitTooNear && refusal.scope == "break")
                #expect(refusal.until == start + .seconds(299 + 120))
            }
        }
    }

    @Test("time under a lease that a withdrawal, a denial or a lost worker ended is leased time, up to its last sign")
    func endsCount() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            try await deployment.project(people: ["ann"], tasks: 20)
            try await deployment.policy("continuous-time: 5m", "break: 2m")
            let voice = ConsentVoice(name: "ann", certificateSerial: "ab01")
            let one = deployment.coordinator { $0.times.streamTimeToLive = .seconds(5) }
            try await running(one) {
                let ann = try await Hand(one, "ann")
                _ = try await ann.patientLease()
                try await deployment.moveStanding(by: .seconds(100))
                _ = try await deployment.ledger.withdrawAgreement(purpose: "taking-part", voice: voice)
                try await ann.read { !$0.revokes.isEmpty }
                try await deployment.agree("ann")
                let second = try await ann.patientLease()
                #expect(second.why.figures.continuous == .seconds(100))
                // No sign of life from now on: the minute that passes until it is noticed is nobody's work.
                try await deployment.moveStanding(by: .seconds(60))
                try await eventually("the lost stream is noticed") {
                    try await deployment.number("select count(*) from lease_history where how = 'stream_lost'") == 1
                }
                let again = try await Hand(one, "ann")
                let third = try await again.patientLease()
                let continuous = third.why.figures.continuous
                #expect(continuous >= .seconds(100) && continuous < .seconds(165))
                #expect(try await deployment.number("select count(*) from usage where worked_to > clock()") == 0)
            }
        }
    }

    @Test("a task that is too long for now keeps back none of the shorter ones behind it, and lengthens no lease")
    func longAmongShort() async throws {
        try await withDeployment { deployment in
            try await deployment.setClock(try await deployment.moment(Self.noon), standing: true)
            try await deployment.project(effortSeconds: 60, people: ["ann"], tasks: 0)
            try await deployment.importTasks(4, efforts: [1_800, nil, nil, nil])
            try await deployment.policy("continuous-time: 10m", "break: 2m")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                for key in ["t1", "t2"] {
                    let lease = try await ann.lease()
                    #expect(lease.key == key && lease.deadlineIn == .seconds(180))
                    ann.submit(lease.lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                let last = try await ann.lease()
                #expect(last.key == "t3")
                try await deployment.moveStanding(by: .seconds(100))
                ann.extend(last.lease)
                let extended = try await ann.change()
                #expect(extended.state == .held && extended.deadlineIn == .seconds(180))
                let refusal = try await ann.refusal()
                #expect(refusal.rule == .limitTooNear && refusal.scope == "break" && refusal.value == "30m")
                try await deployment.policy("continuous-time: 50m", "break: 2m")
                let long = try await ann.patientLease()
                #expect(long.key == "t0" && long.deadlineIn == .seconds(48 * 60 + 20))
            }
        }
    }

    @Test("each rule refuses through the whole path, with its end")
    func rules() async throws {
        struct Step {
            var policy: [String]
            var at: String
            var rule: Rule
            var until: String
        }
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            try await deployment.project(people: ["ann"], tasks: 20)
            try await deployment.policy("continuous-time: none", "break: none")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.patientLease()
                try await deployment.moveStanding(by: .seconds(120))
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                let steps = [
                    Step(policy: ["day-time: 2m"], at: "12:02", rule: .dayTime, until: "2026-06-09 00:00+02"),
                    Step(policy: ["week-time: 2m"], at: "12:02", rule: .weekTime, until: "2026-06-15 00:00+02"),
                    Step(policy: ["kind-day: 2m"], at: "12:02", rule: .kindDay, until: "2026-06-09 00:00+02"),
                    Step(policy: ["kind-week: 2m"], at: "12:02", rule: .kindWeek, until: "2026-06-15 00:00+02"),
                    Step(
                        policy: ["quiet-hours: \"12:00-12:30\""], at: "12:02", rule: .quietHours,
                        until: "2026-06-08 12:30+02"),
                    Step(policy: ["daily-rest: 23h"], at: "13:00", rule: .dailyRest, until: "2026-06-09 11:02+02"),
                ]
                for step in steps {
                    _ = try await deployment.ledger.applyPolicy(
                        "limits:\n"
                            + (step.policy.contains { $0.hasPrefix("quiet") } ? "" : "  quiet-hours: none\n")
                            + step.policy.map { "  \($0)\n" }.joined(), reason: "a test", by: "op")
                    try await deployment.setClock(
                        try await deployment.moment("'2026-06-08 \(step.at)+02'"), standing: true)
                    let refusal = try await ann.refusal()
                    let until = try await deployment.moment("'\(step.until)'")
                    #expect(refusal.rule == step.rule && refusal.until == until, "\(step.policy): \(refusal)")
                }
            }
        }
    }

    @Test(
        "what a person, a team or a project sets binds from the next decision on, and a raise lifts no further than agreed"
    )
    func layersBind() async throws {
        try await withDeployment { deployment in
            try await deployment.setClock(try await deployment.moment(Self.noon))
            try await deployment.project(people: ["ann"], tasks: 20)
            _ = try await deployment.ledger.applyPolicy(
                "limits: {quiet-hours: none, open-leases: 3}\nceiling: {open-leases: 5}\n", reason: "a test", by: "op")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                func expectRoom(for count: Int) async throws {
                    var held: [LeaseReference] = []
                    for _ in 0..<count { held.append(try await ann.patientLease().lease) }
                    let refusal = try await ann.refusal()
                    #expect(refusal.rule == .openLeases && refusal.limit == String(count))
                    for lease in held {
                        ann.release(lease)
                        try await ann.read { reply in reply.changes.contains { $0.state == .released } }
                    }
                }
                try await expectRoom(for: 3)
                try await deployment.ledger.setLimitLayer(.person("ann"), "open-leases: 1\n", by: "ann")
                try await expectRoom(for: 1)
                try await deployment.ledger.clearLimitLayer(.person("ann"), by: "ann")
                try await deployment.ledger.setLimitLayer(.project("puzzles"), "open-leases: 2\n", by: "op")
                try await expectRoom(for: 2)
                try await deployment.ledger.clearLimitLayer(.project("puzzles"), by: "op")
                let raise = try await deployment.ledger.askRaise("open-leases: 4\n", reason: "a rush", by: "ann")
                try await expectRoom(for: 3)
                try await deployment.ledger.grantRole(.operator, to: "olga", by: "op")
                _ = try await deployment.ledger.agreeRaise(raise.id, by: "olga")
                try await expectRoom(for: 4)
                _ = try await deployment.ledger.endRaise(raise.id, by: "ann")
                try await expectRoom(for: 3)
                // Quiet hours are the engineer's to open, and nobody else's.
                _ = try await deployment.ledger.applyPolicy(
                    "limits: {quiet-hours: \"11:00-14:00\"}\n", reason: "a test", by: "op")
                #expect(try await ann.refusal().rule == .quietHours)
                try await deployment.ledger.setLimitLayer(.person("ann"), "quiet-hours: none\n", by: "ann")
                try await expectRoom(for: 3)
            }
        }
    }

    /// How often a round is repeated in which no coordinator could decide.
    private static let repeatsMax = 20

    /// Claims so many leases on every stream at once. Every stream hears in the end that there is no more, and why; what
    /// was granted was granted before that.
    private func claim(
        _ count: Int, by hands: [Hand]
    ) async throws -> (granted: [(hand: Hand, lease: LeaseReference)], idles: [IdleAnswer]) {
        for hand in hands { hand.want(count) }
        return try await withThrowingTaskGroup(of: (Hand, [StreamReply]).self) { group in
            for hand in hands { group.addTask { (hand, try await hand.read { $0.idle != nil }) } }
            var granted: [(hand: Hand, lease: LeaseReference)] = []
            var idles: [IdleAnswer] = []
            for try await (hand, replies) in group {
                for grant in replies.flatMap(\.leases) { granted.append((hand, grant.lease)) }
                idles += replies.compactMap(\.idle)
            }
            return (granted, idles)
        }
    }

    @Test("one below a limit two hundred claims at once over four coordinators get exactly one (P7)")
    func exactlyOne() async throws {
        let rounds = 1_000
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 200)
            try await deployment.policy("open-leases: 1", "kind-day: none", "continuous-time: none", "break: none")
            let coordinators = ["one", "two", "three", "four"].map { deployment.coordinator($0) }
            try await running(coordinators[0], coordinators[1], coordinators[2], coordinators[3]) {
                var hands: [Hand] = []
                for coordinator in coordinators {
                    for _ in 0..<2 { hands.append(try await Hand(coordinator, "ann", inFlight: 25)) }
                }
                for round in 0..<rounds {
                    var (granted, idles) = try await claim(25, by: hands)
                    // On a busy machine every coordinator may be in doubt at once, and then none grants (P2): nothing
                    // was decided, and all ask again when they were told to.
                    var repeats = 0
                    while granted.isEmpty, idles.allSatisfy({ $0.reason == .notReady }), repeats < Self.repeatsMax {
                        repeats += 1
                        try await Task.sleep(for: idles.map(\.askAgainIn).max() ?? .zero)
                        (granted, idles) = try await claim(25, by: hands)
                    }
                    try #require(
                        granted.count == 1,
                        "round \(round), repeated \(repeats) times, granted \(granted.count): \(idles.map(\.reason))")
                    let (hand, lease) = granted[0]
                    hand.release(lease)
                    try await hand.read { reply in reply.changes.contains { $0.state == .released } }
                }
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from lease_history a join lease_history b on a.person_id = b.person_id
                            and a.fence < b.fence
                            and tstzrange(a.granted_at, a.at) && tstzrange(b.granted_at, b.at)
                        """) == 0)
            }
        }
    }
}

extension Deployment {
    /// Moves a clock that stands still.
    func moveStanding(by duration: Duration) async throws {
        try await setClock(try await now() + duration, standing: true)
    }
}

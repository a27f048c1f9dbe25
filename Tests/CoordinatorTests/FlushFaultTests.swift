import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// The database itself raises an error, at one statement of a flush and for one person.
@Suite("An error at any statement of a flush loses nothing and leaves no half of it (P2, P5, P6, P12)")
struct FlushFaultTests {
    enum Fault: Sendable {
        // Locking and reading.
        case person, heads, consent, leases, parkedLeases
        // Writing, in the order of the flush.
        case endLease, returned, declined, failure, park, provenance, grant, label, late, history, usage, contribution
        case tally, commit

        var table: String {
            switch self {
            case .leases, .endLease, .grant: "lease"
            case .parkedLeases, .park: "parked"
            case .heads, .usage: "usage"
            case .consent: "consent_event"
            case .failure: "delivery_failure"
            case .late: "late_answer"
            case .history: "lease_history"
            case .commit: "label"
            default: "\(self)"
            }
        }
    }

    /// What the person does while it lasts.
    enum Act: Sendable { case submit, submitAnother, want, release, decline, park, expire }

    struct Case: Sendable, CustomTestStringConvertible {
        let fault: Fault
        let act: Act
        var testDescription: String { "\(fault), \(act)" }

        init(_ fault: Fault, _ act: Act) { (self.fault, self.act) = (fault, act) }
    }

    @Test(
        "the person is told and tries again, everybody else goes on meanwhile, and then all of it is as if nothing was",
        .serialized,
        arguments: [
            Case(.person, .submit), Case(.heads, .submit), Case(.consent, .want), Case(.leases, .want),
            Case(.parkedLeases, .want), Case(.endLease, .release), Case(.returned, .release),
            Case(.declined, .decline), Case(.failure, .expire), Case(.park, .park), Case(.provenance, .want),
            Case(.grant, .want), Case(.label, .submit), Case(.late, .submitAnother), Case(.history, .submit),
            Case(.history, .release), Case(.usage, .submit), Case(.usage, .want), Case(.contribution, .submit),
            Case(.tally, .submit), Case(.commit, .submit), Case(.person, .release), Case(.commit, .want),
        ])
    func oneStatement(test: Case) async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: test.fault == .tally ? ["ann"] : ["ann", "bob"], tasks: 24)
            try await deployment.project("other", people: ["bob"], tasks: 8)
            try await install(test, deployment)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let lease = try await ann.patientLease()
                if test.act == .submitAnother {
                    ann.submit(lease.lease, "first")
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                if test.fault == .parkedLeases {
                    ann.park(lease.lease)
                    #expect(try await ann.change().state == .parked)
                }
                if test.fault == .provenance { try await deployment.policy("open-leases: 5") }
                let before = try await state(of: "ann", deployment)
                try await begin(test, deployment)
                if test.act == .expire {
                    try await deployment.moveClock(by: .seconds(200))
                } else {
                    act(test.act, lease.lease, ann)
                }
                // Others are not held up: each of these is a lease and an answer.
                for _ in 0..<5 {
                    let began = ContinuousClock.now
                    bob.submit(try await bob.patientLease().lease)
                    #expect(try await bob.settlement().outcome == .accepted)
                    #expect(ContinuousClock.now - began < .seconds(5))
                }
                try await expectTold(test.act, lease.lease, ann)
                #expect(try await deployment.number("select last_value from fault_fired") > 1, "nothing was tried")
                #expect(try await state(of: "ann", deployment) == before)
                try await deployment.owner.execute(script: "truncate fault")
                try await finish(test.act, lease.lease, ann)
                try await answerAll([ann, bob])
                #expect(try await deployment.number("select count(*) from label") == 32)
                try await deployment.expectNothingHeld()
                for (column, real) in [
                    ("leased", "lease"), ("parked", "parked"), ("done", "label"), ("late", "late_answer"),
                ] {
                    #expect(
                        try await deployment.number(
                            """
                            select ((select coalesce(sum(\(column)), 0) from tally_fold
                                    where fold = (select max(fold) from tally_fold))
                                + (select coalesce(sum(\(column)), 0) from tally)
                                - (select count(*) from \(real)))::bigint
                            """) == 0, "\(column)")
                }
                // What was refused for a while left no second trace.
                #expect(
                    try await deployment.number(
                        "select count(*) - count(distinct (person_id, n)) from usage") == 0)
                #expect(
                    try await deployment.number(
                        """
                        select count(*) - count(distinct fence) from lease_history where how = 'label'
                        """) == 0)
            }
        }
    }

    @Test("without fences nothing is granted, and from then on everything")
    func fences() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            try await deployment.owner.execute(
                script: "revoke usage on sequence fence_run from plimsoll_coordinator")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                ann.want(1)
                #expect(try await ann.next().idle?.reason == .notReady)
                #expect(try await deployment.number("select count(*) from lease") == 0)
                try await deployment.owner.execute(
                    script: "grant usage on sequence fence_run to plimsoll_coordinator")
                try await answerAll([ann])
                #expect(try await deployment.number("select count(*) from label") == 3)
                try await deployment.expectNothingHeld()
            }
        }
    }

    // MARK: The fault

    private func install(_ test: Case, _ deployment: Deployment) async throws {
        let table = test.fault == .commit && test.act == .want ? "lease" : test.fault.table
        let column =
            switch test.fault {
            case .tally: "project_id"
            case .returned: "task_id"
            default: "person_id"
            }
        let trigger =
            switch test.fault {
            case .person, .heads, .consent, .leases, .parkedLeases:
                """
                alter table \(table) enable row level security;
                create policy fault on \(table) to plimsoll_coordinator
                    using (plimsoll.no_fault(person_id)) with check (true);
                """
            case .endLease:
                "create trigger fault before delete on lease for each row execute function fail_row('person_id');"
            case .commit:
                """
                create constraint trigger fault after insert on \(table) deferrable initially deferred
                    for each row execute function fail_row('person_id');
                """
            default:
                """
                create trigger fault after insert on \(table) for each row execute function fail_row('\(column)');
                """
            }
        try await deployment.owner.execute(
            script: """
                create table fault (value bigint);
                create sequence fault_fired;
                create function no_fault(at bigint) returns boolean language plpgsql security definer
                    set search_path = plimsoll, pg_temp as $$
                begin
                    if exists (select from fault where value = at) then
                        perform nextval('fault_fired');
                        raise exception 'a fault for a test';
                    end if;
                    return true;
                end $$;
                create function fail_row() returns trigger language plpgsql security definer
                    set search_path = plimsoll, pg_temp as $$
                begin
                    if tg_op = 'DELETE' then
                        perform no_fault((to_jsonb(old) ->> tg_argv[0])::bigint);
                        return old;
                    end if;
                    perform no_fault((to_jsonb(new) ->> tg_argv[0])::bigint);
                    return new;
                end $$;
                \(trigger)
                """)
    }

    private func begin(_ test: Case, _ deployment: Deployment) async throws {
        let value =
            switch test.fault {
            case .tally: "project_id from project where name = 'puzzles'"
            case .returned: "task_id from lease join person using (person_id) where name = 'ann'"
            default: "person_id from person where name = 'ann'"
            }
        try await deployment.owner.execute(script: "insert into fault select \(value)")
        switch test.fault {
        case .consent, .leases, .parkedLeases:
            // Somebody else wrote about her: what is in memory is old.
            try await deployment.owner.execute(
                script: """
                    insert into usage select person_id, n + 1, at, day, day_labels, 0 from usage
                        join person using (person_id) where name = 'ann' order by n desc limit 1
                    """)
        default: break
        }
    }

    // MARK: What the person does

    private func act(_ act: Act, _ lease: LeaseReference, _ hand: Hand) {
        switch act {
        case .submit: hand.submit(lease)
        case .submitAnother: hand.submit(lease, "second")
        case .want: hand.want(1)
        case .release: hand.release(lease)
        case .decline: hand.decline(lease)
        case .park: hand.park(lease)
        case .expire: break
        }
    }

    private func expectTold(_ act: Act, _ lease: LeaseReference, _ hand: Hand) async throws {
        switch act {
        case .submit, .submitAnother:
            let told = try await hand.settlement()
            #expect(told.lease == lease && told.outcome == .tryAgain)
        case .want:
            let (leases, idle) = try await hand.next()
            #expect(leases.isEmpty && idle?.reason == .notReady)
        case .release, .decline, .park:
            let told = try await hand.change()
            #expect(told.lease == lease && told.state == .unchanged)
        case .expire:
            // Nobody asked; it is tried until it works.
            try await Task.sleep(for: .seconds(3))
        }
    }

    /// The same once more, and this time it holds.
    private func finish(_ act: Act, _ lease: LeaseReference, _ hand: Hand) async throws {
        if act != .want { self.act(act, lease, hand) }
        switch act {
        case .submit: #expect(try await hand.settlement().outcome == .accepted)
        case .submitAnother: #expect(try await hand.settlement().outcome == .alreadyAnswered)
        case .want:
            let other = try await hand.patientLease()
            hand.submit(lease)
            #expect(try await hand.settlement().outcome == .accepted)
            hand.submit(other.lease)
            #expect(try await hand.settlement().outcome == .accepted)
        case .release: #expect(try await hand.change().state == .released)
        case .decline: #expect(try await hand.change().state == .declined)
        case .park:
            #expect(try await hand.change().state == .parked)
            hand.submit(lease)
            #expect(try await hand.settlement().outcome == .accepted)
        case .expire: try await hand.read { !$0.revokes.isEmpty }
        }
    }

    /// Everything about a person that a flush writes, as one text.
    private func state(of person: String, _ deployment: Deployment) async throws -> String {
        let tables = ["lease", "parked", "label", "late_answer", "declined", "lease_history", "delivery_failure"]
        let counts = tables.map {
            "'\($0) ' || (select count(*) from \($0) where person_id = p.person_id)"
        }
        let rows = try await deployment.owner.query(
            Query(
                .unprepared(
                    """
                    select concat_ws(', ', \(counts.joined(separator: ", ")),
                        'coordinator ' || (select count(*) from usage u
                            where u.person_id = p.person_id and u.coordinator_id <> 0))
                    from person p where name = '\(person)'
                    """)))
        return try rows[0].text(0)
    }

    /// All hands answer until nothing is left for any.
    private func answerAll(_ hands: [Hand]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for hand in hands {
                group.addTask {
                    let end = ContinuousClock.now + .seconds(30)
                    while true {
                        try #require(ContinuousClock.now < end, "there is always something left")
                        hand.want(1)
                        let (leases, idle) = try await hand.next()
                        for lease in leases {
                            hand.submit(lease.lease)
                            #expect(try await hand.settlement().outcome == .accepted)
                        }
                        if idle?.reason == .nothingLeft { return }
                        if idle != nil { try await Task.sleep(for: .milliseconds(50)) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

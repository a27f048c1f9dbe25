import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

@Suite("Nothing without the gate (P2, P3, P7)")
struct ConsentTests {
    @Test("a withdrawal ends open leases at once, the worker hears, and nothing comes after it")
    func withdrawal() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 10)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                _ = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                #expect(try await deployment.number("select count(*) from lease") == 0)
                let heard = try await ann.read { !$0.revokes.isEmpty }
                let revoke = try #require(heard.flatMap(\.revokes).first)
                #expect(revoke.lease == lease.lease && revoke.reason == .withdrawn)
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .refusedAgreement)
                #expect(try await deployment.number("select count(*) from label") == 0)
                #expect(try await deployment.number("select count(*) from late_answer") == 0)
                ann.want(1)
                let idle = try #require(try await ann.next().idle)
                #expect(idle.reason == .notEligible && idle.refusal?.rule == .agreement)
            }
        }
    }

    /// A hundred seconds before ann's agreement runs out, by a clock that stands.
    private func withEndingAgreement(
        _ body: (Deployment, Hand, _ ends: Moment) async throws -> Void
    ) async throws {
        try await withDeployment { deployment in
            let noon = try await deployment.moment("'2026-06-08 12:00+02'")
            try await deployment.setClock(noon, standing: true)
            try await deployment.project(people: ["ann"], tasks: 10)
            let ends = try await deployment.moment("(select valid_until from consent_event)")
            try await deployment.setClock(ends - .seconds(100), standing: true)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                try await body(deployment, ann, ends)
            }
        }
    }

    @Test(
        "an agreement that ends while a lease is open is its deadline; silence renews nothing and takes nothing back (P2, P6)"
    )
    func agreementEnds() async throws {
        try await withEndingAgreement { deployment, ann, ends in
            #expect(ann.stream.welcome.notifications.map(\.kind) == [.agreementEnds])
            let first = try await ann.patientLease()
            #expect(first.deadlineIn == .seconds(100) && !first.parks)
            ann.submit(first.lease)
            #expect(try await ann.settlement().outcome == .accepted)
            let second = try await ann.patientLease()
            try await deployment.setClock(ends + .seconds(6), standing: true)
            let heard = try await ann.read { !$0.revokes.isEmpty }
            #expect(heard.flatMap(\.revokes).map(\.lease) == [second.lease])
            let refusal = try await ann.refusal()
            #expect(refusal.rule == .agreement && refusal.sentence.contains("taking-part"))
            // No withdrawal, so her work is kept; it counts against nobody that it came too late.
            ann.submit(second.lease)
            let kept = try await ann.settlement()
            #expect(kept.outcome == .keptLate && kept.message.contains("taking-part"))
            #expect(try await deployment.number("select count(*) from late_answer where state = 'waiting'") == 1)
            #expect(try await deployment.number("select count(*) from label") == 1)
            #expect(try await deployment.number("select count(*) from exclusion") == 0)
            #expect(try await deployment.number("select count(*) from lease_history where how = 'limit'") == 1)
            #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
            // It counts only once she agrees again, and somebody says so.
            let ledger = deployment.ledger
            let late = try #require(try await ledger.lateAnswers(project: "puzzles").first)
            #expect(late.reason == "agreement-ended")
            #expect(
                try await ledger.judgeLateAnswer(late.id, accept: true, reason: "good", by: "op") == .notPossible)
            try await deployment.agree("ann")
            #expect(try await ledger.judgeLateAnswer(late.id, accept: true, reason: "good", by: "op") == .accepted)
        }
    }

    @Test("an answer in the seconds after its agreement has run out is kept, and its lease is over (P2, P6)")
    func answerInGrace() async throws {
        try await withEndingAgreement { deployment, ann, ends in
            let lease = try await ann.patientLease()
            try await deployment.setClock(ends + .seconds(2), standing: true)
            ann.submit(lease.lease)
            #expect(try await ann.settlement().outcome == .keptLate)
            #expect(try await deployment.number("select count(*) from lease") == 0)
            #expect(try await deployment.number("select count(*) from label") == 0)
            #expect(try await deployment.number("select count(*) from late_answer") == 1)
        }
    }

    @Test("an answer to a parked lease whose agreement has run out is kept, and the lease is over (P2, P6)")
    func answerToParked() async throws {
        try await withEndingAgreement { deployment, ann, ends in
            let lease = try await ann.patientLease()
            ann.park(lease.lease)
            #expect(try await ann.change().state == .parked)
            try await deployment.setClock(ends + .seconds(60), standing: true)
            ann.submit(lease.lease)
            #expect(try await ann.settlement().outcome == .keptLate)
            #expect(try await deployment.number("select count(*) from parked") == 0)
            #expect(try await deployment.number("select count(*) from label") == 0)
            #expect(try await deployment.number("select count(*) from late_answer") == 1)
            #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
        }
    }

    @Test("a version that is announced ends agreements: a hello says so ahead, the gate and the list say it alike (P2)")
    func announcedVersion() async throws {
        try await withDeployment { deployment in
            let ledger = deployment.ledger
            try await deployment.setClock(try await deployment.moment("'2026-06-08 12:00+02'"), standing: true)
            try await deployment.project(people: ["ann"], tasks: 10)
            let first = try await ledger.notices(id: "part")[0]
            let announced = try await ledger.publishNotice(
                NoticeDraft(
                    id: first.id, version: 2, locale: first.locale, purpose: first.purpose,
                    text: "You take part again.", data: first.data, recipients: first.recipients,
                    retention: first.retention, withdrawalMethod: first.withdrawalMethod,
                    alternativeOffered: first.alternativeOffered,
                    assessment: first.assessment, consultation: first.consultation, validityDays: nil,
                    isMaterial: true), by: "op")
            #expect(!announced.isInForce)
            try await deployment.setClock(announced.effectiveAt - .seconds(100), standing: true)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let told = ann.stream.welcome.notifications
                #expect(told.map(\.kind) == [.agreementEnds])
                #expect(told.first?.message.contains("plimsoll notice show part --diff") == true, "\(told)")
                let lease = try await ann.patientLease()
                #expect(lease.deadlineIn == .seconds(100))
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                try await deployment.setClock(announced.effectiveAt, standing: true)
                let refusal = try await ann.refusal()
                #expect(refusal.rule == .agreement && refusal.value == AgreementState.invalidated.rawValue)
                #expect(try await ledger.agreements(of: "ann").map(\.state) == [.invalidated])
            }
        }
    }

    @Test("work that needs a purpose without a notice says who can mend that, until there is one (P2)")
    func missingNotice() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 0)
            try await deployment.importTasks(1, severity: 2)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let missing = try await ann.refusal()
                #expect(missing.rule == .severityAgreement && missing.value == Refusal.noNotice)
                #expect(missing.sentence.contains("severity-2"), "\(missing)")
                #expect(missing.sentence.contains("plimsoll notice publish"), "\(missing)")
                let first = try await deployment.ledger.notices(id: "part")[0]
                _ = try await deployment.ledger.publishNotice(
                    NoticeDraft(
                        id: "harder", version: 1, locale: first.locale, purpose: "severity-2", text: "Harder material.",
                        data: first.data, recipients: first.recipients, retention: first.retention,
                        withdrawalMethod: first.withdrawalMethod, alternativeOffered: first.alternativeOffered,
                        assessment: first.assessment, consultation: first.consultation, validityDays: nil,
                        isMaterial: false), by: "op")
                try await eventually("the notice is known") {
                    let asked = try await ann.refusal()
                    return asked.rule == .severityAgreement && asked.value == "never asked"
                }
            }
        }
    }

    @Test("what was acknowledged is acknowledged again after a withdrawal, and nothing else is (P3, P5)")
    func repeatedAfterWithdrawal() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 10)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease().lease
                ann.submit(lease)
                #expect(try await ann.settlement().outcome == .accepted)
                _ = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                ann.submit(lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.submit(lease, "b")
                #expect(try await ann.settlement().outcome == .refusedAgreement)
                #expect(try await deployment.number("select count(*) from late_answer") == 0)
            }
        }
    }

    @Test("limits are per person across coordinators: three open leases, never four")
    func openLeases() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 100)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                var hands: [Hand] = []
                for coordinator in [one, two, one, two] { hands.append(try await Hand(coordinator, "ann")) }
                for hand in hands { hand.want(8) }
                var leases = 0
                for hand in hands {
                    let (granted, idle) = try await hand.next()
                    leases += granted.count
                    if granted.isEmpty { #expect(idle?.refusal?.rule == .openLeases) }
                }
                #expect(leases == 3)
                #expect(try await deployment.number("select count(*) from lease") == 3)
            }
        }
    }

    @Test("a person whose lock a frozen process holds is served within seconds")
    func frozenHolder() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            let one = deployment.coordinator()
            try await running(one) {
                // A flush that froze between lock and commit: the same settings, the same lock.
                var configuration = deployment.coordinatorConfiguration()
                configuration.settings = FlushSession.settings
                let frozen = try await Connection.connect(configuration, logger: quiet)
                let session = FlushSession(connection: frozen)
                let person = PersonID(try await deployment.number("select person_id from person where name = 'ann'"))
                _ = try await session.open(people: [person])
                let ann = try await Hand(one, "ann")
                let asked = ContinuousClock.now
                _ = try await ann.lease()
                #expect(ContinuousClock.now - asked < .seconds(5))
                await frozen.close()
            }
        }
    }
}

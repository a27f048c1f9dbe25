import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

@Suite("What cannot be read, and what is agreed to no more, opens no gate (P2)")
struct DoubtTests {
    private static func becomes(_ refused: (Refusal) -> Bool, _ ann: Hand) async throws {
        try await eventually("the next decision is made by it") {
            ann.want(1)
            let (leases, idle) = try await ann.next()
            for lease in leases { ann.release(lease.lease) }
            return idle?.refusal.map(refused) ?? false
        }
    }

    @Test("a policy or a layer that cannot be read lets nothing through until another takes its place")
    func unreadable() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 9)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                ann.release(try await ann.lease().lease)
                try await deployment.owner.execute(
                    script: """
                        insert into policy (document, author, reason) values ('limits: [', 'somebody', 'by hand');
                        insert into epoch (version, cause) select max(version) + 1, 'by hand' from epoch;
                        """)
                try await Self.becomes({ $0.rule == .openLeases && $0.limit == "0" }, ann)
                try await deployment.policy()
                let lease = try await ann.patientLease()
                ann.release(lease.lease)

                try await deployment.owner.execute(
                    script: """
                        insert into limit_layer (scope, scope_id, document, set_by, set_at)
                            select 'person', person_id, 'break: soon', 'ann', clock() from person where name = 'ann';
                        insert into epoch (version, cause) select max(version) + 1, 'by hand' from epoch;
                        """)
                try await Self.becomes({ $0.rule == .openLeases && $0.limit == "0" }, ann)
                // It is ann's doubt alone.
                let bob = try await Hand(one, "bob")
                _ = try await bob.patientLease()
                try await deployment.ledger.clearLimitLayer(.person("ann"), by: "ann")
                _ = try await ann.patientLease()
            }
        }
    }

    @Test("a notice whose data or recipients change ends the agreement to it at once")
    func otherData() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 9)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                ann.release(try await ann.lease().lease)
                _ = try await deployment.ledger.publishNotice(
                    NoticeDraft(
                        id: "part", version: 2, locale: "en", purpose: "taking-part", text: "You take part.",
                        data: "labels and how long they took", recipients: "the team", retention: "a year",
                        withdrawalMethod: "plimsoll consent withdraw", alternativeOffered: "the usual work",
                        assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
                        consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"),
                        validityDays: nil, isMaterial: true), by: "op")
                #expect(try await ann.refusal().rule == .agreement)
                _ = try await deployment.ledger.giveAgreement(
                    notice: "part", version: 2, sha256: try await deployment.ledger.notices(id: "part")[1].sha256,
                    voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                _ = try await ann.patientLease()
            }
        }
    }

    @Test("what is acknowledged is on disk, also where a database is set to answer before that (P5)")
    func durable() async throws {
        try await withDeployment { deployment in
            let name = try await deployment.owner.query(Query(.unprepared("select current_database()")))[0].text(0)
            try await deployment.owner.execute(script: "alter database \(name) set synchronous_commit = off")
            try await deployment.project(people: ["ann"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                ann.submit(try await ann.lease().lease)
                #expect(try await ann.settlement().outcome == .accepted)
                var configuration = deployment.coordinatorConfiguration()
                configuration.settings = FlushSession.settings
                let flush = try await Connection.connect(configuration, logger: quiet)
                let mode = try await flush.query(Query(.unprepared("show synchronous_commit")))[0].text(0)
                await flush.close()
                #expect(mode == "on")
            }
        }
    }
}

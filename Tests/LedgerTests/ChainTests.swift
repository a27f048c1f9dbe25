import Crypto
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// The chain on a real database: sealing, and what an audit finds of every way to change it that the database's owner
/// has (P11).
@Suite struct ChainTests {
    private static let key = P256.Signing.PrivateKey()

    /// Signs with a key alone; certificates and their authority are Identity's.
    private static let signer: CoordinatorSigner = { text in
        CoordinatorSignature(
            signature: Array(try key.signature(for: text).derRepresentation),
            certificate: Array(key.publicKey.x963Representation))
    }

    private static func fault(_ head: SignedHead) -> String? {
        guard let key = try? P256.Signing.PublicKey(x963Representation: head.signature.certificate),
            let signature = try? P256.Signing.ECDSASignature(derRepresentation: head.signature.signature),
            key.isValidSignature(signature, for: head.head.text)
        else { return "not signed" }
        return nil
    }

    private func session(_ fixture: LedgerFixture) async throws -> ChainSession {
        var configuration = LedgerFixture.coordinatorConfiguration(fixture.conninfo)
        configuration.settings = ChainSession.settings
        return ChainSession(connection: try await Connection.connect(configuration, logger: quiet))
    }

    @discardableResult
    private func seal(
        _ fixture: LedgerFixture, every interval: Duration = .zero, signer: CoordinatorSigner? = signer
    ) async throws -> ChainPass {
        let session = try await session(fixture)
        let pass = try await session.seal(headInterval: interval, signer: signer)
        await session.close()
        return pass
    }

    /// As `audit verify` does, at the ledger itself.
    private func audit(_ fixture: LedgerFixture, witnesses: [SignedHead] = []) async throws -> ChainVerifier {
        var verifier = ChainVerifier { Self.fault($0) }
        let end = try await fixture.ledger.chainEnd()
        for head in try await fixture.ledger.chainHeads(after: 0) where head.head.seq <= end.lastLink {
            verifier.expect(head)
        }
        for (index, head) in witnesses.enumerated() { verifier.expectWitness(head, line: index + 1) }
        var last: Int64 = 0
        while true {
            let page = try await fixture.ledger.chainPage(after: last, upTo: end.lastLink)
            for entry in page { verifier.add(entry) }
            guard let next = page.last else { break }
            last = next.seq
        }
        verifier.endOfLinks()
        for head in try await fixture.ledger.chainHeads(after: end.lastLink) { verifier.expect(head) }
        verifier.excuse(try await fixture.ledger.erasedSince(end.lastLink))
        verifier.finish(end)
        return verifier
    }

    /// A database whose chain has events about people and about none, three heads, and nothing that waits.
    private func withChain(_ body: (LedgerFixture) async throws -> Void) async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann", "bob"])
            try await seal(fixture)
            for reason in ["one", "two", "three"] {
                _ = try await fixture.ledger.applyPolicy("limits:\n  open-leases: 3\n", reason: reason, by: "op")
            }
            try await seal(fixture)
            _ = try await fixture.ledger.deny(.person("bob"), reason: "left", by: "op")
            try await seal(fixture)
            try await body(fixture)
        }
    }

    /// What only the owner of the database can do, and only on purpose.
    private func tamper(_ fixture: LedgerFixture, _ sql: String) async throws {
        try await fixture.owner.execute(script: "set session_replication_role = replica; \(sql)")
        try await fixture.owner.execute(script: "reset session_replication_role")
    }

    // MARK: - Sealing

    @Test func everyEventIsChainedOnceAndInOrder() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            let events = try await fixture.number("select count(*) from chain_event")
            #expect(events >= 4)
            #expect(try await fixture.number("select count(*) from chain_unsealed") == events)
            let pass = try await seal(fixture, every: .seconds(10))
            #expect(pass.sealed == events && pass.head?.head.seq == events)
            #expect(try await fixture.number("select count(*) from chain_unsealed") == 0)
            #expect(try await fixture.number("select count(*) from chain_link") == events)
            let verifier = try await audit(fixture)
            #expect(verifier.faults.isEmpty && verifier.events == events && verifier.lastSigned == events)
            // Nothing new: nothing is done, and no head is signed for it.
            let idle = try await seal(fixture)
            #expect(idle.sealed == 0 && idle.head == nil)
            // A head waits for its time, the links do not.
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "again", by: "op")
            let soon = try await seal(fixture, every: .seconds(3_600))
            #expect(soon.sealed == 1 && soon.head == nil)
            #expect(try await seal(fixture, every: .zero).head?.head.seq == events + 1)
            #expect(try await audit(fixture).faults.isEmpty)
        }
    }

    /// A page is read as it lies where it lies close together, and link by link where it does not.
    @Test func eventsFarApartAreReadLikeNeighbours() async throws {
        try await withChain { fixture in
            let near = try await audit(fixture)
            #expect(near.faults.isEmpty)
            try await fixture.owner.execute(
                script: """
                    select setval(pg_get_serial_sequence('chain_event', 'event_id'),
                        (select max(event_id) from chain_event) + \(Ledger.chainPageSpanMax))
                    """)
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "far", by: "op")
            try await seal(fixture)
            let far = try await audit(fixture)
            #expect(far.faults.isEmpty && far.events == near.events + 1, "\(far.faults)")
            try await tamper(fixture, "delete from chain_event where event_id = 2")
            #expect(try await audit(fixture).faultCount > 0)
            try await tamper(fixture, "delete from chain_link where event_id = (select max(event_id) from chain_link)")
            #expect(try await audit(fixture).faultCount > 0)
        }
    }

    @Test func anEventThatCommitsLateIsNotSkipped() async throws {
        try await withLedger { fixture in
            let slow = try await fixture.coordinator()
            func insert(_ connection: Connection) async throws -> Int64 {
                let rows = try await connection.query(
                    Query(
                        .unprepared(
                            """
                            with event as (insert into chain_event (at, kind, hash) values (clock(), 'policy.applied',
                                sha256('\\x01'::bytea || convert_to('{"actor":"op"}', 'UTF8'))) returning event_id),
                            waiting as (insert into chain_unsealed select event_id from event),
                            detail as (insert into chain_detail (event_id, salt, actor, detail)
                                select event_id, '\\x01', 'op', '{"actor":"op"}' from event)
                            select event_id from event
                            """)))
                return try rows[0].int8(0)
            }
            _ = try await slow.query(Query(.unprepared("begin")))
            let early = try await insert(slow)
            let late = try await insert(fixture.owner)
            #expect(early < late)
            #expect(try await seal(fixture).sealed == 1)
            _ = try await slow.query(Query(.unprepared("commit")))
            #expect(try await seal(fixture).sealed == 1)
            let order = try await fixture.texts("select event_id::text from chain_link order by seq")
            #expect(order == [String(late), String(early)])
            #expect(try await audit(fixture).faults.isEmpty)
            await slow.close()
        }
    }

    @Test func sealersAtOnceMakeOneChain() async throws {
        try await withLedger { fixture in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        for _ in 0..<25 {
                            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "r", by: "op\(number)")
                        }
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        let session = try await session(fixture)
                        while try await fixture.number("select count(*) from chain_link") < 100 {
                            _ = try await session.seal(headInterval: .milliseconds(5), signer: Self.signer)
                        }
                        await session.close()
                    }
                }
                try await group.waitForAll()
            }
            try await seal(fixture)
            let verifier = try await audit(fixture)
            #expect(verifier.faults.isEmpty && verifier.events == 100 && verifier.lastSigned == 100)
        }
    }

    @Test func aSealerThatFreezesHoldsNobodyUpAndCannotFork() async throws {
        try await withLedger { fixture in
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "r", by: "op")
            // One that has read and not written, then woke after another went on.
            var configuration = LedgerFixture.coordinatorConfiguration(fixture.conninfo)
            configuration.settings = ChainSession.settings
            let frozen = try await Connection.connect(configuration, logger: quiet)
            _ = try await frozen.query(Query(.unprepared("begin")))
            _ = try await frozen.query(
                Query(.unprepared("select pg_try_advisory_xact_lock(\(0x504c_494d_534f_4c53 as Int64))")))
            #expect(try await seal(fixture).sealed == 0)
            #expect(try await eventually { try await seal(fixture).sealed == 1 }, "the server cuts it off after 2 s")
            await #expect(throws: PostgresError.self) {
                _ = try await frozen.query(
                    Query(.unprepared("insert into chain_link values (1, 1, '\\x00', '\\x00')")))
            }
            await frozen.close()
            // And without any lock the keys stand against it.
            let other = try await fixture.coordinator()
            for sql in [
                "insert into chain_link values (1, 999, '\\x00', '\\x00')",
                "insert into chain_link select 2, event_id, previous, hash from chain_link",
                "insert into chain_head select seq, hash, signed_at, signature, certificate from chain_head",
            ] {
                let error = await #expect(throws: PostgresError.self, "\(sql)") {
                    _ = try await other.query(Query(.unprepared(sql)))
                }
                #expect(error?.sqlState == "23505")
            }
            await other.close()
            #expect(try await audit(fixture).faults.isEmpty)
        }
    }

    @Test func whatCannotBeSignedIsChainedAllTheSame() async throws {
        try await withLedger { fixture in
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "r", by: "op")
            let pass = try await seal(fixture) { _ in throw CancellationError() }
            #expect(pass.sealed == 1 && pass.head == nil && pass.signingFailure != nil)
            #expect(try await seal(fixture).head != nil)
        }
    }

    @Test func detailsSayWhomTheyAreAbout() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.ledger.recordCertificate(
                .init(
                    serial: "ab02", identity: "spiffe://t/engineer/ann/worker/w", name: "ann",
                    notBefore: Moment(seconds: 0), notAfter: Moment(seconds: 4_000_000_000)), by: "op")
            _ = try await fixture.ledger.withdrawAgreement(
                purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab02"))
            _ = try await fixture.ledger.deny(.serial("ab02"), reason: "lost", by: "op")
            _ = try await fixture.ledger.deny(.person("ann"), reason: "left", by: "op")
            try await fixture.ledger.revokeRole(.engineer, from: "ann", reason: "a test", by: "op")
            try await fixture.ledger.setLimitLayer(.person("ann"), "day-time: 1h", by: "ann")
            try await fixture.ledger.clearLimitLayer(.person("ann"), by: "ann")
            _ = try await fixture.ledger.raiseConcern("too fast", project: nil, voice: .named("ann"))
            #expect(
                try await fixture.texts(
                    """
                    select e.kind || ' ' || coalesce(p.name, '-') from chain_event e join chain_detail d using (event_id)
                    left join person p on p.person_id = d.subject_id where e.kind <> 'team.created' order by e.event_id
                    """) == [
                        "project.created -", "notice.published -", "role.granted ann", "engineer.enrolled ann",
                        "consent.given ann", "certificate.issued ann", "consent.withdrawn ann", "access.denied ann",
                        "access.denied ann", "role.revoked ann", "limits.set ann", "limits.cleared ann",
                        "concern.raised ann",
                    ])
        }
    }

    // MARK: - Changes

    @Test func nobodyChangesTheChainByTheRightsOfTheCoordinatorOrByAccident() async throws {
        try await withChain { fixture in
            let coordinator = try await fixture.coordinator()
            for table in ["chain_event", "chain_link", "chain_head"] {
                for sql in [
                    "update \(table) set hash = hash", "delete from \(table)", "truncate \(table)",
                ] {
                    let denied = await #expect(throws: PostgresError.self, "\(sql)") {
                        _ = try await coordinator.query(Query(.unprepared(sql)))
                    }
                    #expect(denied?.sqlState == "42501", "\(sql)")
                    let refused = await #expect(throws: PostgresError.self, "\(sql)") {
                        _ = try await fixture.owner.query(Query(.unprepared(sql)))
                    }
                    #expect(refused?.sqlState == "PL004", "\(sql)")
                }
            }
            await coordinator.close()
            let verifier = try await audit(fixture)
            #expect(verifier.faults.isEmpty && verifier.heads == 3)
        }
    }

    @Test func aPolicyIsAppendedAndNeverChanged() async throws {
        try await withChain { fixture in
            for sql in [
                "update policy set document = document", "update policy set reason = 'x'", "delete from policy",
                "truncate policy",
            ] {
                let refused = await #expect(throws: PostgresError.self, "\(sql)") {
                    _ = try await fixture.owner.query(Query(.unprepared(sql)))
                }
                #expect(refused?.sqlState == "PL004", "\(sql)")
            }
            // An author who is erased becomes a pseudonym.
            try await fixture.owner.execute(script: "update policy set author = 'erased-1' where author = 'op'")
            #expect(try await audit(fixture).faults.isEmpty)
        }
    }

    /// P11: what an event put in force lies beside the chain, which has its hash.
    @Test(arguments: [
        (
            "update policy set document = 'limits: {open-leases: 9}' where version = 2", ChainFault.Kind.edited,
            "policy version 2 is not what event"
        ),
        ("delete from policy where version = 3", .deleted, "policy version 3 is gone"),
        (
            "update notice set body = body || ' Always.'", .edited,
            "version 1 of the notice taking-part is not what event"
        ),
        ("delete from notice", .deleted, "version 1 of the notice taking-part is gone"),
    ])
    func aDocumentThatWasChangedBesideTheChainIsFound(
        sql: String, kind: ChainFault.Kind, finding: String
    ) async throws {
        try await withChain { fixture in
            try await tamper(fixture, sql)
            let faults = try await audit(fixture).faults
            #expect(faults.map(\.kind) == [kind] && faults[0].finding.hasPrefix(finding), "\(faults)")
            #expect(faults[0].event != nil)
        }
    }

    @Test(arguments: [
        (
            "an edited detail",
            "update chain_detail set detail = '{\"actor\":\"op\",\"reason\":\"none\"}' where event_id = 3",
            "edited"
        ),
        ("an exchanged salt", "update chain_detail set salt = '\\x0102' where event_id = 3", "edited"),
        ("another actor", "update chain_detail set actor = 'eve' where event_id = 3", "edited"),
        ("an edited kind", "update chain_event set kind = 'policy.applied' where event_id = 3", "edited"),
        ("another time", "update chain_event set at = at - interval '1 second' where event_id = 3", "edited"),
        (
            "an edited hash and detail",
            """
            update chain_detail set detail = '{"actor":"op"}' where event_id = 3;
            update chain_event e set hash = sha256(d.salt || convert_to('{"actor":"op"}', 'UTF8'))
                from chain_detail d where d.event_id = e.event_id and e.event_id = 3
            """, "edited"
        ),
        ("a deleted event", "delete from chain_event where event_id = 3", "deleted"),
        ("a deleted link", "delete from chain_link where event_id = 3", "deleted"),
        (
            "a deleted event with its link and detail",
            """
            delete from chain_link where event_id = 3; delete from chain_detail where event_id = 3;
            delete from chain_event where event_id = 3
            """, "deleted"
        ),
        (
            "swapped links",
            """
            update chain_link set seq = seq + 1000000 where event_id in (3, 4);
            update chain_link set seq = case event_id when 3 then 4 else 3 end where event_id in (3, 4)
            """, "reordered"
        ),
        (
            "swapped events",
            """
            create temp table swap as select * from chain_link where event_id in (3, 4);
            delete from chain_link where event_id in (3, 4);
            insert into chain_link select seq, 7 - event_id, previous, hash from swap
            """, "edited"
        ),
        ("a truncated tail", "delete from chain_link where seq > (select max(seq) - 2 from chain_link)", "truncated"),
        (
            "a head for another chain",
            "update chain_head set hash = sha256(hash) where seq = (select min(seq) from chain_head)",
            "unsigned"
        ),
    ])
    func isFoundAndNamed(what: String, sql: String, kind: String) async throws {
        try await withChain { fixture in
            let whole = try await audit(fixture)
            #expect(whole.faults.isEmpty)
            try await tamper(fixture, sql)
            let verifier = try await audit(fixture)
            let first = try #require(verifier.faults.first, "\(what) is not found")
            #expect(first.kind.rawValue == kind, "\(what): \(verifier.faults)")
            if ["edited", "reordered"].contains(kind) || what == "a deleted event" || what == "a deleted link" {
                #expect(first.seq == 3, "\(what): \(verifier.faults)")
            }
        }
    }

    @Test func aTailCutOffWithItsHeadsIsFoundByAHeadThatLeftTheDatabase() async throws {
        try await withChain { fixture in
            let kept = try await fixture.ledger.chainHeads(after: 0)
            #expect(kept.count == 3)
            #expect(try await audit(fixture, witnesses: kept).faults.isEmpty)
            try await tamper(
                fixture,
                """
                delete from chain_head where seq = (select max(seq) from chain_head);
                delete from chain_link where seq > (select max(seq) from chain_head);
                delete from chain_detail where event_id > (select max(event_id) from chain_link);
                delete from chain_event where event_id > (select max(event_id) from chain_link)
                """)
            #expect(try await audit(fixture).faults.isEmpty)
            let first = try #require(try await audit(fixture, witnesses: kept).faults.first)
            #expect(first.kind == .truncated && first.seq == kept[2].head.seq)
            // It grows again: now the file's last head is of another chain.
            while try await fixture.number("select count(*) from chain_link") < kept[2].head.seq {
                _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "anew", by: "eve")
                try await seal(fixture)
            }
            let forked = try #require(try await audit(fixture, witnesses: kept).faults.first)
            #expect(forked.kind == .forked && forked.seq == kept[2].head.seq)
        }
    }

    @Test func aChainWrittenAnewFromAnEventOnMeetsTheHeadsThatWereSigned() async throws {
        try await withChain { fixture in
            // Everything that a database can compute: a new detail, its hash, and every link after it.
            try await tamper(
                fixture,
                """
                update chain_detail set detail = '{"actor":"op"}' where event_id = 3;
                update chain_event e set hash = sha256(d.salt || convert_to('{"actor":"op"}', 'UTF8'))
                    from chain_detail d where d.event_id = e.event_id and e.event_id = 3
                """)
            var previous: [UInt8]?
            for entry in try await fixture.ledger.chainPage(after: 0, upTo: .max) {
                let event = try #require(entry.event)
                let link = ChainLink(seq: entry.seq, previous: previous ?? entry.previous, leaf: event.leaf)
                previous = link.hash
                try await tamper(
                    fixture,
                    """
                    update chain_link set previous = '\\x\(Hex.text(link.previous))', hash = '\\x\(Hex.text(link.hash))'
                        where seq = \(entry.seq)
                    """)
            }
            let verifier = try await audit(fixture)
            #expect(verifier.faultCount == 3 && verifier.faults.allSatisfy { $0.kind == .forked }, "\(verifier.faults)")
        }
    }

    @Test func aForkedCopyIsFound() async throws {
        try await withChain { fixture in
            // The other copy is what the first was before it went on.
            let before = try await fixture.number("select max(seq) from chain_link")
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "here", by: "op")
            try await seal(fixture)
            let kept = try await fixture.ledger.chainHeads(after: 0)
            try await tamper(
                fixture,
                """
                delete from chain_head where seq > \(before); delete from chain_link where seq > \(before);
                delete from chain_detail where event_id > \(before); delete from chain_event where event_id > \(before)
                """)
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "there", by: "op")
            try await seal(fixture)
            #expect(try await audit(fixture).faults.isEmpty, "it is whole by itself")
            let first = try #require(try await audit(fixture, witnesses: kept).faults.first)
            #expect(first.kind == .forked && first.seq == before + 1)
        }
    }

    @Test func anEventKeptOutOfTheChainIsFound() async throws {
        try await withChain { fixture in
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "hidden", by: "op")
            try await tamper(fixture, "delete from chain_unsealed")
            let verifier = try await audit(fixture)
            #expect(verifier.faults.map(\.kind) == [.unchained])
        }
        try await withChain { fixture in
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "hidden", by: "op")
            #expect(try await fixture.ledger.chainEnd().waiting == 1)
            try await tamper(
                fixture, "delete from chain_event where event_id = (select max(event_id) from chain_event)")
            #expect(try await audit(fixture).faults.map(\.kind) == [.deleted])
            // And it stops nothing.
            _ = try await fixture.ledger.applyPolicy("limits: {}\n", reason: "next", by: "op")
            #expect(try await seal(fixture).sealed == 1)
        }
    }

    /// P11 beside erasure: what an erasure took it says itself; anything else that is gone was deleted.
    @Test func anErasureIsNoFaultAndADeletedDetailIsNoErasure() async throws {
        try await withChain { fixture in
            let erased = try await fixture.ledger.erase(
                purpose: nil, voice: ConsentVoice(name: "bob", certificateSerial: "ab01"))
            #expect(erased.chainDetails > 4)
            // Before the erasure has its link, and after.
            for _ in 0..<2 {
                let verifier = try await audit(fixture)
                #expect(verifier.faults.isEmpty && verifier.erased > 0, "\(verifier.faults)")
                try await seal(fixture)
            }
            let listed = try await fixture.ledger.chainEvents(kind: "access.denied", limit: 10)
            #expect(listed.count == 1 && listed[0].detail == nil)
            // An annoying word about a policy goes, as if it had been somebody's.
            try await tamper(
                fixture,
                "delete from chain_detail where event_id = (select max(event_id) from chain_event where kind = 'policy.applied')"
            )
            let fault = try #require(try await audit(fixture).faults.first)
            #expect(fault.kind == .deleted && fault.finding.hasSuffix("is gone, and no erasure took it"))
        }
    }

    @Test func eventsAreListedByKindAndTime() async throws {
        try await withChain { fixture in
            let ledger = fixture.ledger
            let all = try await ledger.chainEvents(limit: 1_000)
            #expect(all.map(\.event.id) == all.map(\.event.id).sorted(by: >))
            #expect(all.allSatisfy { $0.seq != nil && $0.detail != nil })
            #expect(try await ledger.chainEvents(kind: "policy.applied", limit: 1_000).count == 3)
            #expect(try await ledger.chainEvents(kind: "policy.applied", limit: 2).count == 2)
            // P9: what people did for themselves is in the list of everything and in no other.
            #expect(all.filter(\.isPersonal).count == 2)
            for kind in ["consent.*", "consent.given", "time.added"] {
                let refused = await #expect(throws: LedgerError.self) {
                    _ = try await ledger.chainEvents(kind: kind, limit: 1_000)
                }
                #expect(refused?.code == .refused, "\(kind)")
            }
            #expect(try await ledger.chainEvents(kind: "policy.", limit: 1_000).isEmpty)
            let last = try #require(all.first?.event.at)
            // By the date, not the second: a question about a time would be answered by what is in the list.
            let later = try await ledger.chainEvents(since: last, limit: 1_000)
            #expect(later.filter { !$0.isPersonal }.map(\.event.id) == [all[0].event.id])
            #expect(later.filter(\.isPersonal) == all.filter(\.isPersonal))
        }
    }

    /// Some of a kind are a person's own: the list goes on until it has as many as were asked for.
    @Test func ownLimitsStandInNoListOfLimits() async throws {
        try await withChain { fixture in
            let ledger = fixture.ledger
            for number in 1...3 {
                try await ledger.setLimitLayer(.project("puzzles"), "day-time: \(number)h", by: "op")
                try await ledger.setLimitLayer(.person("ann"), "day-time: \(number)h", by: "ann")
            }
            #expect(try await ledger.chainEvents(kind: "limits.set", limit: 2).count == 2)
            let limits = try await ledger.chainEvents(kind: "limits.*", limit: 1_000)
            #expect(limits.count == 3 && limits.allSatisfy { $0.detail?.actor == "op" })
            #expect(try await ledger.chainEvents(limit: 1_000).filter { $0.event.kind == "limits.set" }.count == 6)
        }
    }

    /// P9: whoever adds a kind says whose act it is; an unknown one is shown to nobody.
    @Test func everyKindIsSomebodysOwnOrNot() {
        let personal: Set<ChainKind> = [
            .consentGiven, .consentRefused, .consentWithdrawn, .concernRaised, .raiseAsked, .timeAdded,
            .timeRemovalAsked, .timeRemovalWithdrawn, .hoursDeclared, .zoneChanged,
        ]
        let byOneself: Set<ChainKind> = [.engineerLeft, .limitsSet, .limitsCleared, .raiseEnded]
        let shared: Set<ChainKind> = [
            .noticePublished, .policyApplied, .policyPlanned, .certificateIssued, .denied, .roleGranted, .roleRevoked,
            .engineerEnrolled, .engineerMoved, .teamCreated, .teamSet, .limitsShown, .raiseAgreed, .concernAnswered,
            .cordPaused, .projectCreated, .projectSet, .projectState, .tasksImported, .importCancelled, .taskCancelled,
            .taskRequeued, .labelsExportBegun, .labelsExported, .lateAnswerJudged, .peopleRead, .chainRead,
            .timeRemovalAgreed, .timeRemovalRefused, .throughputShown, .personErased, .readOnly,
        ]
        for kind in ChainKind.allCases {
            let said: ChainKind.Privacy? =
                personal.contains(kind)
                ? .personal
                : byOneself.contains(kind) ? .personalByOneself : shared.contains(kind) ? .shared : nil
            #expect(kind.privacy == said, "\(kind)")
        }
        func isPersonal(_ kind: String, _ detail: String?) -> Bool {
            ChainedEvent(id: 1, at: Moment(seconds: 0), kind: kind, hash: []).isPersonal(
                detail.map { ChainDetail(salt: [1], actor: "ann", text: Array($0.utf8)) })
        }
        #expect(isPersonal("engineer.left", #"{"actor":"ann","person":"ann"}"#))
        #expect(!isPersonal("engineer.left", #"{"actor":"ann","person":"bob"}"#))
        #expect(isPersonal("limits.set", #"{"actor":"ann","scope":"person","name":"ann"}"#))
        #expect(!isPersonal("limits.set", #"{"actor":"ann","scope":"team","name":"ann"}"#))
        for detail in [nil, "no json"] { #expect(isPersonal("limits.set", detail)) }
        #expect(isPersonal("person.sang", "{}"))
    }
}

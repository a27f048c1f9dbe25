import PlimsollModel
import Postgres

/// What an erasure did.
public struct ErasureOutcome: Sendable, Hashable {
    /// One for each purpose that was still agreed to.
    public var receipts: [ConsentReceipt] = []
    public var labels = 0
    public var lateAnswers = 0
    /// Under which what had to stay stands; nil where the person stays.
    public var pseudonym: String?
    /// Events of the chain whose details are gone.
    public var chainDetails = 0
}

enum ErasureStatements {
    /// Purposes whose latest event opens the gate, ended by time or not, and those that an answer stands on which no
    /// withdrawal covers: one that ran out and was refused afterwards took nothing back. Indexes: consent_event_pkey,
    /// label_person, excluded_label_person, late_answer_person, exclusion_pkey.
    static let agreed = Statement(
        "erasure_agreed",
        """
        with answered as (
            select l.person_n, u.purpose from kept_label l
            join provenance v using (provenance_id)
            join lane a on a.project_id = l.project_id
            join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
            cross join lateral (
                select split_part(g, '@', 1) from unnest(v.agreements) g
                union select 'severity-' || a.severity where a.severity > 1) u (purpose)
            where l.person_id = $1
            union all
            select l.person_n, u.purpose from late_answer l join project_purpose u using (project_id)
            where l.person_id = $1)
        select purpose from (
            select purpose from (
                select distinct on (purpose) purpose, state from consent_event where person_id = $1
                order by purpose, n desc) c
            where state in ('given', 'renewed')
            union
            select purpose from answered x where not exists (
                select from exclusion e where e.person_id = $1 and e.purpose = x.purpose and e.up_to_n >= x.person_n)) y
        where $2::text is null or purpose = $2 order by purpose
        """)
    static let owed = Statement(
        "erasure_owed",
        """
        select exists (select from owed_drop where person_id = $1)
            or exists (select from owed_refill where person_id = $1)
        """)
    /// The records of sealed exports, for whatever use, that are erased next. Indexes: label_person,
    /// excluded_label_person, export_person_person, export_pkey, exclusion_pkey.
    static let held = Statement(
        "erasure_held",
        """
        select x.export_id, t.external_key, l.slot
        from erasable_labels($1, $2, $3) l
        join export_person p on p.person_id = $1 and p.at_n >= l.person_n
        join export x on x.export_id = p.export_id and x.project_id = l.project_id and x.finished_at is not null
        join provenance v on v.provenance_id = l.provenance_id
        join lane a on a.lane_id = l.lane_id
        join task t on t.lane_id = l.lane_id and t.task_id = l.task_id
        where exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = x.purpose)
            and not exists (select from exclusion e where e.person_id = $1 and e.up_to_n <= p.at_n
                and e.up_to_n >= l.person_n and \(ExclusionRule.bearsOn("x.purpose")))
        order by x.export_id, t.external_key, l.slot
        """)
    /// Sealed ones alone are told what to drop. Indexes: export_person_person, export_pkey.
    static let exports = Statement(
        "erasure_exports",
        """
        select count(*) from export_person p join export x using (export_id)
        where p.person_id = $1 and x.finished_at is not null
        """)
    /// Locked, so that its manifests are numbered one after the other.
    static let export = Statement(
        "erasure_export", "select pseudonym_key from export where export_id = $1 for no key update")
    /// Under the person's lock. See the function.
    static let answers = Statement("erasure_answers", "select * from erase_answers($1, $2, $3)")
    /// PL006: something is left or came meanwhile. PL007: another role. Under the epoch and the person's lock.
    static let person = Statement("erasure_person", "select erase_person($1, $2)")
    static let roles = Statement(
        "erasure_roles", "select exists (select from role_grant where person_id = $1 and role <> 'engineer')")
}

extension Ledger {
    /// Answers that are erased under one hold of the person's lock.
    static let erasureStepMax = 500
    /// Records of exports that are named under it: each answer may be in every one of them. The epoch is held
    /// meanwhile, and whoever wants it alone waits; 5,000 take 0.12 s.
    public static let erasureRecordsMax = 5_000
    /// How often it is looked whether what withdrawals owe has been settled, by this coordinator or another.
    static let owedPatience = Duration.milliseconds(100)
    static let owedLooksMax = 300

    /// Removes what a person answered under a purpose, or everything and the name (`purpose` nil). Withdraws first what
    /// is still agreed to, and waits until earlier exports were told what to drop; those that hold an answer for
    /// another use are told with the erasure. Goes in steps, each whole: cut short, running it again does the rest.
    ///
    /// Throws `.notFound` for a purpose that nobody knows, `.refused` while the person also acts for the deployment,
    /// and `.busy` when something came in between.
    public func erase(purpose: String?, voice: ConsentVoice) async throws -> ErasureOutcome {
        guard let person = try await person(named: voice.name) else { throw unknownPerson(voice.name) }
        let id = Bind.int8(person.id.rawValue)
        if purpose == nil, try await read(Query(ErasureStatements.roles, id))[0].bool(0) {
            throw LedgerError(
                .refused, "you also act for the deployment, and what was done in its name stays on the record",
                remedy: "have the other role revoked first (plimsoll role revoke), or erase by purpose")
        }
        var outcome = ErasureOutcome()
        let agreed = try await read(Query(ErasureStatements.agreed, id, .text(purpose)))
        for row in agreed {
            outcome.receipts.append(try await withdrawAgreement(purpose: try row.text(0), voice: voice))
        }
        if agreed.isEmpty, let purpose {
            // Says whether the name is known at all; a purpose that was withdrawn before gets another receipt.
            outcome.receipts.append(try await withdrawAgreement(purpose: purpose, voice: voice))
        }
        try await settleOwed(to: person.id)
        let exports = Int(try await read(Query(ErasureStatements.exports, id))[0].int8(0))
        let step = min(Self.erasureStepMax, max(1, Self.erasureRecordsMax / max(1, exports)))
        while try await eraseAnswers(of: person.id, purpose, step: step, &outcome) {}
        if purpose == nil { try await eraseName(of: person, &outcome) }
        return outcome
    }

    /// What this person's withdrawals owe comes first: an erased answer could not be named to those who hold it.
    private func settleOwed(to person: PersonID) async throws {
        for _ in 0..<Self.owedLooksMax {
            try await settleWithdrawals()
            if try await !read(Query(ErasureStatements.owed, .int8(person.rawValue)))[0].bool(0) { return }
            try await Task.sleep(for: Self.owedPatience)
        }
        throw LedgerError(
            .busy, "what your withdrawal set off is not done yet", remedy: "erase again in a minute; nothing is lost")
    }

    private func eraseAnswers(
        of person: PersonID, _ purpose: String?, step: Int, _ outcome: inout ErasureOutcome
    ) async throws -> Bool {
        let (labels, late) = try await transaction { connection in
            _ = try await connection.query(Query(OwedStatements.epochLock))
            try await lockPeople([person], on: connection)
            _ = try await connection.query(Query(ConsentStatements.exportLock))
            var (labels, late) = (0, 0)
            var tallies: [ProjectID: TallyChange] = [:]
            let chosen = [Bind.int8(person.rawValue), .text(purpose), .int4(Int32(step))]
            try await tellHolders(of: chosen, by: person, on: connection)
            for row in try await connection.query(Query(ErasureStatements.answers, chosen)) {
                labels += Int(try row.int8(1))
                late += Int(try row.int8(3))
                // The slot of a project that does not refill stays empty: it is no slot any more.
                let done = try row.int8(2)
                tallies[ProjectID(try row.int8(0))] = TallyChange(slots: -done, done: -done, late: -(try row.int8(4)))
            }
            try await appendTally(tallies, on: connection)
            return (labels, late)
        }
        outcome.labels += labels
        outcome.lateAnswers += late
        return labels == step
    }

    /// Under the epoch, so that streams of the person end and nothing of theirs is under way.
    private func eraseName(of person: PersonRow, _ outcome: inout ErasureOutcome) async throws {
        let pseudonym = "erased-" + Pseudonyms.makeKey().prefix(8).hex
        do {
            outcome.chainDetails = try await withEpoch(cause: "person erased") { connection in
                try await lockPeople([person.id], on: connection)
                let events = try await connection.query(
                    Query(ErasureStatements.person, .int8(person.id.rawValue), .text(pseudonym)))[0].int8Array(0)
                try await makeCordsNobodys(of: person.name, on: connection)
                // P11: a detail that is gone and that no erasure names was taken by somebody else.
                try await appendChainEvent(
                    .personErased, actor: pseudonym,
                    detail: [ChainVerifier.erasedEvents: .array(events.map { .integer($0) })], on: connection)
                return events.count
            }
        } catch let error as LedgerError {
            switch (error.cause as? PostgresError)?.sqlState {
            case "PL006":
                throw LedgerError(
                    .busy, "something of yours came in between", remedy: "erase again", cause: error.cause)
            case "PL007":
                throw LedgerError(
                    .refused, "you were given another role in this moment", remedy: "have it revoked first",
                    cause: error.cause)
            default: throw error
            }
        }
        outcome.pseudonym = pseudonym
        await notify(.person, person.id.description)
    }
}

/// Names what is erased next to those who hold it: afterwards nothing could name it.
private func tellHolders(of chosen: [Bind], by person: PersonID, on connection: isolated Connection) async throws {
    var records: [Int64: [(key: String, slot: Int16)]] = [:]
    for row in try await connection.query(Query(ErasureStatements.held, chosen)) {
        records[try row.int8(0), default: []].append((try row.text(1), try row.int2(2)))
    }
    for (export, held) in records.sorted(by: { $0.key < $1.key }) {
        let key = try await connection.query(Query(ErasureStatements.export, .int8(export)))[0].bytes(0)
        let annotator = Pseudonyms(key: key).name(person)
        try await drop(
            held.map { DroppedLabel(key: $0.key, slot: $0.slot, annotator: annotator) }, from: export, on: connection)
    }
}

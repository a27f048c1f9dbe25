import FoundationEssentials
import PlimsollModel
import Postgres

extension Ledger {
    /// Gives one agreement, or renews one in force, in the person's own voice. The version must be the one in force
    /// and the hash that of the text shown. Throws `.notFound`, and `.stale` when another text is in force.
    public func giveAgreement(
        notice: String, version: Int, sha256: [UInt8], voice: ConsentVoice
    ) async throws -> ConsentReceipt {
        let receipt = try await transaction { connection in
            let person = try await lockPerson(voice.name, on: connection)
            let fact = try await appendFact(person.id, on: connection)
            let rows = try await connection.query(
                Query(ConsentStatements.inForce, .text(notice), .timestamptz(microseconds: fact.at.microseconds)))
            guard let row = rows.first else {
                throw LedgerError(
                    .notFound, "no notice “\(notice)” is in force",
                    remedy: "see plimsoll notice list; an operator publishes one: plimsoll notice publish FILE")
            }
            let current = try NoticeReference(row)
            guard version == current.version else {
                throw LedgerError(
                    .stale, "version \(current.version) of the notice \(notice) is in force, not \(version)",
                    remedy: "read it, then decide")
            }
            guard sha256 == current.sha256 else {
                throw LedgerError(
                    .stale, "the text that was shown is not the text of \(notice) version \(version)",
                    remedy: "read it again, then decide")
            }
            let latest = try await latestAgreement(person.id, current.purpose, at: fact.at, on: connection)
            let event = ConsentEvent(
                fact: fact, purpose: current.purpose, state: latest?.isInForce == true ? .renewed : .given,
                noticeID: current.id, noticeVersion: current.version, noticeHash: current.sha256,
                until: fact.at + .seconds(current.validityDays * secondsPerDay),
                certificateSerial: voice.certificateSerial, receiptID: UUID())
            try await append(event, .consentGiven, name: voice.name, on: connection)
            return (person.id, event.receipt(leasesEnded: 0))
        }
        await notify(.person, receipt.0.description)
        return receipt.1
    }

    /// Says no to a purpose; costs nothing and needs no reason (P9). Where an agreement is in force it is a withdrawal;
    /// where one has run out, or is to be given anew under another notice, the labels given under it stay.
    public func refuseAgreement(purpose: String, voice: ConsentVoice) async throws -> ConsentReceipt {
        try await end(purpose, state: .refused, voice: voice)
    }

    /// P3: takes an agreement back, at once and for good, in one short transaction under the person's lock: the event
    /// with its receipt, the end of all open and parked leases under the purpose, and the exclusion of every label
    /// given so far. Works whatever the person's state; doing it again gives another receipt.
    public func withdrawAgreement(purpose: String, voice: ConsentVoice) async throws -> ConsentReceipt {
        try await end(purpose, state: .withdrawn, voice: voice)
    }

    private func end(_ purpose: String, state: AgreementState, voice: ConsentVoice) async throws -> ConsentReceipt {
        let (person, receipt, lanes) = try await transaction { connection in
            let person = try await lockPerson(voice.name, on: connection)
            let known = try await connection.query(
                Query(ConsentStatements.isKnown, .text(purpose), .int8(person.id.rawValue)))
            guard try known[0].bool(0) else {
                throw LedgerError(
                    .notFound, "no notice and no project knows the purpose “\(purpose)”",
                    remedy: "see plimsoll consent list")
            }
            let fact = try await appendFact(person.id, on: connection)
            let latest = try await latestAgreement(person.id, purpose, at: fact.at, on: connection)
            let notice = try await noticeReference(about: purpose, latest: latest, at: fact.at, on: connection)
            let isWithdrawal = state == .withdrawn || latest?.isInForce == true
            let event = ConsentEvent(
                fact: fact, purpose: purpose, state: isWithdrawal ? .withdrawn : state, noticeID: notice?.id,
                noticeVersion: notice?.version, noticeHash: notice?.sha256, until: nil,
                certificateSerial: voice.certificateSerial, receiptID: UUID())
            try await append(
                event, isWithdrawal ? .consentWithdrawn : .consentRefused, name: voice.name, on: connection)
            if isWithdrawal { try await exclude(event, on: connection) }
            let (ended, lanes) = try await endWork(
                of: [person.id], under: .purpose(purpose), how: .withdrawn, on: connection)
            return (person.id, event.receipt(leasesEnded: ended), lanes)
        }
        await notify(.person, person.description)
        for lane in lanes { await notify(.lane, lane.description) }
        return receipt
    }

    /// This person's standing with each notice in force, by notice.
    public func agreements(of name: String) async throws -> [NoticeStanding] {
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        return try await read(Query(ConsentStatements.agreements, .int8(person.id.rawValue)))
            .map { try NoticeStanding($0) }
    }

    /// Every consent event of one person, oldest first: what was agreed, when, under which text.
    public func receipts(of name: String) async throws -> [ConsentReceipt] {
        guard let person = try await person(named: name) else { throw unknownPerson(name) }
        return try await read(Query(ConsentStatements.receipts, .int8(person.id.rawValue))).map { row in
            ConsentReceipt(
                receiptID: try row.uuid(0), purpose: try row.text(1), noticeID: try row.textOrNil(2),
                noticeVersion: try row.isNull(3) ? nil : Int(row.int8(3)),
                state: AgreementState(rawValue: try row.text(4)) ?? .unknown,
                at: Moment(microseconds: try row.timestamptz(5)),
                until: try row.timestamptzOrNil(6).map { Moment(microseconds: $0) }, eventHash: try row.bytes(7),
                leasesEnded: 0)
        }
    }
}

private let secondsPerDay = 86_400

private func append(
    _ event: ConsentEvent, _ kind: ChainKind, name: String, on connection: isolated Connection
) async throws {
    _ = try await connection.query(
        Query(
            ConsentStatements.insert, .int8(event.fact.person.rawValue), .text(event.purpose), .int8(event.fact.n),
            .timestamptz(microseconds: event.fact.at.microseconds), .text(event.state.rawValue),
            .text(event.noticeID), .int4(event.noticeVersion.map { Int32($0) }),
            .timestamptz(microseconds: event.until?.microseconds), .text(event.certificateSerial),
            .uuid(event.receiptID), .bytea(event.hash)))
    try await appendChainEvent(
        kind, actor: name, about: event.fact.person,
        detail: [
            "purpose": .string(event.purpose), "state": .string(event.state.rawValue),
            "receipt": .string(event.receiptID.uuidString.lowercased()), "event": .string(event.hash.hex),
        ], on: connection)
}

private func exclude(_ event: ConsentEvent, on connection: isolated Connection) async throws {
    let person = Bind.int8(event.fact.person.rawValue)
    let results = try await connection.pipeline([
        Query(ConsentStatements.exportLock),
        Query(
            ConsentStatements.exclude, person, .text(event.purpose), .int8(event.fact.n),
            .timestamptz(microseconds: event.fact.at.microseconds)),
        Query(ConsentStatements.owe, person, .text(event.purpose), .int8(event.fact.n)),
        Query(ConsentStatements.lateExcluded, person, .text(event.purpose)),
    ])
    var tallies: [ProjectID: TallyChange] = [:]
    for row in results[3] { tallies[ProjectID(try row.int8(0))] = TallyChange(late: -(try row.int8(1))) }
    try await appendTally(tallies, on: connection)
}

/// A person's latest event of a purpose; nil: there is none. Whoever decides by it holds the person's lock.
func latestAgreement(
    _ person: PersonID, _ purpose: String, at moment: Moment, on connection: isolated Connection
) async throws -> LatestAgreement? {
    try await connection.query(
        Query(
            ConsentStatements.latest, .int8(person.rawValue), .text(purpose),
            .timestamptz(microseconds: moment.microseconds))
    ).first.map { try LatestAgreement($0) }
}

/// The notice that an event without one is about: that of the latest event, else the one in force.
private func noticeReference(
    about purpose: String, latest: LatestAgreement?, at moment: Moment, on connection: isolated Connection
) async throws -> NoticeReference? {
    if let notice = latest?.notice { return notice }
    return try await connection.query(
        Query(ConsentStatements.forPurpose, .text(purpose), .timestamptz(microseconds: moment.microseconds))
    ).first.map { try NoticeReference($0) }
}

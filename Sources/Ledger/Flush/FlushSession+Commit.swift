public import PlimsollModel
internal import Postgres

extension FlushSession {
    /// Writes everything and commits, in one round trip. Only after this returned may a worker hear of any of it
    /// (P5). Throws `.commitInDoubt` when the answer to COMMIT was lost; 23505, PL001, PL002 or PL005 when a slot was
    /// not as this coordinator believed, in which case nothing was written.
    ///
    /// Gives the latest refusal that is kept of each person of whom there was one to keep: that one, or one of the last
    /// minute that keeps it out.
    public func commit(
        _ writes: FlushWrites, coordinator: CoordinatorID, at now: Moment
    ) async throws -> [LatestRefusal] {
        let me = Bind.int8(coordinator.rawValue)
        let at = Bind.timestamptz(microseconds: now.microseconds)
        var queries: [Query] = []
        queries.reserveCapacity(20)
        addEnds(writes, me, at, to: &queries)
        addGrants(writes, me, to: &queries)
        addAnswers(writes, to: &queries)
        addAccounts(writes, me, at, to: &queries)
        // The last one, so that its answer is found again.
        let decisions = writes.decisions.person.isEmpty ? nil : queries.count
        if decisions != nil { queries.append(Self.decision(writes.decisions)) }
        queries.append(Query(FlushStatements.commit))
        let rows = try await connection.pipeline(queries)
        guard let decisions else { return [] }
        // It is committed, so nothing may fail any more: of whom this cannot be read, the database is asked again.
        return rows[decisions].compactMap { try? LatestRefusal($0) }
    }

    /// How long after one refusal of a person no other one is kept.
    public static let refusalsApart = Duration.seconds(FlushStatements.refusalsApartSeconds)

    /// Takeovers come before everything that may end the same lease.
    private func addEnds(_ writes: FlushWrites, _ me: Bind, _ at: Bind, to queries: inout [Query]) {
        if !writes.takeovers.task.isEmpty {
            queries.append(Query(FlushStatements.takeOver, Self.keys(writes.takeovers) + [me]))
        }
        let ends = writes.ends
        if !ends.task.isEmpty { queries.append(Query(FlushStatements.endLeases, Self.keys(ends))) }
        let returned = writes.returned
        if !returned.fence.isEmpty {
            queries.append(
                Query(
                    FlushStatements.returned, .int8Array(returned.fence), .int8Array(returned.lane),
                    .int8Array(returned.task), .int2Array(returned.slot), me))
        }
        let declines = writes.declines
        if !declines.person.isEmpty {
            queries.append(
                Query(FlushStatements.declined, .int8Array(declines.person), .int8Array(declines.task)))
        }
        let reasons = writes.declineReasons
        if !reasons.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.declineReason, .int8Array(reasons.project), .int8Array(reasons.task),
                    .textArray(reasons.reason)))
        }
        if !writes.forgiven.isEmpty {
            queries.append(Query(FlushStatements.forgive, .int8Array(writes.forgiven.sorted())))
        }
        let failures = writes.failures
        if !failures.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.failure, .int8Array(failures.task), .int8Array(failures.fence),
                    .int8Array(failures.person), .textArray(failures.how), at))
        }
        let quarantines = writes.quarantines
        if !quarantines.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.quarantine, .int8Array(quarantines.task), .int8Array(quarantines.lane), at))
        }
        let parks = writes.parks
        if !parks.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.park, .int8Array(parks.task), .int2Array(parks.slot), .int8Array(parks.person),
                    .int8Array(parks.fence), .int8Array(parks.lane), .int8Array(parks.project),
                    .timestamptzArray(parks.firstGrantedAt), .timestamptzArray(parks.until),
                    .int8Array(parks.provenance), .timestamptzArray(parks.parkedAt), .boolArray(parks.atLimit)))
        }
        if !writes.unparked.task.isEmpty {
            queries.append(Query(FlushStatements.unpark, Self.keys(writes.unparked)))
        }
    }

    private func addGrants(_ writes: FlushWrites, _ me: Bind, to queries: inout [Query]) {
        if !writes.regranted.isEmpty {
            queries.append(Query(FlushStatements.regrant, .int8Array(writes.regranted), me))
        }
        let grants = writes.grants
        if !grants.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.grant, .int8Array(grants.task), .int2Array(grants.slot),
                    .int8Array(grants.person), .int8Array(grants.fence), .int8Array(grants.lane),
                    .int8Array(grants.project), .timestamptzArray(grants.grantedAt),
                    .timestamptzArray(grants.firstGrantedAt), .timestamptzArray(grants.deadline),
                    .int8Array(grants.provenance), .int8Array(grants.session), .int8Array(grants.why), me,
                    .textArray(grants.deadlineRule)))
        }
        let extensions = writes.extensions
        if !extensions.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.extend, .int8Array(extensions.task), .int2Array(extensions.slot),
                    .int8Array(extensions.fence), .timestamptzArray(extensions.deadline),
                    .textArray(extensions.deadlineRule)))
        }
    }

    private func addAnswers(_ writes: FlushWrites, to queries: inout [Query]) {
        let labels = writes.labels
        if !labels.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.label, .int8Array(labels.task), .int2Array(labels.slot),
                    .int8Array(labels.person), .int8Array(labels.fence), .int8Array(labels.project),
                    .int8Array(labels.personN), .int8Array(labels.provenance), .dateArray(labels.acceptedOn),
                    .byteaArray(labels.answerHash), .jsonArray(labels.answer)))
        }
        let late = writes.lateAnswers
        if !late.task.isEmpty {
            queries.append(
                Query(
                    FlushStatements.lateAnswer, .int8Array(late.task), .int8Array(late.person),
                    .int8Array(late.fence), .int8Array(late.project), .int8Array(late.personN),
                    .dateArray(late.arrivedOn), .byteaArray(late.answerHash), .jsonArray(late.answer),
                    .textArray(late.why)))
        }
    }

    private func addAccounts(_ writes: FlushWrites, _ me: Bind, _ at: Bind, to queries: inout [Query]) {
        let history = writes.history
        if !history.person.isEmpty {
            queries.append(
                Query(
                    FlushStatements.history, .int8Array(history.person), .int8Array(history.fence),
                    .int8Array(history.task), .int2Array(history.slot), .int8Array(history.lane),
                    .timestamptzArray(history.grantedAt), .timestamptzArray(history.at), .textArray(history.how)))
        }
        let usage = writes.usage
        if !usage.person.isEmpty {
            queries.append(
                Query(
                    FlushStatements.usage, .int8Array(usage.person), .int8Array(usage.n),
                    .timestamptzArray(usage.at), .dateArray(usage.day), .int4Array(usage.dayLabels), me,
                    .timestamptzArray(usage.workedFrom), .timestamptzArray(usage.workedTo), .textArray(usage.kind),
                    .int2Array(usage.severity)))
        }
        let contributions = writes.contributions
        if !contributions.person.isEmpty {
            queries.append(
                Query(
                    FlushStatements.contribution, .int8Array(contributions.project),
                    .timestamptzArray(contributions.hour), .int8Array(contributions.person)))
        }
        let tallies = writes.tallies.filter { $0.value != FlushWrites.Tally() }.sorted { $0.key < $1.key }
        if !tallies.isEmpty {
            queries.append(
                Query(
                    FlushStatements.tally, .int8Array(tallies.map(\.key.rawValue)),
                    .int8Array(tallies.map(\.value.slots)), .int8Array(tallies.map(\.value.leased)),
                    .int8Array(tallies.map(\.value.parked)), .int8Array(tallies.map(\.value.done)),
                    .int8Array(tallies.map(\.value.late)), .int8Array(tallies.map(\.value.quarantined)), at))
        }
    }

    private static func decision(_ decisions: FlushWrites.Decisions) -> Query {
        Query(
            FlushStatements.decision, .int8Array(decisions.person), .timestamptzArray(decisions.at),
            .textArray(decisions.rule), .textArray(decisions.value), .textArray(decisions.bound),
            .timestamptzArray(decisions.until), .textArray(decisions.scope))
    }

    private static func keys(_ ends: FlushWrites.Ends) -> [Bind] {
        [.int8Array(ends.task), .int2Array(ends.slot), .int8Array(ends.person), .int8Array(ends.fence)]
    }
}

extension FlushSession {
    /// Whether a commit that threw this may have happened all the same.
    public static func isInDoubt(_ error: any Error) -> Bool { (error as? PostgresError)?.outcomeUnknown == true }
}

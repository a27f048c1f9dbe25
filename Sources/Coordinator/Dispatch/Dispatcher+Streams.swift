import Ledger
import PlimsollModel

/// Streams: opening, messages, life signs, ending.
extension Dispatcher {
    /// Registers a stream whose holder was admitted, and waits for the fate of the leases it presents.
    func open(_ opening: StreamOpening, _ admission: Admission) async throws -> AttachedStream {
        guard !isDraining, life.isKnown, !life.isCutOff else {
            throw StreamEnd(.notReady, "this coordinator is not ready; try another, or again in a moment")
        }
        if opening.session != 0 {
            // The process has come back; what it left behind is over, whether its end was noticed or not.
            for earlier in streamsOf[admission.person] ?? [] where streams[earlier]?.session == opening.session {
                end(earlier, StreamEnd(.superseded, "this worker has opened another stream"))
            }
        }
        if streamsOf[admission.person, default: []].filter({ streams[$0]?.isAttached == true }).count
            >= StreamLimits.streamsPerPersonMax
        {
            throw StreamEnd(
                .tooManyStreams,
                "you have \(StreamLimits.streamsPerPersonMax) work streams already; close one first")
        }
        var project: ProjectID?
        if let name = opening.project {
            project = try await projectID(named: name)
        }
        nextStream += 1
        let id = StreamID(number: nextStream)
        let (replies, continuation) = AsyncThrowingStream.makeStream(
            of: StreamReply.self, throwing: (any Error).self,
            bufferingPolicy: .bufferingOldest(StreamLimits.unreadRepliesMax))
        streams[id] = StreamState(
            id: id, person: admission.person, serial: opening.serial, session: opening.session,
            inFlightMax: min(max(opening.inFlight, 1), StreamLimits.inFlightMax), project: project,
            replies: continuation, lastSeen: clock.now)
        streamsOf[admission.person, default: []].insert(id)
        areAdmissionsDue = true
        var welcome = StreamWelcome(
            coordinator: configuration.name, heartbeat: configuration.times.heartbeat,
            streamTimeToLive: configuration.times.streamTimeToLive)
        if !opening.held.isEmpty {
            do {
                let outcome: PresentedOutcome = try await withCheckedThrowingContinuation { continuation in
                    presenting[id] = continuation
                    enqueue(admission.person) {
                        $0.presented.append(
                            PersonWork.Presented(
                                stream: id, leases: opening.held, by: .hello(session: opening.session)))
                    }
                }
                welcome.kept = outcome.kept
                welcome.lost = outcome.lost
            } catch {
                forget(id)
                throw error
            }
        } else if opening.session != 0 {
            // Nothing to hear about, so nothing to wait for.
            enqueue(admission.person) {
                $0.presented.append(
                    PersonWork.Presented(stream: id, leases: [], by: .hello(session: opening.session)))
            }
        }
        return AttachedStream(
            welcome: welcome, replies: replies,
            onReceive: { [inbox] request in inbox.add(.message(id, request)) },
            onDetach: { [inbox] in inbox.add(.detached(id)) })
    }

    /// From what is known here, else from the database: the project may be younger than the last poll.
    private func projectID(named name: String) async throws -> ProjectID {
        if let known = deployment?.projects.values.first(where: { $0.name == name }) { return known.id }
        do {
            let record = try await ledger.project(named: name)
            if record.state != .closed { return record.id }
        } catch let error as LedgerError where error.code != .notFound {
            throw StreamEnd(.notReady, "the database does not answer; try again in a moment")
        }
        throw StreamEnd(.noSuchProject, "there is no open project \"\(name)\"; `plimsoll project list` names them")
    }

    /// Takes in what arrived since the last turn, in order.
    func drainInbox() {
        for event in inbox.take() {
            switch event {
            case .message(let id, let request): receive(request, on: id)
            case .detached(let id): detach(id)
            }
        }
    }

    /// Takes in one message.
    private func receive(_ request: StreamRequest, on id: StreamID) {
        guard var stream = streams[id] else { return }
        stream.lastSeen = clock.now
        stream.unsettled += request.items
        stream.isLeaving = stream.isLeaving || request.leaving
        if stream.isLeaving { stream.want = 0 }
        if request.want > 0, !stream.isLeaving {
            stream.want = min(stream.want + request.want, stream.inFlightMax)
        }
        streams[id] = stream
        if stream.unsettled > StreamLimits.unsettledItemsMax {
            end(
                id, StreamEnd(.limitExceeded, "more than \(StreamLimits.unsettledItemsMax) items sent and not settled"))
            return
        }
        guard request.items > 0 || request.want > 0 else { return }
        enqueue(stream.person) { work in
            for answer in request.submits { work.answers.append(PersonWork.Answer(stream: id, answer: answer)) }
            for decline in request.declines {
                work.changes.append(
                    PersonWork.Change(stream: id, lease: decline.lease, kind: .decline(reason: decline.reason)))
            }
            for lease in request.releases {
                work.changes.append(PersonWork.Change(stream: id, lease: lease, kind: .release))
            }
            for lease in request.parks { work.changes.append(PersonWork.Change(stream: id, lease: lease, kind: .park)) }
            for lease in request.extends {
                work.changes.append(PersonWork.Change(stream: id, lease: lease, kind: .extend))
            }
        }
    }

    /// The transport ended. The leases live on until the stream's time to live has run out.
    func detach(_ id: StreamID) {
        guard streams[id] != nil else { return }
        streams[id]?.isAttached = false
        streams[id]?.want = 0
        streams[id]?.replies.finish()
        if streams[id]?.held.isEmpty == true { forget(id) }
    }

    /// Ends a stream from this side.
    func end(_ id: StreamID, _ why: StreamEnd) {
        presenting.removeValue(forKey: id)?.resume(throwing: why)
        streams[id]?.replies.finish(throwing: why)
        detach(id)
    }

    func forget(_ id: StreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        presenting.removeValue(forKey: id)?.resume(
            throwing: StreamEnd(.notReady, "the stream ended before its leases were looked at; open another"))
        stream.replies.finish()
        streamsOf[stream.person]?.remove(id)
        if streamsOf[stream.person]?.isEmpty == true {
            streamsOf[stream.person] = nil
            looks[stream.person] = nil
            lookedThrough[stream.person] = nil
            refused[stream.person] = nil
            warned[stream.person] = nil
            if work[stream.person] == nil, !inFlight.contains(stream.person) { people[stream.person] = nil }
        }
    }

    /// Sends one reply, with the projects it speaks of in front when the stream was not told of them yet.
    func deliver(_ reply: StreamReply, to id: StreamID) {
        guard var stream = streams[id], stream.isAttached else { return }
        var reply = reply
        for lease in reply.leases where stream.told[lease.project] != lease.instructionsVersion {
            guard let project = deployment?.projects[lease.project] else { continue }
            stream.told[lease.project] = lease.instructionsVersion
            reply.projects.append(
                ProjectNote(
                    project: project.id, name: project.name, instructions: project.instructions,
                    instructionsVersion: project.instructionsVersion, answerSchema: project.answerSchema))
        }
        streams[id] = stream
        guard !reply.isEmpty else { return }
        if case .dropped = stream.replies.yield(reply) {
            end(id, StreamEnd(.limitExceeded, "the worker does not read what it is sent"))
        }
    }

    func send(_ id: StreamID, settled: Int = 0, _ body: (inout StreamReply) -> Void) {
        var reply = StreamReply()
        body(&reply)
        streams[id]?.unsettled -= settled
        deliver(reply, to: id)
    }

    /// Streams that showed no life sign lose their leases; leases past their deadline end. Called once a second.
    func sweep() {
        let now = clock.now
        let reading = clockReading
        for (id, stream) in streams where now - stream.lastSeen > configuration.times.streamTimeToLive {
            let ends = stream.held.compactMap { fence in
                heldTasks[fence].map {
                    PersonWork.End(
                        lease: LeaseReference(task: $0, fence: fence), how: .streamLost, vouchedBy: coordinator,
                        lastSign: reading.map { $0.database + (stream.lastSeen - $0.local) })
                }
            }
            stream.replies.finish(throwing: StreamEnd(.limitExceeded, "no life sign for too long"))
            forget(id)
            if !ends.isEmpty { enqueue(stream.person) { $0.ends.append(contentsOf: ends) } }
        }
        for (_, person, end) in unattended.filter({ $0.at <= now }) { enqueue(person) { $0.ends.append(end) } }
        unattended.removeAll { $0.at <= now }
        guard let clockReading else { return }
        let estimate = clockReading.database + (now - clockReading.local)
        for due in deadlines.popDue(at: estimate) where vouched[due.fence] != nil {
            enqueue(due.person) {
                $0.ends.append(
                    PersonWork.End(
                        lease: LeaseReference(task: due.task, fence: due.fence), how: .expired, vouchedBy: coordinator))
            }
        }
        warnOfLimits(at: estimate)
        let hour = estimate.microseconds / 3_600_000_000
        contributed = contributed.filter { $0.hour >= hour - 1 }
        // What came back elsewhere, or ended, or is of somebody who is not here any more.
        let parked = Set(people.values.lazy.flatMap(\.parked.keys))
        parkedContents = parkedContents.filter { parked.contains($0.key) }
    }

    /// Ends streams whose holder lost the role or was denied, as `look` finds them under this epoch or a later one. Who
    /// was admitted by what was read before it is among them.
    func checkAdmissions(
        of ids: some Sequence<StreamID>, under epoch: Int64,
        _ look: ([(person: PersonID, serial: String)]) async throws -> Set<Int>
    ) async throws {
        var asked: [StreamState] = []
        for id in ids where (streams[id]?.admittedUnder ?? epoch) < epoch && !denied.contains(id) {
            if let stream = streams[id] { asked.append(stream) }
        }
        guard !asked.isEmpty else { return }
        let bad = try await look(asked.map { ($0.person, $0.serial) })
        for (index, stream) in asked.enumerated() {
            guard bad.contains(index) else {
                let known = streams[stream.id]?.admittedUnder ?? 0
                streams[stream.id]?.admittedUnder = max(known, epoch)
                continue
            }
            denied.insert(stream.id)
            end(stream.id, StreamEnd(.denied, "access under this certificate was stopped; plimsoll me access says why"))
            enqueue(stream.person) { $0.refresh = true }
        }
    }

    /// The database is out of reach, and with it every withdrawal (P3): workers are told to stop and to look for
    /// another coordinator, with which they present what they hold. Nothing is lost: answers wait with the worker (P6).
    func stopWorkers() {
        life.cutOff()
        let why = "this coordinator cannot reach the database; stop until another one, or this one later, takes you in"
        for (id, stream) in streams where stream.isAttached {
            send(id) { $0.notifications = [Notification(kind: .stop, message: "stop: \(why)")] }
            end(id, StreamEnd(.notReady, why))
        }
    }

    /// Tells every worker to present its leases elsewhere.
    func drain() {
        // What came before the word is settled before the end.
        drainInbox()
        isDraining = true
        for id in streams.keys {
            streams[id]?.want = 0
            send(id) { $0.drainWithin = configuration.times.drain }
        }
    }

    /// Waits until nothing that was received is unsettled, no longer than `budget`.
    func waitUntilSettled(for budget: Duration) async {
        let end = clock.now + budget
        while clock.now < end,
            !queue.isEmpty || !inFlight.isEmpty || streams.values.contains(where: { $0.unsettled > 0 })
        {
            do {
                try await clock.sleep(for: .milliseconds(20))
            } catch {
                return
            }
        }
    }

    /// Ends the loops and waits until the feeder gave everything back.
    func close() async {
        isClosing = true
        wakeAllFlushes()
        if isFeedClosed { return }
        await withCheckedContinuation { feedClosed = $0 }
    }

    func endAllStreams() {
        for id in streams.keys { end(id, StreamEnd(.drained, "this coordinator has stopped; go on with another")) }
        for (_, continuation) in presenting { continuation.resume(throwing: StreamEnd(.drained, "stopping")) }
        presenting = [:]
    }
}

import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Synchronization
import Testing

@Suite("Who is available, as others see it: the whole gate, in one word (P9)")
struct AvailabilityTests {
    /// A Monday at noon in Berlin.
    private static let noon = "'2026-06-08 12:00+02'"

    private func words(_ deployment: Deployment) async throws -> [String: Bool] {
        Dictionary(
            uniqueKeysWithValues: try await Availability(ledger: deployment.ledger).engineers().map {
                ($0.name, $0.isAvailable)
            })
    }

    @Test("whoever the gate would lease nothing is not available, whatever the cause, and everybody else is")
    func everyCause() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.noon)
            try await deployment.setClock(start, standing: true)
            let states = PersonState.allCases
            try await deployment.project(people: ["ann", "zoe"] + states.map(\.name), tasks: 40)
            try await deployment.policy("day-tasks: 50")
            for state in states { try await deployment.bring(state.name, into: state) }
            let words = try await words(deployment)
            #expect(words.filter(\.value).keys.sorted() == ["ann", "zoe"])
            #expect(words.count == states.count + 2)
            // The cause is the one that was meant: a worker is told it.
            let one = deployment.coordinator()
            try await running(one) {
                for state in states {
                    guard let rule = state.rule else {
                        await #expect(throws: StreamEnd.self, "\(state)") { _ = try await Hand(one, state.name) }
                        continue
                    }
                    let hand = try await Hand(one, state.name)
                    #expect(try await hand.refusal().rule == rule, "\(state)")
                    hand.stream.detach()
                }
                let ann = try await Hand(one, "ann")
                _ = try await ann.patientLease()
            }
            // Nobody at all in read-only mode.
            _ = try await deployment.ledger.setReadOnly(true, reason: "a test", by: "op")
            let all = try await self.words(deployment)
            #expect(!all.values.contains(true))
        }
    }

    @Test("a word is as old as two seconds, and no older than the epoch")
    func ages() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 10)
            let seconds = Atomic<Int>(0)
            let start = ContinuousClock.now
            let availability = Availability(ledger: deployment.ledger) {
                start + .seconds(seconds.load(ordering: .relaxed))
            }
            func available() async throws -> [String] {
                try await availability.engineers().filter(\.isAvailable).map(\.name)
            }
            #expect(try await available() == ["ann", "bob"])
            _ = try await deployment.ledger.withdrawAgreement(
                purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
            #expect(try await available() == ["ann", "bob"])
            seconds.store(2, ordering: .relaxed)
            #expect(try await available() == ["bob"])
            // A denial moves the epoch: under another one no word counts.
            _ = try await deployment.ledger.deny(.person("bob"), reason: "left", by: "op")
            #expect(try await available().isEmpty)
        }
    }

    @Test("people are counted no further than asked, those of another project left out")
    func counted() async throws {
        try await withDeployment { deployment in
            let people = (0..<90).map { "p\($0 + 100)" }
            try await deployment.project(people: people, tasks: 3)
            try await deployment.project("few", people: ["ann", "bob"], tasks: 3)
            let puzzles = try await deployment.ledger.project(named: "puzzles").id
            let few = try await deployment.ledger.project(named: "few").id
            let availability = Availability(ledger: deployment.ledger)
            #expect(try await availability.available(in: few, upTo: 5) == 2)
            #expect(try await availability.available(in: puzzles, upTo: 5) == 5)
            #expect(try await availability.available(in: puzzles, upTo: 5) == 5)
            // All but the last: they are looked for further, in batches.
            try await deployment.owner.execute(
                script: """
                    insert into denial (person_id, denied_by, reason) select person_id, 'op', 'x' from person
                        where name like 'p1%' and name <> 'p189'
                    """)
            let later = Availability(ledger: deployment.ledger)
            #expect(try await later.available(in: puzzles, upTo: 5) == 1)
        }
    }

    /// Held against each other, what is said of two projects and the list must not tell what one person agreed to.
    @Test("of a project no more is said than the words of its people say")
    func byWordsAlone() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            try await deployment.project("training", people: [], tasks: 0)
            _ = try await deployment.ledger.enrolEngineer(
                "ann", zone: "Europe/Berlin", projects: ["training"],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: "boss-ann",
                    alternativeOffered: "the usual work"), by: "op")
            try await deployment.owner.execute(
                script:
                    "update project_purpose set purpose = 'training' where project_id = (select project_id from project where name = 'training')"
            )
            let training = try await deployment.ledger.project(named: "training").id
            let availability = Availability(ledger: deployment.ledger)
            // Available for puzzles alone; that she has not agreed to the other purpose is nobody's business.
            #expect(try await availability.engineers().map(\.isAvailable) == [true])
            #expect(try await availability.available(in: training, upTo: 5) == 1)
        }
    }

    @Test("tasks that fit nobody's day are named, with what to do")
    func tooLong() async throws {
        try await withDeployment { deployment in
            try await deployment.project(effortSeconds: 3_600, people: ["ann"], tasks: 2)
            let availability = Availability(ledger: deployment.ledger)
            let reasons = try await availability.queueStatus(project: "puzzles")[0].reasons
            let reason = try #require(reasons.first { $0.code == .tooLong })
            #expect(reason.sentence.contains(DurationText.readable(.hours(1))), "\(reason)")
            #expect(reason.sentence.contains("50m"))
            #expect(reason.remedy.contains("task import"))
            // Longer leases are no policy's to give, shorter ones are.
            try await deployment.policy("continuous-time: 20m", "lease-lifetime: 20m")
            try await deployment.project("short", effortSeconds: 1_200, people: [], tasks: 1)
            try await deployment.project("long", effortSeconds: 1_201, people: [], tasks: 1)
            for (project, isTooLong) in [("short", false), ("long", true)] {
                let status = try await Availability(ledger: deployment.ledger).queueStatus(project: project)[0]
                #expect(status.reasons.contains { $0.code == .tooLong } == isTooLong, "\(project)")
            }
        }
    }
}

extension PersonState {
    /// A person's name of its own.
    var name: String { "p-" + rawValue.lowercased() }
}

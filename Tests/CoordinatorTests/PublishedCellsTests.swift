import Coordinator
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// P9, over a made-up week. What must hold of every pair of published cells, of whichever views (`SupervisorView` lists
/// them), read at two times, of two projects, or the one before and the other after something that one person did:
///
/// 1. *State.* What a person agreed, refused, withdrew, or is kept from by any limit, break, rest or denial, moves that
///    person's own word and no other cell, but for the one reason that counts the words of a project's people; two
///    causes of the same word cannot be told apart at all.
/// 2. *Work.* Counts of tasks are exact for everyone, by whole hours. But while fewer than k people are at work in a
///    project, or none, nothing that any one of them does (takes, answers, hands back, declines, parks) moves any cell
///    of any view before the hour is over. `PairCheck` tries it: it knows of each cell whose deeds it is made of, and
///    what any two differ by, or are together, is of nobody, of at least k people, of whole hours, or of an hour in
///    which at least k were at work.
/// 3. *Rates* are shown only of windows in which at least k people contributed, and a window does not wander through an
///    hour in which fewer did.
/// 4. What is said of people as the reason why tasks wait is a function of three figures of groups: how many have the
///    word, no further than k; whether at least k hold something; and what the coordinator says of its workers.
/// 5. In the digest no pair of a shown total and a shown count leaves a single hidden one, no cell of a week has
///    anything in common with one of another week, and what `doctor` says of concerns does not make up for a hidden one.
///
/// What is left on purpose: the words themselves, which change as people come and go; exact counts of tasks where k or
/// more work; counts of tasks by whole hours where fewer do, also less those that one of them lets be shown; and since
/// when somebody holds what is held, which `queue leases` is there to say.
///
/// To see it fail: let `Look.read` ask for leases or tasks without `hidingFew`; give `isCoarse` in the ledger the answer
/// false; or let `MadeUpWeek` apply a policy with a smaller `group-operations`, as ``aLoweredThreshold()`` does. That the
/// check by itself finds what it is for, see ``madeUpPairs()``. What the week comes upon only by chance is in `TracesTests`
/// and `StateViewsTests`, concerns and declines in `DigestCellsTests`, the record's length and the deployment's version
/// in `SupervisorViewTests`.
@Suite("No pair of published cells tells one person's state")
struct PublishedCellsTests {
    private static let k = MadeUpWeek.k
    static let monday = "'2026-06-08 07:00+02'"
    private static let projects = ["big": 13, "mid": 6, "few": 3, "one": 1]

    @Test("over a made-up week, whatever is held against each other")
    func week() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.monday)
            var world = try await MadeUpWeek(deployment, Self.projects, at: start)
            var looks: [Look] = []
            for day in 0..<7 {
                for hour in day % 2 == 0 ? [1, 2] : [5] {
                    let full = start + .hours(24 * day + hour)
                    try await world.setClock(full + .seconds(Int.random(in: 60...900, using: &random)))
                    for _ in 0..<Int.random(in: 0...24, using: &random) { try await world.happen(&random) }
                    // Every third day enough are at work to be shown.
                    if day % 3 == 0 { try await world.workTogether(6) }
                    try await Self.connect(&world, day, hour, &random)
                    try await world.fold()
                    let look = try await world.look(withThroughput: true)
                    looks.append(look)
                    try await world.fewAtWorkDoNotShow(look, &random, seed)
                    try await world.setClock(full + .seconds(Int.random(in: 1_800...3_500, using: &random)))
                    if Bool.random(using: &random) { try await world.fold() }
                    looks.append(try await world.look())
                }
            }
            let big = looks.compactMap { $0.statuses["big"] }
            #expect(big.contains { !$0.isCoarse } && big.contains { $0.rate != nil }, "seed \(seed)")
            Self.checkPairs(looks, world, seed)
            Self.checkReasons(looks, seed)
            // A day later at noon, in an hour in which nothing was done.
            try await world.setClock(start + .hours(24 * 7 + 5) + .minutes(20))
            try await world.statesDoNotShow(seed)
        }
    }

    /// Workers come and go. In the first hour some of the many who are available are connected, and in the last all of
    /// one project have their hands full.
    private static func connect(
        _ world: inout MadeUpWeek, _ day: Int, _ hour: Int, _ random: inout SplitMix64
    ) async throws {
        var presence: [String: Bool] = [:]
        for project in projects.keys.sorted() {
            presence[project] = [nil, false, true].randomElement(using: &random) ?? nil
        }
        if day == 0, hour == 1 { presence["big"] = true }
        if day == 6, hour == 2 {
            try await world.fillHands("mid")
            presence["mid"] = false
        }
        try await world.connect(presence)
    }

    // MARK: Pairs

    /// 2 and 3, of all cells of the whole week.
    private static func checkPairs(_ looks: [Look], _ world: MadeUpWeek, _ seed: UInt64) {
        var cells: [PublishedCell] = []
        for look in looks {
            let part = look.cells(in: world)
            cells += part.cells
            #expect(part.faults == [], "seed \(seed)")
        }
        let views = Set(cells.map(\.view))
        #expect(views == [.queueStatus, .leases, .tasks, .throughput], "seed \(seed): \(views)")
        #expect(cells.count > 500, "seed \(seed): \(cells.count)")
        #expect(PairCheck(people: world.doers, k: k).findings(cells).map(\.description) == [], "seed \(seed)")
        for project in projects.keys {
            for (index, first) in looks.enumerated() {
                guard let status = first.statuses[project] else { continue }
                if let rate = status.rate {
                    let from = first.at - rate.window - .hours(1)
                    let contributors = Set(
                        world.deeds.filter {
                            $0.project == project && $0.what == .answer && $0.at >= from && $0.at <= first.at
                        }.map(\.person))
                    #expect(contributors.count >= k, "seed \(seed): a rate of \(contributors.count) at \(first.at)")
                }
                // Within an hour every word of it is the same, to the letter.
                for second in looks[(index + 1)...] where second.at.fullHour == first.at.fullHour {
                    guard status.isCoarse, second.statuses[project]?.isCoarse == true else { continue }
                    let (before, after) = (first.text(of: project), second.text(of: project))
                    #expect(before == after, "seed \(seed): \(project) moved")
                }
            }
        }
        for look in looks {
            for team in look.teams { #expect(look.teamMembers[team.name]?.count == team.engineers) }
            #expect(look.teams == looks[0].teams && look.teamMembers == looks[0].teamMembers, "seed \(seed)")
        }
    }

    /// What is said of people may depend on no more than this.
    private struct Grounds: Hashable {
        var available: Int
        var manyHold: Bool
        var presence: Bool?
    }

    /// 4.
    private static func checkReasons(_ looks: [Look], _ seed: UInt64) {
        var said: [Grounds: [WaitingReason]] = [:]
        for look in looks {
            for (project, members) in look.members {
                guard let status = look.statuses[project], status.waiting > 0 else { continue }
                let available = members.count { look.words[$0] == true }
                let grounds = Grounds(
                    available: min(k, available), manyHold: look.holders[project, default: 0] >= k,
                    presence: look.presence[project])
                let place: Comment = "seed \(seed): \(project) at \(look.at), \(grounds)"
                #expect(status.reasons.count == 1, place)
                #expect(said[grounds] ?? status.reasons == status.reasons, place)
                said[grounds] = status.reasons
                if grounds.available == 0, !grounds.manyHold {
                    #expect(status.reasons.map(\.code) == [.nobodyAvailable], place)
                }
                if (1..<k).contains(grounds.available), !grounds.manyHold {
                    #expect(status.reasons.map(\.code) == [.fewAvailable], place)
                }
            }
        }
        let codes = Set(said.values.flatMap { $0 }.map(\.code))
        #expect(codes.isSuperset(of: [.beingHandedOut, .allLeased]), "seed \(seed): \(codes)")
    }

    // MARK: The check itself

    /// Without a database: pairs as a careless view would publish them, each of which must be found, and pairs that are
    /// to be shown, none of which may be.
    @Test("the check finds made-up pairs that tell of few, and no others")
    func madeUpPairs() {
        let nine = Moment(seconds: 9 * 3_600)
        func cell(_ figure: String, _ plus: [Int], minus: [Int] = [], isSharp: Bool) -> PublishedCell {
            PublishedCell(
                view: .queueStatus, project: "big", figure: figure, at: nine, value: plus.count - minus.count,
                basis: .init(plus: DeedSet(plus), minus: DeedSet(minus), isSharp: isSharp))
        }
        // Person 0 did the deeds 0 to 9, and the persons 1 to 9 one each; the last is of another word of the bits.
        let people = Array(repeating: 0, count: 10) + Array(1...8) + Array(repeating: 9, count: 53)
        let check = PairCheck(people: people, k: 5)
        func found(_ cells: PublishedCell...) -> [Int] { check.findings(cells).map(\.people) }

        let whole = cell("done, by the hour", Array(0...17), isSharp: false)
        // One look within the hour of one person, by itself and against the hour.
        #expect(found(cell("done at 9:30", [0, 1, 2], isSharp: true)) == [1])
        #expect(found(whole, cell("done at 9:30", Array(0...14), isSharp: true)) == [3])
        // Two windows of a rate, of many each, one minute after the other.
        #expect(
            found(cell("rate", Array(3...17), isSharp: true), cell("later", Array(4...17), isSharp: true)) == [1])
        // Of different views and projects: the one is part of the other, or makes up for what it leaves out.
        #expect(found(whole, cell("all projects", Array(0...18), isSharp: true)) == [1])
        #expect(
            found(
                cell("held", Array(0...17), minus: [70], isSharp: true), cell("given back", [70], isSharp: false),
                cell("taken", Array(0...17), isSharp: false)
            ) == [1])
        // Of at least k, of whole hours, or the same: shown.
        #expect(found(whole, cell("exact", Array(0...22), isSharp: false)) == [])
        #expect(found(whole, cell("of many", Array(0...13) + Array(18...70), isSharp: true)) == [])
        #expect(found(whole, cell("the same", Array(0...17), isSharp: true)) == [])
        #expect(found(cell("of one, by the hour", [0, 1], isSharp: false)) == [])
        // What is published is compared with what it is said to be made of.
        let wrong = PublishedCell(
            view: .queueStatus, project: "big", figure: "done", at: nine, value: 3, basis: whole.basis)
        #expect(whole.isTrue && !wrong.isTrue)
    }

    /// With the real views: a policy that shows two people at work is found out by a check for five.
    @Test("the check finds what a lowered threshold shows")
    func aLoweredThreshold() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.monday)
            var world = try await MadeUpWeek(deployment, ["big": 6], at: start)
            _ = try await deployment.ledger.applyPolicy(
                "limits:\n  quiet-hours: none\noversight:\n  group-operations: 2\n", reason: "a test", by: "op")
            var looks: [Look] = []
            for minute in [10, 20] {
                try await world.setClock(start + .minutes(60 + minute))
                try await world.workTogether(2)
                try await world.fold()
                looks.append(try await world.look())
            }
            let parts = looks.map { $0.cells(in: world) }
            #expect(parts.allSatisfy { $0.faults.contains { $0.contains("exact or not is not by how many") } })
            let findings = PairCheck(people: world.doers, k: Self.k).findings(parts.flatMap(\.cells), most: 1_000)
            // Of cells of other views that are made of the same deeds, one was enough.
            for figure in ["leased", "done", "waiting less all"] {
                #expect(findings.contains { $0.first.figure == figure || $0.second?.figure == figure }, "\(figure)")
            }
        }
    }
}

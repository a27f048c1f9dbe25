import PlimsollModel
import Testing

@testable import QualityReview

@Suite("What a plan of a policy tells of many people, and never of few (P9)")
struct DiscretionTests {
    private let k = 5
    private var discretion: Discretion { Discretion(smallestGroup: k) }

    private func contributions(_ values: [Int64]) -> Contributions {
        var contributions = Contributions()
        for (person, value) in values.enumerated() { contributions.add(value, of: Int32(person)) }
        return contributions
    }

    private func figure(_ values: [Int64], whole: [Int64]? = nil, unit: Int64 = 1) -> ShownFigure {
        discretion.figures(
            of: [contributions(values)], whole: whole.map(contributions),
            group: contributions(whole ?? Array(repeating: 1, count: max(k, values.count))), unit: unit)[0]
    }

    @Test func `figures of fewer people are hidden, of nobody too, and of many rounded`() {
        for few in 0..<k { #expect(figure(Array(repeating: 9, count: few)) == .hidden(.fewPeople)) }
        // Four of five people add four: the step is five.
        #expect(figure([1, 1, 1, 1, 1]) == .about(5, step: 5))
        #expect(figure([1, 1, 1, 1, 1, 1, 1, 1]) == .about(10, step: 5))
        // The four who add most add 160.
        #expect(figure([100, 20, 20, 20, 3]) == .about(200, step: 200))
        #expect(figure([100, 3, 3, 3, 3]) == .about(200, step: 200))
        // Half hours, shown in hours.
        #expect(figure([1_800, 1_800, 1_800, 1_800, 1_800, 1_800], unit: 3_600) == .about(4, step: 2))
        // Of a group that is too small not even nothing is told.
        #expect(figure([0, 0, 0], whole: [1, 1, 1]) == .hidden(.fewPeople))
    }

    @Test func `all but a few reads as all`() {
        let whole: [Int64] = Array(repeating: 1, count: 23)
        for missing in 1..<k {
            #expect(figure(Array(whole.dropLast(missing)), whole: whole) == figure(whole, whole: whole))
        }
        #expect(figure(Array(whole.dropLast(k)), whole: whole) == .about(20, step: 5))
        #expect(figure(Array(whole.dropLast(8)), whole: whole) == .about(15, step: 5))
    }

    @Test func `a plan that differs by what few people do shows the figure of the earlier one`() {
        let earlier: [Int64] = Array(repeating: 10, count: 12)
        var later = earlier
        for changed in 0..<k - 1 {
            later[changed] = 400
            let figures = discretion.figures(
                of: [contributions(earlier), contributions(later)], whole: nil, group: contributions(earlier), unit: 1)
            #expect(figures[0] == figures[1], "\(changed + 1) people differ")
        }
        later[k - 1] = 400
        let figures = discretion.figures(
            of: [contributions(earlier), contributions(later)], whole: nil, group: contributions(earlier), unit: 1)
        #expect(figures[0] != figures[1])
    }
}

/// All pairs of many plans, a minute apart and otherwise, of one made-up deployment.
@Suite("No two plans tell what one person did (P9)")
struct PlanPairTests {
    private static let k = 5
    private static let people = 26

    /// People who work more, the higher their number, on two kinds; nobody twice the same.
    private static func past(_ person: Int, _ random: inout SeededGenerator) -> PersonPast {
        var grants: [PastGrant] = []
        for day in 24...27 {
            var at = PlanScene.moment("2026-03-\(day)T09:00:00Z") + .minutes(Int.random(in: 0...30, using: &random))
            for _ in 0..<4 + person / 3 {
                let end = at + .minutes(Int.random(in: 4...15, using: &random))
                grants.append(
                    PastGrant(
                        granted: at, ended: end, labelled: true,
                        lane: PlanScene.lane(Int.random(in: 0..<3, using: &random) > 0 ? "puzzle" : "rating")))
                at = end + .minutes(Int.random(in: 0...4, using: &random))
            }
        }
        return PlanScene.past(grants)
    }

    private static func planner() throws -> PolicyPlanner {
        // What an operator could try: one limit a minute at a time, two at once, and a raise that one person alone has.
        var documents: [PolicyDocument] = [try PolicyDocument(yaml: "limits: {quiet-hours: none}")]
        for minutes in stride(from: 58, through: 82, by: 1) {
            documents.append(
                try PolicyDocument(yaml: "limits: {quiet-hours: none, kind-day: \(minutes)m, day-time: 90m}"))
        }
        for minutes in [70, 71, 72] {
            for ceiling in ["", "\nceiling: {day-time: 5h, kind-day: 3h}"] {
                documents.append(
                    try PolicyDocument(
                        yaml: "limits: {quiet-hours: none, kind-day: \(minutes)m, day-time: 80m, open-leases: 1}"
                            + ceiling))
            }
        }
        var random = SeededGenerator(seed: 3)
        var planner = PolicyPlanner(PlanScene.frame(["puzzle", "rating"]), documents: documents.count)
        let raise = try PolicyDocument.layer(yaml: "{day-time: 5h, kind-day: 3h}")
        for person in 0..<people {
            planner.add(
                past(person, &random),
                lines: documents.map {
                    PlanLine(
                        base: EffectiveLimits(document: $0, raise: person == people - 1 ? raise : nil).limits)
                })
        }
        return planner
    }

    @Test func `no pair of figures differs by what fewer than k people add, and none is of fewer`() throws {
        let planner = try Self.planner()
        let discretion = Discretion(smallestGroup: Self.k)
        let cells = planner.plans.reduce(into: Set<PlanCell>()) { $0.formUnion($1.keys) }
        var (pairs, close, differing, hidden) = (0, 0, 0, 0)
        for cell in cells {
            let plans = planner.plans.map { $0[cell] ?? Contributions() }
            let (whole, unit): (Contributions?, Int64) =
                switch cell {
                case .mayBeLeased(let project): (planner.given[.enrolled(project)], 1)
                case .refused: (planner.given[.leases], 1)
                case .beyond: (planner.given[.hours], 3_600)
                default: (nil, 3_600)
                }
            let group = whole ?? planner.given[.enrolled(nil)] ?? Contributions()
            let shown = discretion.figures(of: plans, whole: whole, group: group, unit: unit)
            let kept = discretion.representatives(of: plans, whole: whole)
            for (first, figure) in shown.enumerated() {
                guard case .about(let value, let step) = figure else {
                    hidden += 1
                    #expect(plans[first].count < Self.k, "hidden without need: \(cell)")
                    continue
                }
                let own = try #require(kept[first])
                #expect(own.count >= Self.k && value > 0)
                // What any few people do is no more than what rounding takes away.
                #expect(step * unit >= own.largest(Self.k - 1))
                // Neither is what is left when it is taken off the whole.
                if let whole {
                    let left = whole.difference(from: own)
                    #expect(left == 0 || left >= Self.k, "\(cell): all but \(left)")
                }
                for second in first + 1..<shown.count {
                    guard case .about(let other, _) = shown[second], let theirs = kept[second] else { continue }
                    pairs += 1
                    let apart = plans[first].difference(from: plans[second])
                    if (1..<Self.k).contains(apart) { close += 1 }
                    guard other != value else { continue }
                    differing += 1
                    #expect(
                        own.difference(from: theirs) >= Self.k,
                        "\(cell): \(value) and \(other) tell of \(own.difference(from: theirs)) people")
                }
            }
        }
        // Else nothing was tried.
        let tried = [pairs, close, differing, hidden]
        #expect(zip(tried, [1_000, 100, 100, 10]).allSatisfy { $0 > $1 }, "\(tried)")
    }

    @Test func `a raise that one person has changes nothing that is shown`() throws {
        let planner = try Self.planner()
        let discretion = Discretion(smallestGroup: Self.k)
        let count = planner.plans.count
        for place in [count - 6, count - 4, count - 2] {
            let raised = planner.plans[place + 1]
            let plain = planner.plans[place]
            #expect(raised != plain, "the raise must matter, else nothing is tried")
            let plan = planner.plan(discretion, inForce: place, proposed: place + 1)
            for pair in plan.refused.map(\.figure) + plan.beyond.map(\.figure) + [
                plan.refusedInAll, plan.beyondInAll, plan.capacity[0].hoursToday, plan.capacity[0].hoursThisWeek,
            ] {
                #expect(pair.inForce == pair.proposed)
            }
        }
    }

    @Test func `a sum tells no more than its parts, and a rule that few met is not named`() throws {
        let planner = try Self.planner()
        let discretion = Discretion(smallestGroup: Self.k)
        var unnamed = 0
        for place in planner.plans.indices {
            let plan = planner.plan(discretion, inForce: 0, proposed: place)
            for (parts, sum) in [(plan.refused, plan.refusedInAll), (plan.beyond, plan.beyondInAll)] {
                let shown = parts.compactMap { part -> Int64? in
                    if case .about(let value, _) = part.figure.proposed { value } else { nil }
                }
                guard case .about(let value, _) = sum.proposed else {
                    #expect(shown.isEmpty)
                    continue
                }
                #expect(value == shown.reduce(0, +))
            }
            for rule in Rule.allCases {
                let met = [0, place].map { planner.plans[$0][.refused(rule)]?.count ?? 0 }
                let isNamed = plan.refused.contains { $0.rule == rule }
                #expect(isNamed == (met.max() ?? 0 >= Self.k), "\(rule): \(met)")
                if !isNamed, met != [0, 0] { unnamed += 1 }
            }
        }
        #expect(unnamed > 0)
    }
}

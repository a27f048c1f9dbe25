import PlimsollModel
import Testing

@Suite struct ConcernModelTests {
    private func day(_ text: String) throws -> LocalDay { try #require(LocalDay(text)) }

    // 2026-03-02 is a Monday.
    @Test(arguments: [
        ("2026-03-02", "2026-03-03"), ("2026-03-05", "2026-03-06"), ("2026-03-06", "2026-03-09"),
        ("2026-03-07", "2026-03-09"), ("2026-03-08", "2026-03-09"), ("2024-02-28", "2024-02-29"),
        ("2027-12-31", "2028-01-03"),
    ])
    func `a reply is due on the next working day`(raised: String, due: String) throws {
        #expect(ConcernDue.firstReply(raisedOn: try day(raised)) == (try day(due)))
    }

    @Test(arguments: [
        ("2026-03-03", "2026-03-02", 0), ("2026-03-03", "2026-03-03", 0), ("2026-03-03", "2026-03-04", 1),
        ("2026-03-06", "2026-03-07", 0), ("2026-03-06", "2026-03-08", 0), ("2026-03-06", "2026-03-09", 1),
        ("2026-03-06", "2026-03-13", 5), ("2026-03-06", "2026-03-16", 6), ("2026-03-04", "2026-04-01", 20),
    ])
    func `only working days count as overdue`(due: String, today: String, days: Int) throws {
        #expect(ConcernDue.daysOverdue(dueOn: try day(due), on: try day(today)) == days)
    }

    @Test func `each day overdue reaches one more person, then operators`() {
        let names = ["a", "b", "c"]
        for (days, reached, operators) in [
            (0, ["a"], false), (1, ["a", "b"], false), (2, names, false), (3, names, true), (9, names, true),
        ] {
            let turn = ConcernDue.addressees(names, daysOverdue: days)
            #expect(turn.names == reached && turn.operators == operators, "\(days)")
        }
        #expect(ConcernDue.addressees([], daysOverdue: 0).operators)
    }

    @Test(arguments: [(4, nil), (5, 5), (20, 5), (50, 5), (51, 6), (100, 10), (6_500, 650)] as [(Int, Int?)])
    func `the cord's threshold is the larger of k and the share`(engineers: Int, threshold: Int?) {
        #expect(CordThreshold.people(engineers: engineers, oversight: .defaults) == threshold)
    }

    @Test func `weeks are read and written`() throws {
        for text in ["2026-W01", "2026-W10", "2026-W53", "2020-W53"] {
            #expect(ISOWeek(text)?.description == text)
        }
        for text in ["2025-W53", "2026-W54", "2026-W00", "2026-10", "2026-W1", "", "26-W10-1"] {
            #expect(ISOWeek(text) == nil, "\(text)")
        }
        #expect(try #require(ISOWeek("2026-W10")).monday == (try day("2026-03-02")))
    }

    private typealias Figure = WeeklyDigest.Figure

    @Test func `small groups are hidden, and what would tell them`() throws {
        let week = ISOWeek(year: 2026, week: 10)
        let digest = WeeklyDigest(
            week: week, k: 10,
            projects: [
                .init(project: "big", engineers: 400, counts: [.raised: 12, .answered: 3, .unclear: 15, .other: 2]),
                .init(project: "few", engineers: 9, counts: [.raised: 1]),
                .init(project: "mid", engineers: 30, counts: [.raised: 0, .answered: 10, .unclear: 11, .other: 10]),
            ])
        let (big, few, mid, all) = (digest.rows[0], digest.rows[1], digest.rows[2], digest.rows[3])
        #expect(big.cells[.raised] == .count(12) && big.cells[.answered] == .hidden && big.cells[.cords] == .count(0))
        #expect(big.declines == .hidden)
        // Not even zero of those who are few.
        #expect(Figure.allCases.allSatisfy { few.cells[$0] == .hidden } && few.declines == .hidden)
        #expect(mid.cells[.raised] == .count(0) && mid.declines == .count(21))
        // One or two are hidden, and the total would tell.
        #expect(all.cells[.raised] == .hidden && all.cells[.answered] == .hidden && all.declines == .hidden)
    }

    /// Whatever the counts of three projects are: every hidden count could, by all that is shown, be any from 1 to
    /// k - 1.
    @Test func `no pair of shown counts tells a small one`() {
        let k = 3
        let week = ISOWeek(year: 2026, week: 10)
        let values = 0...4
        var shownTotals = 0
        for a in values {
            for b in values {
                for c in values {
                    for d in values {
                        let counts = [a, b, c, d]
                        let digest = WeeklyDigest(
                            week: week, k: k,
                            projects: counts.enumerated().map {
                                .init(project: "p\($0.offset)", engineers: 50, counts: [.unclear: $0.element])
                            })
                        let cells = digest.rows.dropLast().map { $0.cells[.unclear] ?? .hidden }
                        for (count, cell) in zip(counts, cells) {
                            #expect((cell == .hidden) == (1..<k).contains(count))
                        }
                        // Each row's own total equals its one reason, so it must hide with it.
                        for row in digest.rows { #expect(row.declines == .hidden || row.cells[.unclear] != .hidden) }
                        guard case .count(let total)? = digest.rows.last?.cells[.unclear] else { continue }
                        shownTotals += 1
                        let hidden = counts.filter { (1..<k).contains($0) }
                        let rest = total - counts.filter { !(1..<k).contains($0) }.reduce(0, +)
                        guard !hidden.isEmpty else { continue }
                        for candidate in 1..<k {
                            let others = hidden.count - 1
                            let isPossible = (others...(others * (k - 1))).contains(rest - candidate)
                            #expect(isPossible, "\(counts): a hidden one cannot be \(candidate)")
                        }
                    }
                }
            }
        }
        #expect(shownTotals > 0)
    }
}

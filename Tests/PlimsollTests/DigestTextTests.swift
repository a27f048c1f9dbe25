import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import Gateway
@testable import plimsoll

/// The digest of a week from its counts to what is printed, by the very rules that hide what is of few people.
@Suite struct DigestTextTests {
    private static let header = """
        PROJECT         RAISED  ANSWERED  OVERDUE  CORDS  DECLINED UNCLEAR  DECLINED NOT MY FIELD  \
        DECLINED DISTRESSING  DECLINED OTHER  DECLINED
        """

    private func digest(_ projects: WeeklyDigest.Raw...) -> Plimsoll_V1_WeeklyDigestResponse {
        Plimsoll_V1_WeeklyDigestResponse(
            WeeklyDigest(week: ISOWeek(year: 2026, week: 10), k: 10, projects: projects))
    }

    private func deployment(_ counts: [WeeklyDigest.Figure: Int] = [:]) -> WeeklyDigest.Raw {
        WeeklyDigest.Raw(project: WeeklyDigest.deployment, engineers: 60, counts: counts)
    }

    /// In a large project two counts are of `few` people, and another project has too few for any.
    private func hiding(_ few: Int) -> Plimsoll_V1_WeeklyDigestResponse {
        digest(
            .init(
                project: "puzzles", engineers: 40,
                counts: [.raised: 12, .answered: few, .unclear: 12, .distressing: few]),
            .init(project: "few", engineers: 9, counts: [.raised: few]), deployment())
    }

    private func json(_ digest: Plimsoll_V1_WeeklyDigestResponse) throws -> JSONValue {
        try JSONValue.parse(ShowDigest.json(digest).encode(pretty: true))
    }

    @Test func `where nothing is hidden each count is said, and their sums`() throws {
        let week = digest(
            .init(
                project: "puzzles", engineers: 40,
                counts: [.raised: 12, .answered: 11, .unclear: 10, .other: 14]), deployment())
        #expect(
            ShowDigest.lines(week) == [
                Self.header,
                """
                puzzles             12        11        0      0                10                      0  \
                                   0              14        24
                """,
                """
                the deployment       0         0        0      0                 0                      0  \
                                   0               0         0
                """,
                """
                all together        12        11        0      0                10                      0  \
                                   0              14        24
                """,
            ])
        func row(_ project: JSONValue) -> JSONValue {
            [
                "project": project, "raised": 12, "answered": 11, "overdue": 0, "cords": 0, "declined_unclear": 10,
                "declined_not_my_field": 0, "declined_distressing": 0, "declined_other": 14, "declined": 24,
            ]
        }
        let rows = try #require(try json(week)["rows"]?.arrayValue)
        // All together is a row without a name.
        #expect(rows.count == 3 && rows.first == row("puzzles") && rows.last == row(.null))
    }

    /// One and nine are the same to whoever reads it.
    @Test func `what is of few people is a dash, whatever it is`() {
        #expect(
            ShowDigest.lines(hiding(1)) == [
                Self.header,
                """
                few                  -         -        -      -                 -                      -  \
                                   -               -         -
                """,
                """
                puzzles             12         -        0      0                12                      0  \
                                   -               0         -
                """,
                """
                the deployment       0         0        0      0                 0                      0  \
                                   0               0         0
                """,
                """
                all together         -         -        -      -                 -                      -  \
                                   -               -         -
                """,
            ])
        #expect(ShowDigest.lines(hiding(9)) == ShowDigest.lines(hiding(1)))
        #expect(ShowDigest.json(hiding(9)) == ShowDigest.json(hiding(1)))
    }

    /// A concern that waits for its reply is told of as soon as it is one of many.
    @Test func `one concern overdue is hidden and eleven are said`() throws {
        let week = digest(
            .init(project: "puzzles", engineers: 40, counts: [.raised: 11, .overdue: 1]),
            deployment([.raised: 11, .overdue: 11]))
        #expect(
            ShowDigest.lines(week) == [
                Self.header,
                """
                puzzles             11         0        -      0                 0                      0  \
                                   0               0         0
                """,
                """
                the deployment      11         0       11      0                 0                      0  \
                                   0               0         0
                """,
                """
                all together        22         0        -      0                 0                      0  \
                                   0               0         0
                """,
            ])
        let rows = try #require(try json(week)["rows"]?.arrayValue)
        #expect(rows.compactMap { $0["overdue"] } == [.null, 11, .null])
    }

    @Test func `programs get null where a count is hidden, and never a number`() throws {
        let hidden: JSONValue = [
            "project": "few", "raised": nil, "answered": nil, "overdue": nil, "cords": nil, "declined_unclear": nil,
            "declined_not_my_field": nil, "declined_distressing": nil, "declined_other": nil, "declined": nil,
        ]
        let puzzles: JSONValue = [
            "project": "puzzles", "raised": 12, "answered": nil, "overdue": 0, "cords": 0, "declined_unclear": 12,
            "declined_not_my_field": 0, "declined_distressing": nil, "declined_other": 0, "declined": nil,
        ]
        let document = try json(hiding(4))
        #expect(document["week"] == "2026-W10" && document["smallest_group"] == 10)
        let rows = try #require(document["rows"]?.arrayValue)
        #expect(rows.compactMap { $0["project"] } == ["few", "puzzles", "the deployment", .null])
        #expect(rows.prefix(2) == [hidden, puzzles])
        // The sums would tell what is hidden in them.
        let sums = try #require(rows.last?.objectValue)
        #expect(sums.members.count == 10 && sums.members.allSatisfy { $0.value.isNull })
        // Nor is there a number of few people anywhere.
        let numbers = rows.flatMap { $0.objectValue?.members ?? [] }.compactMap(\.value.intValue)
        #expect(!numbers.isEmpty && !numbers.contains { (1..<10).contains($0) })
    }

    @Test func `a name from elsewhere cannot move the cursor`() {
        let week = Plimsoll_V1_WeeklyDigestResponse.with {
            $0.rows = [.with { $0.project = "a\u{1B}[2Jb" }]
        }
        #expect(ShowDigest.lines(week).last?.hasPrefix("a<U+001B>[2Jb") == true)
    }
}

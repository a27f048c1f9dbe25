import PlimsollModel
import Testing

@Suite struct ClockDifferenceTests {
    private let database = Moment(seconds: 1_000)

    private func difference(_ before: Duration, _ after: Duration) -> ClockDifference {
        ClockDifference(of: database, between: database + before, and: database + after)
    }

    @Test func `between the two looks there is no difference that could be told`() {
        #expect(difference(.zero, .zero).ahead == .zero)
        #expect(difference(.milliseconds(-30), .milliseconds(12)).ahead == .zero)
        #expect(difference(.milliseconds(-30), .milliseconds(12)).sentence == "within 42 ms of the database's")
        #expect(difference(.zero, .zero).sentence == "within 1 ms of the database's")
    }

    @Test func `ahead and behind are told by what is sure`() {
        #expect(difference(.milliseconds(20), .milliseconds(50)).sentence == "20 ms ahead of the database's")
        #expect(difference(.milliseconds(-50), .milliseconds(-20)).sentence == "20 ms behind the database's")
        #expect(difference(.seconds(90), .seconds(91)).sentence == "90s ahead of the database's")
        #expect(difference(.seconds(-7_200), .seconds(-7_200)).sentence == "2h behind the database's")
    }

    @Test(arguments: [1, -1])
    func `a large difference is one above the bound`(sign: Int) {
        let (bound, step) = (ClockDifference.largest * sign, Duration.microseconds(1) * sign)
        #expect(!difference(bound, bound).isLarge)
        #expect(difference(bound + step, bound + step).isLarge)
    }

    /// A clock that was set back between the two looks tells nothing, and must not look exact.
    @Test func `looks in the wrong order have no negative uncertainty`() {
        #expect(difference(.seconds(1), .zero).uncertainty == .zero)
    }
}

import GRPCCore
import Gateway
import Testing

@testable import plimsoll

@Suite("A command that must wait for its turn to read")
struct StreamTurnTests {
    private typealias Hours = RepeatedWithdrawalTests.Hours

    /// As the gateway refuses it.
    private static func refusal(_ retryAfter: Duration?) -> RPCError {
        GatewayError(.limitExceeded, "others read", retryAfter: retryAfter).status
    }

    @Test("It asks again as soon as the coordinator says, and no sooner than after two seconds.")
    func asksAgain() async throws {
        let clock = Hours()
        var asked = 0
        let answer = try await StreamTurn.wait(clock: clock) {
            asked += 1
            if asked < 3 { throw Self.refusal(asked == 1 ? .seconds(5) : .milliseconds(1)) }
            return asked
        }
        #expect(answer == 3)
        #expect(clock.waits == [.seconds(5), .seconds(2)])
    }

    @Test("After a minute the refusal stands.")
    func givesUp() async {
        let clock = Hours()
        var asked = 0
        let error = await #expect(throws: RPCError.self) {
            try await StreamTurn.wait(clock: clock) {
                asked += 1
                throw Self.refusal(.seconds(5))
            }
        }
        #expect(error?.code == .resourceExhausted)
        #expect(clock.waits == Array(repeating: .seconds(5), count: 12))
        #expect(asked == 13)
    }

    @Test(
        "Every other refusal stands at once.",
        arguments: [
            RPCError(code: .permissionDenied, message: "not yours"),
            // Of a message that is too large the transport says nothing else.
            RPCError(code: .resourceExhausted, message: "message too large"),
        ])
    func otherRefusalsStand(refusal: RPCError) async {
        let clock = Hours()
        let error = await #expect(throws: RPCError.self) {
            try await StreamTurn.wait(clock: clock) { throw refusal }
        }
        #expect(error?.code == refusal.code)
        #expect(clock.waits.isEmpty)
    }
}

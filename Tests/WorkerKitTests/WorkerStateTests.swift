import Foundation
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import WorkerKit

@Suite("A worker's state: wants and answers")
struct WorkerStateTests {
    @Test func firstMessageAfterTheWelcomeWantsWhatIsInFlight() throws {
        let bench = try Bench(inFlight: 5)
        let hello = bench.open()
        #expect(hello?.inFlight == 5)
        #expect(hello?.revision == 1)
        #expect(hello?.project == "p")
        #expect(hello?.held.isEmpty == true)
        #expect(bench.message()?.want == 5)
        #expect(bench.message() == nil)
        #expect(bench.takeEvents() == ["connecting", "connected"])
    }

    @Test func neverMoreIsWantedThanTheCoordinatorAllows() throws {
        let bench = try Bench(inFlight: 64)
        bench.open { $0.inFlightMax = 8 }
        #expect(bench.message()?.want == 8)
    }

    @Test func aSubmitCarriesTheNextWant() throws {
        let bench = try Bench(inFlight: 2)
        bench.open()
        #expect(bench.message()?.want == 2)
        bench.grant(first, second)
        #expect(bench.message() == nil, "both places are taken")
        bench.state.answer(first, Array("1".utf8))
        let message = try #require(bench.message())
        #expect(message.submits.map(\.fence) == [101])
        #expect(message.want == 1)
        bench.settle(first, .accepted)
        #expect(bench.message() == nil, "the want is open already")
    }

    @Test func wantsStayOpenUntilFilledOrAnsweredByIdle() throws {
        let bench = try Bench(inFlight: 3)
        bench.open()
        #expect(bench.message()?.want == 3)
        bench.grant(first)
        #expect(bench.message() == nil)
        bench.idle(askAgain: .seconds(2))
        #expect(bench.message() == nil, "it was told when to ask again")
        bench.pass(.seconds(1))
        #expect(bench.message() == nil)
        bench.pass(.seconds(1))
        #expect(bench.message()?.want == 2)
    }

    @Test func theEndOfALeaseLiftsAnIdleForOpenLeases() throws {
        let bench = try Bench(inFlight: 3)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.idle(askAgain: .seconds(60), rule: "open-leases")
        bench.state.answer(first, [])
        #expect(bench.message()?.want == 0)
        bench.settle(first, .accepted)
        #expect(bench.message()?.want == 3)
    }

    @Test func heartbeatsComeEveryFiveSecondsAlsoUnderLoad() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        #expect(bench.message()?.heartbeat == false)
        bench.pass(.milliseconds(4_999))
        #expect(bench.message() == nil)
        bench.pass(.milliseconds(1))
        #expect(bench.message()?.heartbeat == true)
        #expect(bench.message() == nil)
        #expect(bench.state.wakeAt == .seconds(10))
    }

    @Test func itemsOfAMessageAreLimited() throws {
        let bench = try Bench(inFlight: 10)
        bench.open { $0.itemsPerMessageMax = 4 }
        _ = bench.message()
        for number in 0..<10 {
            bench.grant(LeaseKey(task: Int64(number), fence: Int64(number)))
            bench.state.answer(LeaseKey(task: Int64(number), fence: Int64(number)), [49])
        }
        var sizes: [Int] = []
        while let message = bench.message() { sizes.append(message.submits.count) }
        #expect(sizes == [4, 4, 2])
    }

    @Test func bytesOfAMessageAreLimitedButOneAnswerAlwaysGoes() throws {
        let bench = try Bench(inFlight: 3) { $0.messageBytesMax = 100 }
        bench.open()
        _ = bench.message()
        bench.grant(first, second, third)
        bench.state.answer(first, Array(repeating: 49, count: 60))
        bench.state.answer(second, Array(repeating: 49, count: 200))
        bench.state.answer(third, Array(repeating: 49, count: 60))
        var sent: [[Int64]] = []
        while let message = bench.message() { sent.append(message.submits.map(\.task)) }
        #expect(sent == [[1], [2], [3]])
    }

    @Test func tryAgainRepeatsTheSameAnswerAfterAWait() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.answer(first, [55])
        #expect(bench.message()?.submits.count == 1)
        bench.settle(first, .tryAgain)
        #expect(bench.message() == nil)
        bench.pass(.seconds(1))
        #expect(bench.message()?.submits.first?.answer == Data([55]))
        bench.settle(first, .accepted)
        #expect(bench.takeEvents().suffix(1) == ["settled 1 accepted"])
    }

    @Test func aSchemaRefusalKeepsTheLeaseForAnotherAnswer() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.answer(first, [1])
        #expect(bench.message()?.want == 1)
        bench.settle(first, .refusedSchema)
        bench.state.answer(first, [2])
        #expect(bench.message()?.submits.first?.answer == Data([2]))
    }

    @Test(arguments: [
        Plimsoll_V1_SettlementOutcome.accepted, .keptLate, .alreadyAnswered, .refusedAgreement, .refusedDenied,
        .unknownLease,
    ])
    func everyFinalSettlementEndsTheLease(outcome: Plimsoll_V1_SettlementOutcome) throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.answer(first, [1])
        _ = bench.message()
        bench.settle(first, outcome)
        #expect(bench.state.leases.isEmpty)
        #expect(bench.state.answers.isEmpty)
        bench.settle(first, outcome)
        #expect(bench.takeEvents().filter { $0.hasPrefix("settled") }.count == 1, "a repeated ack is told once")
    }

    @Test(arguments: [
        (LeaseRequest.decline(.unclear), Plimsoll_V1_LeaseState.declined), (.release, .released), (.park, .parked),
    ])
    func requestsGoOutOnceAndFreeThePlace(request: LeaseRequest, reply: Plimsoll_V1_LeaseState) throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.ask(request, for: first)
        bench.state.ask(.release, for: first)
        let message = try #require(bench.message())
        #expect(message.declines.count + message.releases.count + message.parks.count == 1)
        if case .decline = request { #expect(message.declines.first?.reason == .unclear) }
        #expect(message.want == 1)
        bench.change(first, reply)
        #expect(bench.state.leases.isEmpty)
        #expect(bench.takeEvents().last == "changed 1 \(reply)")
    }

    @Test func aLeaseThatTheCoordinatorParksByItselfIsTold() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.change(first, .parked)
        #expect(bench.takeEvents().last == "changed 1 parked")
        #expect(bench.state.leases.isEmpty)
        #expect(bench.message()?.want == 1)
    }

    @Test func anExtensionMovesTheDeadline() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first, left: .seconds(20))
        bench.state.ask(.extend, for: first)
        #expect(bench.message()?.extends.count == 1)
        bench.change(first, .held)
        #expect(bench.state.leases[first]?.deadline == .seconds(60))
        #expect(bench.takeEvents().suffix(2) == ["deadline 1", "changed 1 held"])
    }

    @Test func aRevokeDropsTheLeaseButAnAnswerOnItsWayIsStillSettled() throws {
        let bench = try Bench(inFlight: 2)
        bench.open()
        _ = bench.message()
        bench.grant(first, second)
        bench.state.answer(first, [1])
        _ = bench.message()
        bench.receive {
            $0.revokes = [first, second].map { key in
                .with {
                    $0.task = key.task
                    $0.fence = key.fence
                    $0.reason = .withdrawn
                }
            }
        }
        #expect(bench.state.leases.isEmpty)
        bench.settle(first, .keptLate)
        #expect(bench.takeEvents().suffix(3) == ["lost 1 withdrawn", "lost 2 withdrawn", "settled 1 keptLate"])
    }

    @Test func anAnswerForALostLeaseIsSentForAHuman() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first, left: .seconds(5))
        bench.pass(.seconds(15))
        #expect(bench.takeEvents().last == "lost 1 deadline")
        bench.state.answer(first, [1])
        #expect(bench.message()?.submits.count == 1)
    }
}

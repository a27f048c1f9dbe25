import Foundation
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import WorkerKit

@Suite("A worker's state: connections")
struct WorkerStateConnectionTests {
    private let broken = WorkerError(.unreachable, "cable cut")

    @Test func afterAReconnectLeasesArePresentedAndAnswersRepeated() throws {
        let bench = try Bench(inFlight: 2)
        let earlier = bench.open()
        _ = bench.message()
        bench.grant(first, second)
        bench.state.answer(first, [1])
        #expect(bench.message()?.submits.count == 1)
        bench.state.streamEnded(broken, now: bench.now)
        let hello = try #require(bench.open())
        #expect(hello.held.map(\.fence) == [101, 102])
        #expect(hello.session != 0 && hello.session == earlier?.session, "the same process")
        let message = try #require(bench.message())
        #expect(message.submits.map(\.fence) == [101], "same fence, same answer")
        #expect(message.submits.first?.answer == Data([1]))
        #expect(message.want == 1)
    }

    @Test func aRequestUnderWayIsSentAgainWhenItsPresentedLeaseStands() throws {
        let bench = try Bench(inFlight: 2)
        bench.open()
        _ = bench.message()
        bench.grant(first, second)
        bench.state.ask(.decline(.unspecified), for: first)
        #expect(bench.message()?.declines.map(\.fence) == [101])
        bench.state.streamEnded(broken, now: bench.now)
        bench.open { welcome in
            welcome.kept = [
                .with {
                    $0.task = 1
                    $0.fence = 101
                    $0.state = .held
                    $0.deadlineMilliseconds = 9_000
                }
            ]
        }
        #expect(bench.message()?.declines.map(\.fence) == [101])
    }

    @Test func aDeclineThatCouldNotBeSettledIsSentAgain() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.ask(.decline(.unspecified), for: first)
        _ = bench.message()
        bench.receive { message in
            message.changes = [
                .with {
                    $0.task = 1
                    $0.fence = 101
                    $0.state = .unchanged
                }
            ]
        }
        #expect(bench.message()?.declines.isEmpty ?? true)
        bench.pass(.seconds(1))
        #expect(bench.message()?.declines.map(\.fence) == [101])
    }

    @Test func presentedLeasesThatAreGoneAreTold() throws {
        let bench = try Bench(inFlight: 2)
        bench.open()
        _ = bench.message()
        bench.grant(first, second)
        bench.state.streamEnded(broken, now: bench.now)
        bench.open { welcome in
            welcome.lost = [
                .with {
                    $0.task = 1
                    $0.fence = 101
                    $0.reason = .notYours
                }
            ]
            welcome.kept = [
                .with {
                    $0.task = 2
                    $0.fence = 102
                    $0.state = .held
                    $0.deadlineMilliseconds = 9_000
                }
            ]
        }
        #expect(bench.state.leases.keys.sorted() == [second])
        #expect(bench.state.leases[second]?.deadline == bench.now + .seconds(9))
        #expect(bench.message()?.want == 1)
    }

    @Test func everyAddressIsTriedBeforeOneIsTriedAgain() throws {
        let bench = try Bench(addresses: ["a:1", "b:1", "c:1", "d:1"])
        var hosts: [String] = []
        for _ in 0..<8 {
            bench.connect()
            hosts.append(bench.state.address.host)
            bench.state.streamEnded(broken, now: bench.now)
        }
        #expect(Set(hosts.prefix(4)).count == 4)
        #expect(Set(hosts.suffix(4)).count == 4)
        #expect(hosts[3] != hosts[4])
    }

    @Test func waitsGrowToTheMaximumAndAreResetByWork() throws {
        let bench = try Bench()
        for _ in 0..<12 {
            bench.connect()
            bench.state.streamEnded(broken, now: bench.now)
        }
        #expect(bench.state.backoff.ceiling == .seconds(10))
        bench.open()
        #expect(bench.state.backoff.ceiling == .seconds(10), "a greeting alone is no success")
        bench.idle(askAgain: .seconds(1))
        #expect(bench.state.backoff.ceiling == .milliseconds(100))
    }

    @Test func theCoordinatorsWordOnWhenToComeBackIsKept() throws {
        let bench = try Bench()
        bench.connect()
        bench.state.streamEnded(WorkerError(.unreachable, "crowded", retryAfter: .seconds(5)), now: bench.now)
        #expect(bench.state.phase == .waiting(until: .seconds(5)))
    }

    @Test func refusalForGoodEndsTheSession() throws {
        for code in [WorkerError.Code.notAuthorized, .badIdentity, .protocolBroken, .notFound, .refused] {
            let bench = try Bench()
            bench.connect()
            bench.state.streamEnded(WorkerError(code, "no"), now: bench.now)
            guard case .end(let error) = bench.state.nextStep(now: bench.now) else {
                Issue.record("\(code) must end the session")
                continue
            }
            #expect(error?.code == code)
        }
    }

    @Test func aConnectionThatGreetsNobodyIsCut() throws {
        let bench = try Bench()
        bench.connect()
        bench.pass(.milliseconds(9_999))
        #expect(bench.state.order == .keep)
        bench.pass(.milliseconds(1))
        #expect(bench.state.order == .drop)
    }

    @Test func anotherRevisionEndsTheSession() throws {
        let bench = try Bench()
        bench.open { $0.revision = 2 }
        #expect(bench.isEnded)
    }

    @Test func aCoordinatorThatDoesNotReplyIsLeft() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.answer(first, [1])
        _ = bench.message()
        bench.pass(.milliseconds(9_999))
        #expect(bench.state.order == .keep)
        bench.pass(.milliseconds(1))
        #expect(bench.state.order == .drop)
    }

    @Test func aCoordinatorThatLeavesAWantWithoutAWordIsLeft() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.pass(.seconds(9))
        #expect(bench.state.order == .keep)
        bench.pass(.seconds(1))
        #expect(bench.state.order == .drop)
    }

    @Test func aDrainMovesToAnotherCoordinatorWithoutAWait() throws {
        for seed in 0..<20 {
            let bench = try Bench(inFlight: 1, addresses: ["a:1", "b:1"], seed: UInt64(seed))
            bench.open()
            _ = bench.message()
            bench.grant(first)
            let before = bench.state.address
            bench.receive { $0.drain = .with { $0.withinMilliseconds = 10_000 } }
            bench.state.answer(first, [1])
            #expect(bench.message()?.want == 0, "a draining coordinator is asked for nothing more")
            bench.pass(.seconds(2))
            #expect(bench.state.order == .halfClose, "a lease may be on its way")
            bench.state.streamEnded(nil, now: bench.now)
            let at = bench.now
            let hello = bench.connect()
            #expect(hello?.held.map(\.fence) == [101])
            #expect(bench.now == at)
            #expect(bench.state.address != before)
        }
    }

    @Test func anewCertificateMeansANewConnectionAtOnce() throws {
        let bench = try Bench()
        bench.open()
        bench.state.renewed(now: bench.now)
        #expect(bench.state.order == .halfClose)
        bench.grant(third)
        bench.pass(.milliseconds(4_999))
        #expect(bench.state.order == .halfClose)
        bench.pass(.milliseconds(1))
        #expect(bench.state.order == .drop, "a coordinator that does not end it is not waited for")
        bench.state.streamEnded(nil, now: bench.now)
        let at = bench.now
        #expect(bench.connect()?.held.map(\.fence) == [103])
        #expect(bench.now == at)
    }

    // MARK: - Leaving

    @Test func leavingFinishesWhatIsHeldAndThenHalfCloses() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.leave(now: bench.now)
        let goodbye = try #require(bench.message())
        #expect(goodbye.leaving)
        #expect(goodbye.want == 0)
        bench.state.answer(first, [1])
        #expect(bench.message()?.submits.count == 1)
        #expect(bench.state.order == .keep)
        bench.settle(first, .accepted)
        #expect(bench.state.order == .halfClose)
        bench.state.streamEnded(nil, now: bench.now)
        #expect(bench.isEnded)
    }

    @Test func whatIsNotFinishedInTimeIsGivenBack() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.leave(now: bench.now)
        _ = bench.message()
        bench.pass(.seconds(30))
        #expect(bench.message()?.releases.map(\.fence) == [101])
        bench.change(first, .released)
        #expect(bench.state.order == .halfClose)
    }

    @Test func askingTwiceToLeaveGivesBackAtOnce() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.leave(now: bench.now)
        bench.state.leave(now: bench.now)
        #expect(bench.message()?.releases.count == 1)
    }

    @Test func aLeaseThatArrivesWhileLeavingGoesBack() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.state.leave(now: bench.now)
        #expect(bench.message()?.leaving == true)
        bench.pass(.milliseconds(299))
        #expect(bench.state.order == .keep, "a lease may be on its way")
        bench.grant(second)
        #expect(bench.message()?.releases.map(\.fence) == [102])
        bench.change(second, .released)
        bench.pass(.milliseconds(1))
        #expect(bench.state.order == .halfClose)
        #expect(!bench.takeEvents().contains("leased 2"))
    }

    @Test func leavingEndsEvenWhenNobodyReplies() throws {
        let bench = try Bench(inFlight: 1)
        bench.open()
        _ = bench.message()
        bench.grant(first)
        bench.state.answer(first, [1])
        _ = bench.message()
        bench.state.leave(now: bench.now)
        bench.pass(.seconds(35))
        #expect(bench.isEnded)
        guard case .end(let error) = bench.state.nextStep(now: bench.now) else {
            Issue.record("it goes on")
            return
        }
        #expect(error?.code == .unreachable)
    }

    @Test func aWorkerWithNothingInHandLeavesWithoutAConnection() throws {
        let bench = try Bench()
        bench.connect()
        bench.state.streamEnded(broken, now: bench.now)
        bench.state.leave(now: bench.now)
        #expect(bench.isEnded)
    }

    @Test func itEndsByItselfAfterSoManyAnswers() throws {
        let bench = try Bench(inFlight: 4, answersMax: 2)
        bench.open()
        #expect(bench.message()?.want == 2, "no more is wanted than will be answered")
        bench.grant(first, second)
        bench.state.answer(first, [1])
        #expect(bench.message()?.want == 0)
        bench.settle(first, .accepted)
        bench.state.ask(.decline(.other), for: second)
        #expect(bench.message()?.want == 1, "a decline is no answer")
        bench.change(second, .declined)
        bench.grant(third)
        bench.state.answer(third, [1])
        _ = bench.message()
        bench.settle(third, .accepted)
        #expect(bench.message()?.leaving == true)
        #expect(bench.state.order == .halfClose)
    }
}

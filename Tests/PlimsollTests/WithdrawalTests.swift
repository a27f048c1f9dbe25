import Foundation
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import plimsoll

@Suite struct RepeatedWithdrawalTests {
    /// A clock on which nobody waits.
    final class Hours: Clock, @unchecked Sendable {
        struct Instant: InstantProtocol {
            var time: Duration
            func advanced(by duration: Duration) -> Instant { Instant(time: time + duration) }
            func duration(to other: Instant) -> Duration { other.time - time }
            static func < (left: Instant, right: Instant) -> Bool { left.time < right.time }
        }

        /// Only one task looks at it.
        private(set) var waits: [Duration] = []
        var now: Instant { Instant(time: waits.reduce(.zero, +)) }
        let minimumResolution = Duration.zero
        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            waits.append(deadline.time - now.time)
        }
    }

    private let receipt = Plimsoll_V1_ConsentReceipt.with { $0.state = "withdrawn" }

    @Test func `it is repeated, with longer and longer pauses, until there is a receipt`() async throws {
        let clock = Hours()
        var (tries, said) = (0, [String]())
        let got = try await RepeatedWithdrawal(purpose: "training").run(clock: clock, say: { said.append($0) }) {
            tries += 1
            switch tries {
            case ..<3: throw RPCError(code: .unavailable, message: "the database does not answer")
            case ..<6:
                throw CommandFailure(
                    .failed, "no coordinator answers", cause: RPCError(code: .deadlineExceeded, message: ""))
            default: return receipt
            }
        }
        #expect(got == receipt && tries == 6)
        #expect(clock.waits == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(8)])
        #expect(said.count == 4 && said[0].hasPrefix("not yet recorded: the database does not answer"))
        #expect(said[2].contains("no coordinator answers") && said[3] == "recorded after 6 tries")
    }

    @Test func `it ends at a refusal, and after the time that was given`() async throws {
        var said: [String] = []
        let refused = await #expect(throws: RPCError.self) {
            _ = try await RepeatedWithdrawal(purpose: "training").run(clock: Hours(), say: { said.append($0) }) {
                throw RPCError(code: .notFound, message: "no such purpose")
            }
        }
        #expect(refused?.code == .notFound && said.isEmpty)
        let clock = Hours()
        let late = await #expect(throws: CommandFailure.self) {
            _ = try await RepeatedWithdrawal(purpose: "training", giveUpAfter: .seconds(10)).run(
                clock: clock, say: { said.append($0) }
            ) {
                throw RPCError(code: .unavailable, message: "away")
            }
        }
        #expect(late?.status == .failed && late?.message.contains("not yet recorded after 4 tries: away") == true)
        #expect(clock.waits.reduce(.zero, +) == .seconds(7))
    }

    @Test func `a word that is not recorded is kept beside the identity, and nowhere else`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "plimsoll-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let mark = WithdrawalMark(directory: folder)
        #expect(mark.pending().isEmpty)
        let seen = Task { await mark.firstPending() }
        try mark.set("training")
        try mark.set("../training")
        #expect(await seen.value == "training")
        #expect(mark.pending() == ["training"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()).count == 1)
        mark.clear("training")
        mark.clear("training")
        #expect(mark.pending().isEmpty)
        let watch = Task { await mark.firstPending() }
        watch.cancel()
        #expect(await watch.value == nil)
    }

    @Test func `what is held goes into CSV and back`() throws {
        let table = OwnTable(
            table: .with { $0.name = "label" },
            rows: [
                ["a": 1, "b": "x, \"y\"\nz", "c": ["k": [1, 2]], "d": nil], ["a": 2, "b": "", "c": true, "d": "e"],
            ])
        let text = String(decoding: table.csv, as: UTF8.self)
        #expect(text == "a,b,c,d\r\n1,\"x, \"\"y\"\"\nz\",\"{\"\"k\"\":[1,2]}\",\r\n2,,true,e\r\n")
    }

    /// Own rows, and then in how many of others' the name stands.
    @Test func `rows of different columns lose none of them in CSV`() {
        let table = OwnTable(
            table: .with { $0.name = "role_grant" },
            rows: [
                ["role": "operator", "by": "op"], ["your_name_in": "granted_by", "rows": 2], ["by": "x", "rows": 3],
            ])
        let text = String(decoding: table.csv, as: UTF8.self)
        #expect(text == "role,by,your_name_in,rows\r\noperator,op,,\r\n,,granted_by,2\r\n,x,,3\r\n")
    }
}

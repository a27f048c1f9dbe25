import ArgumentParser
import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import plimsoll

@Suite struct PlanTextTests {
    private func figure(_ value: UInt64, step: UInt64 = 1) -> Plimsoll_V1_PlanFigure {
        .with {
            $0.value = value
            $0.step = step
        }
    }
    private let few = Plimsoll_V1_PlanFigure.with { $0.hidden = "too few people" }

    private func pair(_ inForce: Plimsoll_V1_PlanFigure, _ proposed: Plimsoll_V1_PlanFigure) -> Plimsoll_V1_PlanPair {
        .with {
            $0.inForce = inForce
            $0.proposed = proposed
        }
    }

    private func refused(_ rule: String, _ figure: Plimsoll_V1_PlanPair) -> Plimsoll_V1_PlanRefused {
        .with {
            $0.rule = rule
            $0.figure = figure
        }
    }

    private var plan: Plimsoll_V1_PolicyPlan {
        .with {
            $0.inForce = 3
            $0.asOfMicroseconds = 1_774_864_800_000_000
            $0.untilMicroseconds = 1_774_828_800_000_000
            $0.leaseDays = 7
            $0.timeDays = 28
            $0.smallestGroup = 5
            $0.plansLeft = 15
            $0.capacity = [
                .with {
                    $0.people = figure(40, step: 5)
                    $0.mayBeLeased = pair(figure(40, step: 5), figure(25, step: 5))
                    $0.hoursToday = pair(figure(160, step: 20), few)
                    $0.hoursThisWeek = pair(figure(1_800, step: 200), figure(2_000, step: 200))
                }
            ]
            $0.leases = figure(4_410)
            $0.refused = [
                refused("break", pair(figure(10), few)), refused("kind-day", pair(few, figure(312))),
            ]
            $0.refusedInAll = pair(figure(10), figure(312))
            $0.hours = figure(400, step: 50)
            $0.beyond = [refused("day-time", pair(few, figure(20, step: 5)))]
            $0.beyondInAll = pair(few, figure(20, step: 5))
        }
    }

    @Test func `a plan reads as tables and sentences, and says what it compares`() throws {
        let document = try PolicyDocument(yaml: "limits: {kind-day: 2h, day-time: 90m}")
        let text = PlanText(plan, file: "tight.yaml", project: nil, proposed: document)
        #expect(
            text.heading
                == "policy version 3, in force, beside tight.yaml; by the database's clock, now is 2026-03-30 10:00 UTC, "
                + "the last full hour")
        #expect(
            text.lines == [
                "NOW                                                 IN FORCE             PROPOSED  DIFFERENCE",
                "all together  people enrolled                             40                   40",
                "all together  people who could be leased something        40                   25         -15",
                "all together  hours left today                           160  fewer than 5 people        -160",
                "all together  hours left this week                     1,800                2,000        +200",
                "",
                "LEASES REFUSED IN 7 DAYS UP TO 2026-03-30 00:00 UTC             IN FORCE             PROPOSED  DIFFERENCE",
                "break                                                                 10  fewer than 5 people         -10",
                "kind-day                                             fewer than 5 people                  312        +312",
                "in all                                                                10                  312        +302",
                "of leases granted                                                  4,410                4,410",
                "",
                "HOURS BEYOND A LIMIT IN 28 DAYS             IN FORCE  PROPOSED  DIFFERENCE",
                "day-time                         fewer than 5 people        20         +20",
                "in all                           fewer than 5 people        20         +20",
                "of hours leased                                  400       400",
                "",
                "the 2-hour limit on one kind would have refused 312 of 4,410 leases",
                "the 90-minute limit on a day would have stopped about 20 of about 400 hours",
            ])
        #expect(text.limits[0].contains("fewer than 5 people") && text.limits[2].hasPrefix("15 more documents"))
    }

    @Test func `programs get null and why where a figure is hidden`() throws {
        let json = PlanText.json(plan, file: "tight.yaml", project: "puzzles")
        let object = try #require(json.objectValue)
        #expect(object["in_force"] == 3 && object["project"] == "puzzles")
        let leases = try #require(object["leases"]?.objectValue)
        #expect(leases["granted"] == ["value": 4_410, "rounded_to": 1])
        let few: JSONValue = ["value": .null, "why": "fewer than 5 people"]
        #expect(
            leases["refused"]?.objectValue?["break"] == [
                "in_force": ["value": 10, "rounded_to": 1], "proposed": few,
            ])
        #expect(leases["refused_in_all"]?.objectValue?["proposed"] == ["value": 312, "rounded_to": 1])
    }

    @Test func `a file that is no policy is refused with line and column before anybody is asked`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "plan-\(UInt64.random(in: 0 ... .max)).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("limits:\n  day-tim: 4h\n".utf8).write(to: file)
        // Nobody listens there; that would be another error.
        let command = try PlanPolicy.parse([file.path(), "--server", "localhost:1"])
        let error = await #expect(throws: CommandFailure.self) { try await command.run() }
        #expect(error?.status == .wrongUse && error?.message.contains("line 2, column 3") == true)
    }

    @Test func `every rule has words of its own, also where the document has no limit`() {
        let subjects = Rule.allCases.flatMap {
            [PlanSentence.subject($0, .defaults), PlanSentence.subject($0, WorkloadLimits())]
        }
        #expect(subjects.allSatisfy { !$0.isEmpty && !$0.contains("nil") })
        #expect(PlanSentence.subject(.breakTime, .defaults) == "the 10-minute break after 50m")
    }
}

import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing
import WorkerKit

@testable import plimsoll

@Suite("Pages in front of the task")
struct ScreenPageTests {
    private static let lines: [LoadText.Line] =
        [.init(text: "your load", isStrong: true)] + (1...60).map { .init(text: "  row \($0)") }
    private static let agreed = AgreementPage.Agreed(purpose: "training", projects: ["rating"])

    private func screen(tasks: [Int64] = [7]) -> ScreenState {
        var screen = ScreenState()
        for task in tasks {
            _ = screen.happened(.leased(.sample(task: task, schema: #"{"enum":["good","bad"]}"#)), now: .zero)
        }
        return screen
    }

    @discardableResult
    private func press(_ screen: inout ScreenState, _ keys: String) -> [ScreenState.Action] {
        keys.flatMap { key in
            let extent = screen.taskExtent(size: .usual)
            return screen.pressed(.character(key), page: extent.page, lines: extent.lines)
        }
    }

    private func text(_ screen: ScreenState, size: ScreenSize = .usual) -> String {
        screen.lines(size: size, now: .zero).map(\.text).joined(separator: "\n")
    }

    private func agreements(_ purposes: [String]) -> AgreementPage {
        AgreementPage(
            purposes.map { purpose in
                .with {
                    $0.notice.purpose = purpose
                    $0.state = "given"
                    $0.projects = ["rating"]
                }
            })
    }

    @Test(arguments: [ScreenSize.usual, .least, ScreenSize(columns: 200, rows: 60)])
    func everyPageIsExactlyAsLargeAsTheTerminal(size: ScreenSize) {
        var confirming = agreements(["training"])
        confirming.step = .confirming(Self.agreed)
        var failed = AgreementPage()
        failed.step = .failed("no coordinator answers: localhost:1")
        let pages: [ScreenPage] = [
            .help, .why(.asked), .why(.lines(Self.lines)), .load(.asked), .load(.failed("nobody there")),
            .load(.lines(Self.lines)), .agreements(AgreementPage()), .agreements(agreements([])),
            .agreements(agreements((1...12).map { "purpose-\($0)" })), .agreements(confirming), .agreements(failed),
            .own(OwnPage(project: nil)), .own(OwnPage(project: "rating")),
            .own(OwnPage(step: .shown(.answers, .lines(Self.lines)), project: nil)),
            .own(OwnPage(step: .confirmingCord("rating"), project: "rating")),
        ]
        for page in pages {
            for tasks in [[7], []] as [[Int64]] {
                var screen = screen(tasks: tasks)
                screen.page = page
                let lines = screen.lines(size: size, now: .zero)
                #expect(lines.count == size.rows && lines.allSatisfy { TextWidth.of($0.text) == size.columns })
            }
        }
        var withdrawing = screen()
        withdrawing.withdrawing = PendingWithdrawal(agreed: Self.agreed)
        #expect(withdrawing.lines(size: size, now: .zero).count == size.rows)
    }

    @Test func theKeysAreNamedAtEightyColumns() {
        let open = screen().lines(size: .usual, now: .zero).last?.text ?? ""
        #expect(open.contains("s send  d decline  r release  p park  w why  l load  a agree  m mine  q quit  ?"))
        let waiting = ScreenState().lines(size: .usual, now: .zero).last?.text ?? ""
        #expect(waiting.contains("w why  l load  a agree  m mine  q quit  ? help"))
        var help = screen()
        press(&help, "?")
        for words in ["l           your load", "a           what you agree to", "w           why this task"] {
            #expect(text(help).contains(words), "\(words)")
        }
    }

    @Test func loadIsFetchedScrolledAndLeftWithoutLosingTheDraft() {
        var screen = screen()
        press(&screen, "1")
        #expect(press(&screen, "l") == [.fetchLoad])
        #expect(text(screen).contains("asking the coordinator"))
        screen.fetched(load: .lines(Self.lines))
        #expect(text(screen).contains("your load") && !text(screen).contains("row 60"))
        let extent = screen.taskExtent(size: .usual)
        #expect(screen.pressed(.end, page: extent.page, lines: extent.lines).isEmpty)
        #expect(text(screen).contains("row 60"))
        press(&screen, "x")
        #expect(screen.page == nil && text(screen).contains("1 (*) good"))
        #expect(screen.job?.entry.values[0] == "good")
        // What comes after the page was left shows nothing.
        screen.fetched(load: .lines(Self.lines))
        #expect(screen.page == nil)
    }

    @Test func whySaysBothWhyThisTaskAndWhyWork() {
        var screen = screen()
        #expect(press(&screen, "w") == [.fetchWhy])
        #expect(text(screen).contains("Policy version 4") && text(screen).contains("asking the coordinator"))
        screen.fetched(why: .lines([.init(text: "rating: Work may come: one task now.")]))
        #expect(text(screen).contains("Policy version 4") && text(screen).contains("Work may come: one task now."))
        screen.fetched(why: .failed("nobody there"))
        #expect(text(screen).contains("It cannot be asked now: nobody there"))
        // Without a task too, which is when it is asked most.
        var waiting = ScreenState()
        #expect(press(&waiting, "w") == [.fetchWhy])
        waiting.fetched(why: .lines([.init(text: "rating: Nothing is left here.")]))
        #expect(text(waiting).contains("Nothing is left here."))
    }

    @Test func aLetterThatIsTypedIntoATextOpensNothing() {
        var screen = ScreenState()
        _ = screen.happened(
            .leased(.sample(schema: #"{"type":"object","properties":{"note":{"type":"string"}}}"#)), now: .zero)
        press(&screen, "i")
        press(&screen, "all awl")
        #expect(screen.inline == "all awl" && screen.page == nil)
    }

    @Test func whatIsHeldOfAPersonIsADigitAway() {
        var screen = screen()
        press(&screen, "m")
        for topic in OwnPage.Topic.allCases {
            #expect(text(screen).contains("\(topic.rawValue + 1)  \(topic.title)"))
            #expect(press(&screen, "\(topic.rawValue + 1)") == [.fetchOwn(topic)])
            #expect(text(screen).contains("asking the coordinator"))
            screen.fetched(own: topic, .lines([.init(text: "a row of it")]))
            #expect(text(screen).contains("a row of it"))
            // Another key goes back to the choice; what comes then shows nothing.
            press(&screen, "x")
            screen.fetched(own: topic, .failed("too late"))
            #expect(!text(screen).contains("too late"))
        }
        press(&screen, "x")
        #expect(screen.page == nil && screen.job != nil)
    }

    @Test func aConcernAndTheCordAreSaidFromTheTask() {
        var screen = screen()
        #expect(press(&screen, "m7") == [.writeConcern(project: "rating", begun: "")])
        #expect(screen.wroteConcern(" \n", about: "rating").isEmpty && text(screen).contains("no concern was raised"))
        #expect(
            screen.wroteConcern("too fast", about: "rating") == [.raiseConcern("too fast", project: "rating")])
        #expect(press(&screen, "m8").isEmpty)
        #expect(text(screen).contains("Pull the cord of rating?"))
        #expect(press(&screen, "n").isEmpty)
        #expect(press(&screen, "8y") == [.pullCord("rating")])
        // Without a task there is no project to stop, and a concern is about the deployment.
        var waiting = ScreenState()
        press(&waiting, "m")
        #expect(!text(waiting).contains("pull the cord"))
        #expect(press(&waiting, "7") == [.writeConcern(project: nil, begun: "")])
    }

    @Test func aConcernThatWasNotTakenIsNotWrittenTwice() {
        var screen = screen()
        press(&screen, "m7")
        _ = screen.wroteConcern("too fast", about: "rating")
        screen.didNotRaise(concern: "too fast", "your concern was not raised: no coordinator answers")
        #expect(text(screen).contains("no coordinator answers; your text is kept"))
        #expect(press(&screen, "m7") == [.writeConcern(project: "rating", begun: "too fast")])
        // The editor failed: nothing is changed. Sent again, it is gone once it was taken, and not before.
        #expect(screen.wroteConcern(nil, about: "rating").isEmpty)
        #expect(press(&screen, "m7") == [.writeConcern(project: "rating", begun: "too fast")])
        _ = screen.wroteConcern("far too fast", about: "rating")
        screen.raised(concern: "too fast", "concern 1")
        #expect(press(&screen, "m7") == [.writeConcern(project: "rating", begun: "far too fast")])
        screen.raised(concern: "far too fast", "concern 2")
        #expect(press(&screen, "m7") == [.writeConcern(project: "rating", begun: "")])
    }

    @Test func withdrawingIsADigitAndAYes() {
        var screen = screen()
        press(&screen, "1")
        #expect(press(&screen, "a") == [.fetchAgreements])
        screen.fetched(agreements: agreements(["training", "evaluation"]))
        #expect(text(screen).contains("1  training, needed by rating") && text(screen).contains("2  evaluation"))
        #expect(press(&screen, "1").isEmpty)
        #expect(text(screen).contains("Withdraw training?"))
        // Anything but yes goes back to the list, and from there to the task.
        #expect(press(&screen, "n").isEmpty)
        #expect(text(screen).contains("2  evaluation") && screen.withdrawing == nil)
        #expect(press(&screen, "0").isEmpty && screen.page == nil)
        press(&screen, "a")
        screen.fetched(agreements: agreements(["training", "evaluation"]))
        #expect(press(&screen, "1y") == [.withdraw("training")])
        #expect(text(screen).contains("You have withdrawn training. Your word stands."))
        #expect(text(screen).contains("not yet recorded") && !text(screen).contains("1 (*) good"))
        // The word is said: nothing is answered under it, and only leaving is left.
        #expect(press(&screen, "1sdrp").isEmpty)
        #expect(press(&screen, "q") == [.leave])
        screen.withdrawalStands("not yet recorded: no coordinator answers (tried 4 times, next in 8s)")
        #expect(text(screen).contains("tried 4 times"))
    }

    @Test func theReceiptTakesTheTasksUnderThePurposeAndNoOther() {
        var screen = screen(tasks: [7, 8])
        let other = WorkTask(
            lease: LeaseKey(task: 9, fence: 90),
            project: WorkProject(
                id: 2, name: "puzzles", instructions: "", instructionsVersion: 1, answerSchema: #"{"enum":["a"]}"#),
            key: "k9", kind: "puzzle", severity: 0, effort: .seconds(90), timeLeft: .seconds(600),
            deadline: .seconds(600), payload: Array("{}".utf8), why: .init())
        _ = screen.happened(.leased(other), now: .zero)
        screen.withdrawing = PendingWithdrawal(agreed: Self.agreed)
        let actions = screen.withdrawn(
            .with {
                $0.purpose = "training"
                $0.state = "withdrawn"
                $0.leasesEnded = 2
                $0.receiptID = "r1"
            })
        #expect(actions == [.removeDrafts(Self.agreed)])
        #expect(screen.jobs.map(\.task.key) == ["k9"] && screen.withdrawing == nil)
        #expect(text(screen).contains("training: withdrawn, 2 leases ended; receipt r1"))
        // The coordinator's own word about those leases changes nothing any more.
        #expect(screen.happened(.lost(LeaseKey(task: 7, fence: 70), .withdrawn, message: ""), now: .zero).isEmpty)
    }

    @Test func aSeverityIsWithdrawnForItsTasksWhateverTheProject() {
        var screen = screen()
        let harder = WorkTask(
            lease: LeaseKey(task: 9, fence: 90),
            project: WorkProject(id: 1, name: "rating", instructions: "", instructionsVersion: 1, answerSchema: "{}"),
            key: "k9", kind: "puzzle", severity: 2, effort: .seconds(90), timeLeft: .seconds(600),
            deadline: .seconds(600), payload: Array("{}".utf8), why: .init())
        _ = screen.happened(.leased(harder), now: .zero)
        screen.withdrawing = PendingWithdrawal(agreed: .init(purpose: "severity-2", projects: []))
        _ = screen.withdrawn(.init())
        #expect(screen.jobs.map(\.task.key) == ["k7"])
    }

    @Test func aWithdrawalThatIsRefusedGivesTheTaskBack() {
        var screen = screen()
        press(&screen, "1")
        screen.withdrawing = PendingWithdrawal(agreed: Self.agreed)
        screen.notWithdrawn("training was not withdrawn: there is no agreement")
        #expect(text(screen).contains("there is no agreement") && text(screen).contains("1 (*) good"))
    }

    @Test func onlyAgreementsInForceAreListedEachOnce() {
        var notices = ["given", "refused", "renewed", "expired", ""].map { state in
            Plimsoll_V1_NoticeAgreement.with {
                $0.state = state
                $0.notice.purpose = "purpose-\(state)"
            }
        }
        notices.append(notices[0])
        #expect(AgreementPage(notices).agreed.map(\.purpose) == ["purpose-given", "purpose-renewed"])
    }

    @Test func draftsUnderAWithdrawnAgreementGoAndOthersStay() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("drafts-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = DraftStore(identityDirectory: folder)
        func save(_ task: Int64, project: String, severity: Int = 0) throws {
            let work = WorkTask(
                lease: LeaseKey(task: task, fence: task),
                project: WorkProject(
                    id: 1, name: project, instructions: "", instructionsVersion: 1, answerSchema: #"{"enum":["a"]}"#),
                key: "k\(task)", kind: "puzzle", severity: severity, effort: .seconds(90), timeLeft: .seconds(600),
                deadline: .seconds(600), payload: [], why: .init())
            try store.save(FormEntry(AnswerForm(schema: work.project.answerSchema), values: [0: "a"]), for: work)
        }
        try save(1, project: "rating")
        try save(2, project: "puzzles")
        try save(3, project: "puzzles", severity: 2)
        func kept() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: store.directory.path).sorted()
        }
        #expect(try store.removeAll(under: .init(purpose: "severity-2", projects: [])) == 1)
        #expect(try kept() == ["1-1.json", "1-2.json"])
        #expect(try store.removeAll(under: Self.agreed) == 1)
        #expect(try kept() == ["1-2.json"])
        // One of an earlier version does not say on what it stands: in doubt it goes.
        let old = store.directory.appendingPathComponent("1-5.json")
        try Data(#"{"task":5,"key":"k5","values":{}}"#.utf8).write(to: old)
        #expect(try store.removeAll(under: Self.agreed) == 1)
        #expect(try kept() == ["1-2.json"])
    }
}

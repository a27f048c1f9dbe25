import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing
import WorkerKit

@testable import plimsoll

@Suite("The worker's screen")
struct ScreenTests {
    private func screen(
        payload: String = #"{"question":"Is it?","code":"line 1\nline 2"}"#, schema: String = FormTests.rich,
        draft: [Int: JSONValue] = [:]
    ) -> ScreenState {
        var screen = ScreenState()
        _ = screen.happened(.leased(.sample(payload: payload, schema: schema)), now: .zero) { _, _ in draft }
        return screen
    }

    private func press(_ screen: inout ScreenState, _ keys: String) -> [ScreenState.Action] {
        keys.flatMap { screen.pressed($0 == "\t" ? .tab : .character($0), page: 5, lines: 50) }
    }

    private func text(_ screen: ScreenState, size: ScreenSize = .usual, now: Duration = .zero) -> String {
        screen.lines(size: size, now: now).map(\.text).joined(separator: "\n")
    }

    private let lease = LeaseKey(task: 7, fence: 70)

    @Test(arguments: [ScreenSize.usual, .least, ScreenSize(columns: 200, rows: 60)])
    func theScreenIsExactlyAsLargeAsTheTerminal(size: ScreenSize) {
        var help = screen()
        _ = press(&help, "?")
        var why = screen()
        _ = press(&why, "w")
        let long = screen(payload: #"{"long":"\#(String(repeating: "wide 漢字 ", count: 900))"}"#)
        for screen in [ScreenState(), screen(), help, why, long] {
            let lines = screen.lines(size: size, now: .zero)
            #expect(lines.count == size.rows)
            #expect(lines.allSatisfy { TextWidth.of($0.text) == size.columns })
        }
    }

    @Test func atEightyByTwentyFourEverythingNeededIsSeen() {
        let text = text(screen())
        for words in [
            "rating k7", "10:00 left", "Say which.", "question: Is it?", "line 2", "> Which is it?",
            "1 ( ) good   2 ( ) bad", "s send", "d decline", "p park", "q quit  ?",
        ] {
            #expect(text.contains(words), "\(words)")
        }
    }

    @Test func nothingOnTheScreenActsOnTheTerminal() {
        let bad = "\\u001b[2J\\u0007\\u009b31m\\u202eevil\\u2066\\u200b\\ufeff\\u0085"
        let screen = screen(
            payload: "{\"\(bad)\":\"\(bad)\"}", schema: "{\"enum\":[\"\(bad)\"],\"title\":\"\(bad)\"}")
        let lines = screen.lines(size: .usual, now: .zero)
        for line in lines {
            for scalar in line.text.unicodeScalars {
                let category = scalar.properties.generalCategory
                #expect(category != .control && category != .format, "\(scalar.value)")
            }
        }
        #expect(text(screen).contains("<U+001B>[2J<U+0007><U+009B>31m<U+202E>evil<U+2066>"))
    }

    @Test func marksThatClimbAreCut() {
        #expect(Harmless.line("a" + String(repeating: "\u{301}", count: 50)).unicodeScalars.count == 5)
        #expect(Harmless.text("a\tb\r\nc") == "a    b\nc")
        #expect(Harmless.line("a\nb") == "a<U+000A>b")
    }

    @Test func theCountdownRunsFromTheDurationAndIsUrgentAtTheEnd() {
        let screen = screen()
        #expect(screen.lines(size: .usual, now: .zero)[0].style == .bar)
        #expect(text(screen, now: .seconds(299)).contains("5:01 left"))
        #expect(screen.lines(size: .usual, now: .seconds(301))[0].style == .urgent)
        #expect(text(screen, now: .seconds(900)).contains("0:00 left"))
    }

    @Test func aWholeAnswerIsSentAndItsDraftKeptUntilItIsAccepted() throws {
        var screen = screen()
        #expect(press(&screen, "1").last == .saveDraft(lease))
        #expect(press(&screen, "s").isEmpty)
        #expect(text(screen).contains("not sent yet. tags: needed"))
        _ = press(&screen, "12\t4\t")
        _ = press(&screen, "i")
        _ = press(&screen, "words")
        _ = screen.pressed(.enter, page: 5, lines: 50)
        let actions = press(&screen, "s")
        #expect(actions.first == .saveDraft(lease))
        guard case .answer(lease, let answer)? = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(try JSONValue.parse(answer) == ["label": "good", "tags": ["a", "b"], "score": 4, "note": "words"])
        #expect(text(screen).contains("not yet acknowledged"))
        #expect(press(&screen, "dsr").isEmpty, "it is on its way")
        let settled = screen.happened(.settled(lease, .with { $0.outcome = .accepted }), now: .zero)
        #expect(settled == [.removeDraft(project: 1, task: 7)])
        #expect(screen.job == nil)
        #expect(text(screen).contains("1 accepted"))
    }

    @Test func aRefusalOfTheSchemaShowsTheProblemAtItsItem() {
        var screen = screen(draft: [0: "good", 1: ["a"], 3: "n"])
        _ = press(&screen, "s")
        let event = WorkEvent.settled(
            lease,
            .with {
                $0.outcome = .refusedSchema
                $0.problems = [
                    .with {
                        $0.pointer = "/note"
                        $0.message = "must not be n"
                    }
                ]
            })
        #expect(screen.happened(event, now: .zero).isEmpty)
        #expect(screen.job?.standing == .open)
        #expect(screen.job?.entry.focus == 3)
        #expect(text(screen).contains("! must not be n"))
    }

    @Test func aLostLeaseLosesNoWords() {
        var screen = screen()
        _ = press(&screen, "1")
        #expect(screen.happened(.lost(lease, .deadline, message: ""), now: .zero) == [.saveDraft(lease)])
        #expect(text(screen).contains("The lease has ended"))
        _ = press(&screen, "\t1\t\t")
        _ = screen.edited("words\n", of: lease)
        let actions = press(&screen, "s")
        guard case .answer? = actions.last else {
            Issue.record("it can be sent for a human")
            return
        }
        var other = screen
        #expect(
            other.happened(.settled(lease, .with { $0.outcome = .keptLate }), now: .zero)
                == [.removeDraft(project: 1, task: 7)])
    }

    @Test func aLostLeaseWithoutWordsJustGoes() {
        var screen = screen()
        #expect(screen.happened(.lost(lease, .deadline, message: ""), now: .zero).isEmpty)
        #expect(screen.job == nil)
    }

    @Test func underAWithdrawnAgreementTheDraftGoes() {
        var screen = screen()
        _ = press(&screen, "1")
        #expect(
            screen.happened(.lost(lease, .withdrawn, message: ""), now: .zero) == [.removeDraft(project: 1, task: 7)])
        #expect(screen.job == nil)
    }

    @Test func declineReleaseParkAndExtend() {
        for (key, request) in [("d", LeaseRequest.decline(.unspecified)), ("r", .release), ("p", .park)] {
            var screen = screen()
            #expect(press(&screen, key).last == .ask(request, lease))
            #expect(press(&screen, "s").isEmpty)
        }
        var parked = screen()
        _ = press(&parked, "1p")
        #expect(parked.happened(.changed(lease, .parked, message: ""), now: .zero).isEmpty, "the draft stays")
        #expect(parked.job == nil)
        var extended = screen()
        #expect(press(&extended, "+") == [.ask(.extend, lease)])
        _ = extended.happened(.deadline(lease, at: .seconds(1200)), now: .zero)
        #expect(text(extended).contains("20:00 left"))
    }

    @Test func idleSaysWhyAndWhenItAsksAgain() {
        var screen = ScreenState()
        let idle = Plimsoll_V1_Idle.with {
            $0.reason = .notEligible
            $0.askAgainMilliseconds = 90_000
            $0.refusal = .with {
                $0.rule = "break"
                $0.value = "50 min"
                $0.limit = "50 min"
                $0.sentence = "After 50 minutes come 10 with nothing leased."
                $0.untilMilliseconds = 540_000
            }
        }
        _ = screen.happened(.idle(idle), now: .seconds(10))
        let shown = text(screen, now: .seconds(40))
        #expect(shown.contains("After 50 minutes come 10"))
        #expect(shown.contains("Rule: break"))
        #expect(shown.contains("Asked again in 1:00."))
        // 8 minutes and a half are left.
        #expect(shown.contains("Work may come again in 9m."))
        // Once it is over there is nothing to count.
        #expect(!text(screen, now: .seconds(550)).contains("may come again"))
    }

    @Test(
        "What is said of an idle names the moment to come back, never too early, where one is known.",
        arguments: [
            (UInt64(0), ""), (500, "; work may come again in 1s"), (90_001, "; work may come again in 91s"),
            (119_000, "; work may come again in 2m"), (7_200_000, "; work may come again in 2h"),
            (39_600_001, "; work may come again in 11h 1m"), (259_200_000, "; work may come again in 72h"),
            (.max, nil),
        ] as [(UInt64, String?)])
    func idleNamesTheMomentToComeBack(milliseconds: UInt64, words: String?) throws {
        let said = try #require(EventSentence.of(.idle(idle(milliseconds))))
        #expect(said.hasPrefix("nothing to do: Your rest between two days is 11h; enjoy it. [daily-rest]"))
        if let words { #expect(said.hasSuffix("[daily-rest]\(words), asking again in 60 s"), "\(said)") }
    }

    /// The screen's clock is told at 10:00 in Berlin; the refusal comes at 10:01 and is looked at at 10:02.
    @Test(
        "Where it knows the person's clock, the screen names the moment to come back as me why does.",
        arguments: [
            (UInt64(0), nil),
            // Over by now.
            (60_000, nil),
            // So near that it is counted in seconds.
            (150_000, "90s"),
            (43_140_000, "11h 58m (22:00), Europe/Berlin time"),
            // What a message takes on its way is no minute, and beyond that nobody is called too early.
            (43_139_100, "11h 58m (22:00), Europe/Berlin time"),
            (43_140_500, "11h 58m (22:00), Europe/Berlin time"),
            (43_141_500, "11h 59m (22:01), Europe/Berlin time"),
            (75_540_000, "20h 58m (2026-03-31 07:00), Europe/Berlin time"),
            (597_540_000, "6 days (2026-04-06 08:00), Europe/Berlin time"),
        ] as [(UInt64, String?)])
    func theMomentToComeBackIsNamedByThePersonsClock(milliseconds: UInt64, words: String?) {
        var screen = ScreenState()
        screen.fetched(
            clock: WallClock(atMicroseconds: 1_774_857_600_000_000, zone: "Europe/Berlin"), now: .seconds(40))
        _ = screen.happened(.idle(idle(milliseconds)), now: .seconds(100))
        let shown = text(screen, now: .seconds(160))
        if let words { #expect(shown.contains("Work may come again in \(words)."), "\(shown)") }
        #expect(shown.contains("may come again") == (words != nil))
    }

    @Test func aZoneThatIsNotKnownHereTakesNothingAwayButTheMoment() {
        var screen = ScreenState()
        screen.fetched(clock: WallClock(atMicroseconds: 1_774_857_600_000_000, zone: "Mars/Olympus"), now: .zero)
        _ = screen.happened(.idle(idle(259_200_000)), now: .zero)
        #expect(text(screen).contains("Work may come again in 72h."))
    }

    @Test func theClockIsAskedForWhereTheWaitIsLongAndOnceAnHour() {
        var screen = ScreenState()
        #expect(screen.happened(.idle(.with { $0.reason = .nothingLeft }), now: .zero).isEmpty)
        #expect(screen.happened(.idle(idle(3_599_999)), now: .zero).isEmpty)
        #expect(screen.happened(.idle(idle(3_600_000)), now: .seconds(1)) == [.fetchClock])
        #expect(screen.happened(.idle(idle(.max)), now: .seconds(3_600)).isEmpty)
        #expect(screen.happened(.idle(idle(.max)), now: .seconds(3_601)) == [.fetchClock])
    }

    @Test("A lease's deadline is only the latest moment at which there is room again.")
    func roomMayComeEarlier() {
        var full = idle(7_200_000)
        full.refusal.rule = "open-leases"
        let said = EventSentence.idle(full)
        let end = "[open-leases]; work may come again in 2h at the latest, asking again in 60 s"
        #expect(said.hasSuffix(end), "\(said)")
        let clock = WallClock(atMicroseconds: 1_774_857_600_000_000, zone: "Europe/Berlin")
        #expect(
            EventSentence.comesBack(after: full.refusal, clock: clock)
                == "2h (12:00) at the latest, Europe/Berlin time")
    }

    private func idle(_ untilMilliseconds: UInt64) -> Plimsoll_V1_Idle {
        .with {
            $0.reason = .notEligible
            $0.askAgainMilliseconds = 60_000
            $0.refusal = .with {
                $0.rule = "daily-rest"
                $0.sentence = "Your rest between two days is 11h; enjoy it."
                $0.untilMilliseconds = untilMilliseconds
            }
        }
    }

    @Test func aBreakAheadIsSaidAboveTheKeys() {
        var screen = screen()
        _ = screen.happened(
            .notification(
                .with {
                    $0.kind = .breakAhead
                    $0.message = "A break begins in 5 minutes."
                }), now: .zero)
        #expect(screen.lines(size: .usual, now: .zero)[21].text.hasPrefix(" ! A break begins in 5 minutes."))
    }

    @Test func severalWarningsAreReadOneAfterTheOther() {
        var screen = screen()
        for text in ["A certificate is new.", "An agreement ends.", "A certificate is new."] {
            _ = screen.happened(.notification(.with { $0.message = text }), now: .zero)
        }
        func told() -> String { screen.lines(size: .usual, now: .zero)[21].text.trimmingCharacters(in: .whitespaces) }
        #expect(told() == "! A certificate is new. [esc, 1 more]")
        #expect(screen.pressed(.escape, page: 10, lines: 10) == [])
        #expect(told() == "! An agreement ends. [esc]")
        _ = screen.pressed(.escape, page: 10, lines: 10)
        #expect(!told().hasPrefix("!"))
        #expect(screen.pressed(.escape, page: 10, lines: 10) == [])
    }

    @Test func whatIsSaidBelowTheTaskIsSeenWholeAndLeavesTheTaskItsRoom() {
        var screen = screen()
        let warning =
            "a certificate was issued in your name; not yours? Ask an operator for plimsoll cert deny --serial "
            + "0123456789abcdef0123456789abcdef --reason WHY (spiffe://plimsoll.local/engineer/ada/worker/laptop)"
        _ = screen.happened(
            .notification(
                .with {
                    $0.kind = .certificate
                    $0.message = warning
                }), now: .zero)
        let message =
            "your concern was not raised: no coordinator answers at labels.example.org; your text is kept while "
            + "this screen is open: m, then 7"
        screen.say(message)
        let lines = screen.lines(size: .usual, now: .zero).map(\.text)
        let said = lines.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        #expect(said.contains("! \(warning) [esc] \(message) s send"), "\(said)")
        #expect(said.contains("question: Is it?") && said.contains("> Which is it?"), "\(said)")
        // Scrolling knows of the rows that are taken.
        let extent = screen.taskExtent(size: .usual)
        screen.warnings = []
        screen.message = ""
        #expect(screen.taskExtent(size: .usual).page > extent.page)
    }

    @Test(arguments: [ScreenSize.usual, .least])
    func whatIsTooLongForTheFooterIsCutAndSaysSo(size: ScreenSize) {
        var screen = screen()
        screen.warnings = [String(repeating: "warning ", count: 100)]
        screen.message = String(repeating: "message ", count: 100)
        let lines = screen.lines(size: size, now: .zero)
        #expect(lines.count == size.rows && lines.allSatisfy { TextWidth.of($0.text) == size.columns })
        for word in ["warning", "message"] {
            let told = lines.map(\.text).filter { $0.contains(word) }
            #expect(told.count == 3, "\(told)")
            #expect(told.last?.hasSuffix(">") == true, "\(told)")
        }
        #expect(lines.last?.style == .bar && lines.contains { $0.text.contains("Which is it?") })
    }

    @Test(
        "A rule that is a plain yes or no has no figures to show.",
        arguments: [
            ("paused", "", "", "Rule: paused.", "paused [paused]"),
            ("quiet-hours", "", "20:00-08:00", "Rule: quiet-hours, limit 20:00-08:00.", "quiet-hours (20:00-08:00)"),
            ("break", "50m", "10m", "Rule: break, now 50m, limit 10m.", "break (50m of 10m)"),
        ])
    func onlyFiguresThatThereAreAreShown(rule: String, value: String, limit: String, shown: String, said: String) {
        var screen = ScreenState()
        let idle = Plimsoll_V1_Idle.with {
            $0.reason = .notEligible
            $0.refusal = .with {
                $0.rule = rule
                $0.value = value
                $0.limit = limit
            }
        }
        _ = screen.happened(.idle(idle), now: .zero)
        #expect(text(screen).contains(shown))
        #expect(EventSentence.idle(idle).hasPrefix(said))
    }

    @Test func longPayloadsScrollToTheirEndAndNoFurther() {
        let words = (1...200).map { "line \($0)" }.joined(separator: "\\n")
        var screen = screen(payload: #"{"text":"\#(words)"}"#, schema: #"{"enum":["a"]}"#)
        let extent = screen.taskExtent(size: .usual)
        #expect(extent.lines > 200)
        #expect(!text(screen).contains("line 200"))
        for _ in 0..<100 { _ = screen.pressed(.pageDown, page: extent.page, lines: extent.lines) }
        #expect(text(screen).contains("line 200"))
        #expect(screen.scroll == extent.lines - extent.page)
        _ = screen.pressed(.home, page: extent.page, lines: extent.lines)
        #expect(screen.scroll == 0)
    }

    @Test func theFormsFocusIsAlwaysSeen() {
        let members = (1...40).map { #""f\#($0)":{"type":"string"}"# }.joined(separator: ",")
        var screen = screen(schema: #"{"type":"object","properties":{\#(members)}}"#)
        for index in 1...40 {
            #expect(text(screen).contains("> f\(index) "), "f\(index)")
            _ = press(&screen, "\t")
        }
    }

    @Test func theEditorsTextIsTakenWithoutItsLastLineFeed() {
        var screen = screen()
        _ = press(&screen, "\t\t\t")
        #expect(screen.pressed(.enter, page: 5, lines: 9) == [.edit("")])
        #expect(screen.edited("two\nlines\n", of: lease) == [.saveDraft(lease)])
        #expect(screen.job?.entry.values[3] == "two\nlines")
        #expect(screen.edited(nil, of: lease).isEmpty, "an editor that failed changes nothing")
        #expect(screen.job?.entry.values[3] == "two\nlines")
    }

    @Test func aDraftComesBackWithItsTask() {
        let screen = screen(draft: [0: "bad"])
        #expect(text(screen).contains("2 (*) bad"))
        #expect(text(screen).contains("your draft of this task is back"))
    }

    @Test func whyAndHelpAreOneKeyAwayAndBack() {
        var screen = screen()
        _ = press(&screen, "w")
        #expect(text(screen).contains("Policy version 4"))
        #expect(text(screen).contains("Open leases: 1 of 3"))
        _ = press(&screen, "x")
        #expect(text(screen).contains("question"))
        _ = press(&screen, "?")
        #expect(text(screen).contains("decline: not this one"))
        #expect(press(&screen, "q").isEmpty)
        #expect(press(&screen, "q") == [.leave])
    }

    // MARK: - Keys, widths, colours

    @Test(
        arguments: [
            ("a", [Key.character("a")]), ("é", [.character("é")]), ("\u{1B}[A\u{1B}OB", [.up, .down]),
            ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]), ("\r\t\u{7F}", [.enter, .tab, .backspace]),
            ("\u{1B}[Z", [.backTab]), ("\u{3}", [.control("c")]), ("\u{1B}", [.escape]), ("\u{1B}[1;5A", [.up]),
            ("\u{1B}[99~x", [.character("x")]),
        ] as [(String, [Key])])
    func keysAreRead(bytes: String, keys: [Key]) {
        var decoder = KeyDecoder()
        #expect(decoder.decode(Array(bytes.utf8)) == keys)
    }

    @Test func charactersMayArriveInPieces() {
        var decoder = KeyDecoder()
        let bytes = Array("漢\u{1B}[A".utf8)
        #expect(decoder.decode(Array(bytes[..<2])).isEmpty)
        #expect(decoder.decode(Array(bytes[2..<5])) == [.character("漢")])
        #expect(decoder.decode(Array(bytes[5...])) == [.up])
    }

    @Test func anyBytesAreSurvived() {
        var generator = SystemRandomNumberGenerator()
        var decoder = KeyDecoder()
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = decoder.decode(bytes)
        }
    }

    @Test func wrappingKeepsWordsAndBreaksWhatIsTooLong() {
        #expect(TextWidth.wrap("one two three", 7) == ["one two", "three"])
        #expect(TextWidth.wrap("abcdefgh", 3) == ["abc", "def", "gh"])
        #expect(TextWidth.wrap("漢字漢字", 5) == ["漢字", "漢字"])
        #expect(TextWidth.wrap("a\n\nb", 5) == ["a", "", "b"])
        #expect(TextWidth.fit("abcdef", 4) == "abc>")
        #expect(TextWidth.fit("ab", 4) == "ab  ")
    }

    @Test func withoutColourNothingIsColoured() {
        for style in [ScreenLine.Style.plain, .strong, .faint, .bar, .urgent] {
            #expect(!WorkTerminal.attributes(style, colour: false).contains("3"))
        }
    }

    @Test func theClockIsReadable() {
        #expect(ScreenState.clock(.seconds(5)) == "0:05")
        #expect(ScreenState.clock(.seconds(3661)) == "1:01:01")
    }
}

import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import plimsoll

@Suite("me show and me why")
struct OwnLoadTests {
    /// Ann at 2026-03-30T10:00:00+02:00, with a lease open.
    private static let me = Plimsoll_V1_ShowMeResponse.with {
        $0.name = "ann"
        $0.zone = "Europe/Berlin"
        $0.atMicroseconds = 1_774_857_600_000_000
        $0.openLeases = 1
        $0.openLeasesLimit = 3
        $0.load = [
            load("open-leases", 1, 3, 33, "shipped default", unit: .count),
            load("day-time", 14_400, 14_400, 100, "document") {
                $0.reached = true
                $0.changesInSeconds = 50_400
            },
            load("break", 2_280, 3_000, 76, "shipped default") { $0.changesInSeconds = 720 },
            load("quiet-hours", 0, 1, 0, "engineer", unit: .state) {
                $0.policy = "20:00-08:00"
                $0.changesInSeconds = 36_000
            },
            load("kind-day", 3_600, 7_200, 50, "shipped default") { $0.scope = "puzzle" },
            load("severity-day", 0, 0, 100, "shipped default") {
                $0.scope = "severity 3"
                $0.reached = true
            },
            load("week-time", 90_000, 72_000, 100, "team") { $0.reached = true },
            load("day-time", 14_400, 7_200, 100, "project") {
                $0.project = "puzzles"
                $0.reached = true
            },
        ]
        $0.withoutLimit = ["day-tasks"]
        $0.nextBreak = .with {
            $0.rule = "break"
            $0.afterSeconds = 720
            $0.lengthSeconds = 600
            $0.counting = true
        }
        $0.rest = .with {
            $0.restSeconds = 39_600
            $0.running = true
            $0.beganSecondsAgo = 2_100
            $0.closesInSeconds = 44_700
            $0.opensInSeconds = 39_600
        }
        $0.projects = [
            .with { $0.project = "ratings" },
            .with {
                $0.project = "puzzles"
                $0.refusal = .with {
                    $0.rule = "day-time"
                    $0.value = "4h"
                    $0.limit = "2h"
                    $0.untilMilliseconds = 50_399_001
                    $0.sentence = "You have worked 4h today; 2h is the most for a day."
                }
            },
        ]
        $0.ending = [
            .with {
                $0.purpose = "training"
                $0.endsInSeconds = 864_000
            }
        ]
    }

    private static func load(
        _ rule: String, _ value: UInt64, _ limit: UInt64, _ share: UInt32, _ source: String,
        unit: Plimsoll_V1_LoadUnit = .seconds, _ change: (inout Plimsoll_V1_LimitLoad) -> Void = { _ in }
    ) -> Plimsoll_V1_LimitLoad {
        var load = Plimsoll_V1_LimitLoad()
        load.rule = rule
        load.value = value
        load.limit = limit
        load.sharePercent = share
        load.source = source
        load.unit = unit
        change(&load)
        return load
    }

    @Test func theBarsHaveTheLineDrawnAndFitEightyColumns() {
        let lines = LoadText(Self.me, usesBlocks: false).lines
        #expect(lines.allSatisfy { TextWidth.of($0.text) <= 80 && $0.text.utf8.allSatisfy { $0 < 128 } })
        let expected = """
            ann, Europe/Berlin, 2026-03-30 10:00

            your load; the line is what may not be passed
              open-leases        #####...........|   1 of 3            33% shipped default
              day-time           ################|   4h of 4h         100% document
              break              ############....|   38m of 50m        76% shipped default
              quiet-hours        20:00-08:00: in 10h (20:00)               own
              kind-day puzzle    ########........|   60m of 2h         50% shipped default
              severity 3         none of it is handed out to you           shipped default
              week-time          ################|## 25h of 20h       100% team
            in puzzles instead
              day-time           ################|## 4h of 2h         100% project
            no limit here  day-tasks

            next break     in 12m (10:12), then 10m off (break)
            rest           your work period closes in 12h 25m (22:25); if you stop now, the
                           next may begin in 11h (21:00), after 11h of rest

            your projects, as the gate sees them; what is left there: plimsoll me why
              ratings      work may come
              puzzles      no work for 14h (2026-03-31 00:00) (day-time): You have worked 4h
                           today; 2h is the most for a day.

            agreements that end soon; silence renews none
              training     in 10 days (2026-04-09 10:00): plimsoll consent give training
            """
        #expect(lines.map(\.text).joined(separator: "\n") == expected)
        #expect(lines.filter(\.isStrong).count == 2 + 4 + 2)
    }

    @Test func blocksAreAsWideAsAscii() {
        let blocks = LoadText(Self.me, usesBlocks: true).lines.map(\.text)
        #expect(blocks[3] == "  open-leases        █████···········│   1 of 3            33% shipped default")
        let ascii = LoadText(Self.me, usesBlocks: false).lines.map(\.text)
        #expect(blocks.map { TextWidth.of($0) } == ascii.map { TextWidth.of($0) })
    }

    @Test(arguments: [
        (["LANG": "en_US.UTF-8"], true), (["LANG": "C.utf8"], true), (["LC_ALL": "C", "LANG": "en_US.UTF-8"], false),
        (["LC_CTYPE": "de_DE.UTF-8", "LC_ALL": ""], true), (["LANG": "de_DE.ISO-8859-1"], false), ([:], false),
        (["LANG": "en_US.UTF-8", "TERM": "dumb"], false),
    ])
    func theLocaleSaysWhatMayBeDrawn(environment: [String: String], speaks: Bool) {
        #expect(Terminal.speaksUnicode(environment) == speaks)
    }

    /// Kinds are named by people, and two long ones may begin alike.
    @Test func aLongNameHasALineOfItsOwn() {
        var me = Plimsoll_V1_ShowMeResponse()
        me.load = [Self.load("kind-week", 3_600, 43_200, 8, "document") { $0.scope = "coding challenge" }]
        let lines = LoadText(me, usesBlocks: false).lines.map(\.text)
        #expect(lines[3] == "  kind-week coding challenge")
        #expect(lines[4] == "                     #...............|   60m of 12h         8% document")
    }

    /// Nothing is full but what is reached: a limit that is a second away leaves the last cell empty.
    @Test func aBarIsFullExactlyAtTheLimit() {
        func bar(_ value: UInt64, reached: Bool) -> String {
            var me = Plimsoll_V1_ShowMeResponse()
            me.load = [
                Self.load("day-time", value, 14_400, reached ? 100 : 99, "document") { $0.reached = reached }
            ]
            return LoadText(me, usesBlocks: false).lines[3].text
        }
        #expect(bar(14_399, reached: false).contains("###############.|"))
        #expect(bar(14_400, reached: true).contains("################|"))
    }

    @Test func ofAnAnnouncedVersionNoAgreementIsAskedForYet() {
        var me = Self.me
        me.ending[0].forNewVersion = true
        let lines = LoadText(me, usesBlocks: false).lines
        #expect(lines.allSatisfy { TextWidth.of($0.text) <= 80 })
        let text = lines.map { $0.text.trimmingPrefix { $0 == " " } }.joined(separator: " ")
        #expect(text.contains("when a new version of its notice comes into force: plimsoll consent list"))
        #expect(!text.contains("consent give"))
    }

    @Test func withoutALeaseTheBreakIsToldInWork() {
        let clock = WallClock(atMicroseconds: Self.me.atMicroseconds, zone: "Europe/Berlin")
        var pause = Self.me.nextBreak
        pause.counting = false
        #expect(LoadText.pause(pause, clock) == "after 12m of work, then 10m off (break)")
        pause.afterSeconds = 0
        pause.endsInSeconds = 300
        #expect(LoadText.pause(pause, clock) == "now, for 5m (10:05) (break)")
        var rest = Self.me.rest
        rest.closesInSeconds = 0
        #expect(LoadText.rest(rest, clock) == "now; work may start again in 11h (21:00)")
        rest.running = false
        rest.closesInSeconds = 46_800
        #expect(
            LoadText.rest(rest, clock)
                == "you have had 11h of rest; a work period that begins now closes in 13h (23:00)")
        // A zone that this machine does not know takes nothing away but the wall's clock.
        let nowhere = WallClock(atMicroseconds: Self.me.atMicroseconds, zone: "Mars/Olympus")
        #expect(nowhere.wait(300) == "5m" && nowhere.stamp(nowhere.now) == "2026-03-30 08:00 UTC")
    }

    /// Programs read this: every member is there, in this order, times in seconds.
    @Test func theJSONOfMeShowIsStable() {
        var me = Self.me
        me.load = Array(me.load[1...3])
        let text = String(decoding: ShowMe.json(me).encode(), as: UTF8.self)
        #expect(
            text
                == #"{"name":"ann","zone":"Europe/Berlin","at":"2026-03-30T08:00:00Z","open_leases":1,"#
                + #""open_leases_limit":3,"day_tasks":0,"day_tasks_limit":null,"load":["#
                + #"{"rule":"day-time","scope":null,"project":null,"unit":"seconds","value":14400,"limit":14400,"#
                + #""share_percent":100,"reached":true,"source":"document","policy":null,"changes_in_seconds":50400},"#
                + #"{"rule":"break","scope":null,"project":null,"unit":"seconds","value":2280,"limit":3000,"#
                + #""share_percent":76,"reached":false,"source":"shipped default","policy":null,"changes_in_seconds":720},"#
                + #"{"rule":"quiet-hours","scope":null,"project":null,"unit":"state","value":0,"limit":1,"#
                + #""share_percent":0,"reached":false,"source":"engineer","policy":"20:00-08:00","changes_in_seconds":36000}],"#
                + #""without_limit":["day-tasks"],"next_break":{"rule":"break","after_seconds":720,"#
                + #""length_seconds":600,"ends_in_seconds":null,"counting":true},"rest":{"rest_seconds":39600,"#
                + #""running":true,"began_seconds_ago":2100,"closes_in_seconds":44700,"opens_in_seconds":39600},"#
                + #""projects":[{"project":"ratings","refusal":null},{"project":"puzzles","refusal":{"rule":"day-time","#
                + #""value":"4h","limit":"2h","sentence":"You have worked 4h today; 2h is the most for a day.","#
                + #""until_seconds":50400}}],"ending":[{"purpose":"training","ends_in_seconds":864000,"#
                + #""for_new_version":false}]}"#)
    }

    // MARK: - Why

    private static let why = Plimsoll_V1_ExplainResponse.with {
        $0.name = "ann"
        $0.zone = "Europe/Berlin"
        $0.atMicroseconds = 1_774_857_600_000_000
        $0.projects = [
            .with {
                $0.project = "ratings"
                $0.cause = .mayCome
                $0.sentence = "Work may come: up to 2 tasks now."
                $0.room = 2
                $0.nextLimit = load("break", 2_280, 3_000, 76, "shipped default") { $0.changesInSeconds = 720 }
                $0.lanes = [
                    .with {
                        $0.kind = "rating"
                        $0.cause = .mayCome
                    },
                    .with {
                        $0.kind = "puzzle"
                        $0.severity = 2
                        $0.cause = .refused
                        $0.refusal = .with {
                            $0.rule = "kind-day"
                            $0.value = "2h"
                            $0.limit = "2h"
                            $0.untilMilliseconds = 50_400_000
                            $0.sentence = "You have spent 2h on puzzle today; 2h is the most, then something else."
                        }
                    },
                ]
            }
        ]
        $0.refusals = [
            .with {
                $0.atMicroseconds = 1_774_857_600_000_000 - 3_600_000_000
                $0.rule = "agreement"
                $0.scope = "training"
                $0.value = "never asked"
                $0.limit = "given"
                $0.sentence = "This work needs your agreement."
            }
        ]
        $0.leases = [
            .with {
                $0.project = "ratings"
                $0.key = "r1"
                $0.task = 7
                $0.kind = "rating"
                $0.endsInSeconds = 600
                $0.instructionsVersion = 2
                $0.agreements = ["taking-part@taking-part/1#1"]
                $0.why = .with {
                    $0.policyVersion = 3
                    $0.provenance = 4
                    $0.openLeases = 2
                    $0.openLeasesLimit = 3
                    $0.dayTasks = 5
                    $0.continuousSeconds = 1_800
                    $0.continuousLimitSeconds = 3_000
                    $0.deadlineRule = "break"
                }
            },
            .with {
                $0.project = "ratings"
                $0.key = "r2"
                $0.task = 8
                $0.kind = "rating"
                $0.parked = true
                $0.atLimit = true
                $0.endsInSeconds = 3_600
                $0.why = .with { $0.policyVersion = 3 }
            },
        ]
    }

    private static let chosen = Plimsoll_V1_Selection.with {
        $0.project = "ratings"
        $0.rule = "volunteers/1"
        $0.dataUsed = "none"
        $0.decidedBy = "boss"
        $0.decidedOn = "2026-03-01"
        $0.alternativeOffered = "the usual work"
    }

    @Test func whyIsToldInSentencesWithEveryFigure() {
        let lines = WhyText(Self.why, [Self.chosen]).lines
        #expect(lines.allSatisfy { TextWidth.of($0.text) <= 80 })
        let expected = """
            ann, Europe/Berlin, 2026-03-30 10:00

            now
              ratings: Work may come: up to 2 tasks now.
                Working on, the next limit is break (38m of 50m), in 12m (10:12).
                rating: work may come
                puzzle, severity 2: You have spent 2h on puzzle today; 2h is the most, then
                something else. (rule kind-day, value 2h, limit 2h; for 14h (2026-03-31
                00:00))

            refused before; kept 7 days, one whenever the deciding rule changes
              2026-03-30 09:00  rule agreement, of training, value never asked, limit given
                This work needs your agreement.

            in your hands
              ratings r1 (rating): open, for 10m (10:10) at the longest, because of break
                when it was granted: open leases 2 of 3; tasks that day 5, no limit; without
                a break 30m of 50m; that day 0s, no limit; that week 0s, no limit
                stands on policy 3, instructions 2 and taking-part@taking-part/1#1
              ratings r2 (rating): parked by a limit, kept for 60m (11:00)
                stands on policy 3, instructions 0 and no agreement

            why you were chosen
              ratings: by boss on 2026-03-01, rule volunteers/1
                data used: none; offered instead: the usual work
            """
        #expect(lines.map(\.text).joined(separator: "\n") == expected)
    }

    @Test func kindsThatAreAllRefusedAlikeAreNotRepeated() {
        var why = Self.why
        why.projects[0].cause = .refused
        why.projects[0].refusal = why.projects[0].lanes[1].refusal
        why.projects[0].lanes[0] = why.projects[0].lanes[1]
        why.projects[0].lanes[0].kind = "rating"
        let lines = WhyText(why, []).lines.map(\.text)
        #expect(!lines.contains { $0.contains("puzzle, severity 2") })
        #expect(lines[4] == "    rule kind-day, value 2h, limit 2h; for 14h (2026-03-31 00:00)")
    }

    @Test func theJSONOfMeWhyIsStable() {
        var why = Self.why
        why.leases.removeFirst()
        let text = String(decoding: WhyMe.json(why, [Self.chosen]).encode(), as: UTF8.self)
        #expect(
            text
                == #"{"name":"ann","zone":"Europe/Berlin","at":"2026-03-30T08:00:00Z","projects":[{"project":"ratings","#
                + #""cause":"may-come","sentence":"Work may come: up to 2 tasks now.","refusal":null,"room":2,"#
                + #""next_limit":{"rule":"break","scope":null,"project":null,"unit":"seconds","value":2280,"limit":3000,"#
                + #""share_percent":76,"reached":false,"source":"shipped default","policy":null,"changes_in_seconds":720},"#
                + #""lanes":[{"kind":"rating","severity":0,"cause":"may-come","refusal":null},{"kind":"puzzle","severity":2,"#
                + #""cause":"refused","refusal":{"rule":"kind-day","value":"2h","limit":"2h","#
                + #""sentence":"You have spent 2h on puzzle today; 2h is the most, then something else.","#
                + #""until_seconds":50400}}]}],"refusals":[{"at":"2026-03-30T07:00:00Z","rule":"agreement","#
                + #""scope":"training","value":"never asked","limit":"given","until":null,"#
                + #""sentence":"This work needs your agreement."}],"leases":[{"project":"ratings","key":"r2","task":8,"#
                + #""kind":"rating","severity":0,"state":"parked-at-limit","ends_in_seconds":3600,"why":{"#
                + #""policy_version":3,"provenance":0,"instructions_version":0,"agreements":[],"open_leases":null,"#
                + #""open_leases_limit":null,"day_tasks":null,"day_tasks_limit":null,"continuous_seconds":null,"#
                + #""continuous_limit_seconds":null,"day_seconds":null,"day_limit_seconds":null,"week_seconds":null,"#
                + #""week_limit_seconds":null,"deadline_rule":null}}],"selections":[{"project":"ratings","rule":"volunteers/1","#
                + #""data_used":"none","decided_by":"boss","decided_on":"2026-03-01","#
                + #""alternative_offered":"the usual work","ended_on":null,"ended_by":null,"end_reason":null}]}"#)
    }
}

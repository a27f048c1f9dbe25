import PlimsollModel
import Testing

@testable import QualityReview

@Suite("The gate and agreements (P2)")
struct GateAgreementTests {
    @Test("Only given and renewed open it", arguments: AgreementState.allCases)
    func states(state: AgreementState) {
        let answer = Scene.decide(Scene.person { $0.agreements = [Scene.agreement(.takingPart, state)] })
        #expect(answer.isGranted == (state == .given || state == .renewed))
        if let refusal = answer.refusal {
            #expect(refusal.rule == .agreement)
            #expect(refusal.value == state.rawValue)
            #expect(refusal.scope == "taking-part")
        }
    }

    @Test("Silence is not consent")
    func neverAsked() {
        let refusal = Scene.decide(Scene.person { $0.agreements = [] }).refusal
        #expect(refusal?.rule == .agreement)
        #expect(refusal?.value == "never asked")
        #expect(refusal?.until == nil)
    }

    @Test("Where no notice is in force the refusal says who can mend it, and decides nothing else")
    func noNotice() {
        let training = PurposeName("training")
        let lane = Scene.lane {
            $0.purposes.append(training)
            $0.withoutNotice = [training]
        }
        let refusal = Scene.decide(Scene.person(), lane).refusal
        #expect(refusal?.rule == .agreement && refusal?.value == Refusal.noNotice && refusal?.scope == "training")
        #expect(refusal?.sentence.contains("plimsoll notice publish") == true)
        // Who was asked for another purpose, or has said no to this one, hears of that.
        #expect(Scene.decide(Scene.person { $0.agreements = [] }, lane).refusal?.value == "never asked")
        let refused = Scene.person { $0.agreements.append(Scene.agreement(training, .refused)) }
        #expect(Scene.decide(refused, lane).refusal?.value == "refused")
        let given = Scene.person { $0.agreements.append(Scene.agreement(training)) }
        #expect(Scene.decide(given, lane).isGranted)
        let harder = Scene.lane {
            $0.severity = 2
            $0.withoutNotice = [.severity2]
        }
        let severity = Scene.decide(Scene.person(), harder).refusal
        #expect(severity?.rule == .severityAgreement && severity?.value == Refusal.noNotice)
        #expect(severity?.sentence.contains("severity-2") == true)
    }

    @Test("What a new version ends is invalidated from then on, and not before", arguments: [-1, 0, 1])
    func endedByVersion(seconds: Int) {
        let agreement = Agreement(
            purpose: .takingPart, noticeID: "notice", noticeVersion: 1, state: .given, from: Scene.now - .hours(240),
            until: Scene.now + .seconds(seconds), endsAs: .invalidated)
        let refusal = Scene.decide(Scene.person { $0.agreements = [agreement] }).refusal
        #expect(refusal?.rule == (seconds > 0 ? Rule.limitTooNear : Rule.agreement))
        if seconds <= 0 { #expect(refusal?.value == AgreementState.invalidated.rawValue) }
    }

    @Test("Every purpose of the project counts, and granting one implies no other")
    func everyPurpose() {
        let lane = Scene.lane { $0.purposes = [.takingPart, PurposeName("training")] }
        let refusal = Scene.decide(Scene.person(), lane).refusal
        #expect(refusal?.scope == "training")
        let both = Scene.person { $0.agreements.append(Scene.agreement(PurposeName("training"))) }
        #expect(Scene.decide(both, lane).isGranted)
    }

    @Test("It opens at its first instant, to the microsecond", arguments: [(-1, false), (0, true), (1, true)])
    func begins(microseconds: Int, open: Bool) {
        let from = Scene.now - .microseconds(microseconds)
        let answer = Scene.decide(Scene.person { $0.agreements = [Scene.agreement(from: from)] })
        #expect(answer.isGranted == open)
        if !open { #expect(answer.refusal?.until == from) }
    }

    @Test(
        "Its end is a deadline, and work that does not fit before is refused",
        arguments: [
            (0, Rule?.some(.agreement), 0), (1, .limitTooNear, 0), (299, .limitTooNear, 0), (300, nil, 300),
            (301, nil, 301),
            (899, nil, 899), (900, nil, 900), (901, nil, 900),
        ])
    func ends(seconds: Int, rule: Rule?, length: Int) {
        let person = Scene.person { $0.agreements = [Scene.agreement(until: Scene.now + .seconds(seconds))] }
        let answer = Scene.decide(person)
        #expect(answer.refusal?.rule == rule)
        if let granted = Scene.granted(answer) {
            #expect(granted.deadline == Scene.now + .seconds(length))
            #expect(answer.bound == (seconds < 900 ? .agreement : nil))
        }
        if rule == .limitTooNear { #expect(answer.refusal?.scope == "taking-part") }
        if rule == .agreement { #expect(answer.refusal?.value == "expired") }
    }

    @Test("The earliest end of all purposes is the deadline")
    func earliest() {
        let lane = Scene.lane {
            $0.purposes = [.takingPart, PurposeName("training")]
            $0.severity = 2
        }
        let person = Scene.person {
            $0.agreements = [
                Scene.agreement(until: Scene.now + .minutes(12)),
                Scene.agreement(PurposeName("training"), until: Scene.now + .minutes(11)),
                Scene.agreement(.severity2, until: Scene.now + .minutes(10)),
            ]
        }
        #expect(Scene.granted(Scene.decide(person, lane))?.deadline == Scene.now + .minutes(10))
    }

    @Test(
        "Severity above 1 needs an agreement of its own",
        arguments: [(0, false), (1, false), (2, true), (3, true), (4, true)])
    func severity(level: Int, needed: Bool) {
        let lane = Scene.lane { $0.severity = level }
        var limits = WorkloadLimits.defaults
        limits.severity3Day = .minutes(10)
        let answer = Scene.decide(Scene.person(), lane, limits)
        #expect(answer.isGranted == !needed)
        if needed {
            #expect(answer.refusal?.rule == .severityAgreement)
            #expect(answer.refusal?.scope == "severity-\(level)")
        }
    }

    @Test("Agreeing to severity 2 says nothing about 3")
    func severityOther() {
        let person = Scene.person { $0.agreements.append(Scene.agreement(.severity2)) }
        #expect(Scene.decide(person, Scene.lane { $0.severity = 2 }).isGranted)
        #expect(Scene.decide(person, Scene.lane { $0.severity = 3 }).refusal?.rule == .severityAgreement)
    }

    @Test("A withdrawal closes, whatever stood before and in whatever order it is read")
    func withdrawal() {
        let given = Scene.agreement(from: Scene.now - .hours(2))
        let withdrawn = Scene.agreement(.takingPart, .withdrawn, from: Scene.now - .hours(1))
        for agreements in [[given, withdrawn], [withdrawn, given]] {
            #expect(Scene.decide(Scene.person { $0.agreements = agreements }).refusal?.value == "withdrawn")
        }
        let again = Scene.agreement(.takingPart, .given, from: Scene.now, version: 2)
        #expect(Scene.decide(Scene.person { $0.agreements = [given, withdrawn, again] }).isGranted)
        // At one and the same instant the closing one decides.
        let tie = Scene.agreement(.takingPart, .withdrawn, from: Scene.now)
        for agreements in [[again, tie], [tie, again]] {
            #expect(!Scene.decide(Scene.person { $0.agreements = agreements }).isGranted)
        }
    }

    @Test("What is on record for later can only shorten")
    func later() {
        let stop = Scene.agreement(.takingPart, .invalidated, from: Scene.now + .minutes(9))
        let person = Scene.person { $0.agreements.append(stop) }
        #expect(Scene.granted(Scene.decide(person))?.deadline == Scene.now + .minutes(9))
        let renewed = Scene.agreement(
            .takingPart, .renewed, from: Scene.now + .minutes(1), until: Scene.now + .minutes(8))
        let shorter = Scene.person { $0.agreements.append(renewed) }
        #expect(Scene.granted(Scene.decide(shorter))?.deadline == Scene.now + .minutes(8))
    }
}

import PlimsollModel
import PlimsollProtocol
import QualityReview

/// A plan of a policy as people read it. Pure.
struct PlanText {
    private let plan: Plimsoll_V1_PolicyPlan
    private let file: String
    private let project: String?
    private let proposed: PolicyDocument

    init(_ plan: Plimsoll_V1_PolicyPlan, file: String, project: String?, proposed: PolicyDocument) {
        self.plan = plan
        self.file = file
        self.project = project
        self.proposed = proposed
    }

    /// What is compared, and of when.
    var heading: String {
        "policy version \(plan.inForce), in force, beside \(file)" + (project.map { ", in the project \($0)" } ?? "")
            + "; by the database's clock, now is \(Self.clock(plan.asOfMicroseconds)), the last full hour"
    }

    /// The tables, then what they say in sentences.
    var lines: [String] {
        var lines = capacity + [""] + refused + [""] + beyond
        let sentences = sentences
        if !sentences.isEmpty { lines += [""] + sentences }
        return lines
    }

    /// What a plan cannot tell.
    var limits: [String] {
        [
            "Figures are rounded, and “\(plan.fewPeople)” are not told apart; they need not add up.",
            "It cannot know: leases of before \(plan.leaseDays) days, so kinds, severities, open leases and tasks a day "
                + "are replayed over those alone, and time spent on a kind before them is known for a day or two, so "
                + "that the limit on a kind a week refuses too little before its first Monday; leased time of before "
                + "\(plan.timeDays) days, so that the limit on a week and weekly rest refuse too little in the first; "
                + "what people would have done instead; enrolments, roles, zones and limits of teams, projects and "
                + "people as they were, for which those of now stand.",
            "\(plan.plansLeft) more documents can be planned before midnight, UTC.",
        ]
    }

    private var capacity: [String] {
        let rows = plan.capacity.flatMap { capacity in
            let name = capacity.project.isEmpty ? "all together" : capacity.project
            return [
                [name, "people enrolled", show(capacity.people), show(capacity.people), ""],
                [name, "people who could be leased something"] + show(capacity.mayBeLeased),
                [name, "hours left today"] + show(capacity.hoursToday),
                [name, "hours left this week"] + show(capacity.hoursThisWeek),
            ]
        }
        return Table.layout(
            titles: ["NOW", "", "IN FORCE", "PROPOSED", "DIFFERENCE"], rightAligned: [false, false, true, true, true],
            rows)
    }

    private var refused: [String] {
        table(
            "LEASES REFUSED IN \(plan.leaseDays) DAYS UP TO \(Self.clock(plan.untilMicroseconds))", plan.refused,
            plan.refusedInAll, of: plan.leases, "leases granted")
    }

    private var beyond: [String] {
        table(
            "HOURS BEYOND A LIMIT IN \(plan.timeDays) DAYS", plan.beyond, plan.beyondInAll, of: plan.hours,
            "hours leased")
    }

    private func table(
        _ title: String, _ rows: [Plimsoll_V1_PlanRefused], _ total: Plimsoll_V1_PlanPair,
        of whole: Plimsoll_V1_PlanFigure, _ what: String
    ) -> [String] {
        let cells =
            rows.map { [$0.rule] + show($0.figure) } + [["in all"] + show(total)]
            + [["of \(what)", show(whole), show(whole), ""]]
        return Table.layout(
            titles: [title, "IN FORCE", "PROPOSED", "DIFFERENCE"], rightAligned: [false, true, true, true], cells)
    }

    private var sentences: [String] {
        func all(
            _ rows: [Plimsoll_V1_PlanRefused], _ verb: String, of whole: Plimsoll_V1_PlanFigure, _ unit: String
        ) -> [String] {
            guard whole.hasValue else { return [] }
            return rows.compactMap { row in
                guard row.figure.proposed.hasValue, row.figure.proposed.value > 0 else { return nil }
                let rule = Rule(rawValue: row.rule)
                let subject = rule.map { PlanSentence.subject($0, proposed.limits) } ?? row.rule
                return "\(subject) \(verb) \(about(row.figure.proposed)) of \(about(whole)) \(unit)"
            }
        }
        return all(plan.refused, "would have refused", of: plan.leases, "leases")
            + all(plan.beyond, "would have stopped", of: plan.hours, "hours")
    }

    private func show(_ pair: Plimsoll_V1_PlanPair) -> [String] {
        var difference = "-"
        // A hidden figure is next to nothing beside one that is shown.
        if pair.inForce.hasValue || pair.proposed.hasValue {
            let change = Int(clamping: pair.proposed.value) - Int(clamping: pair.inForce.value)
            difference = (change > 0 ? "+" : "") + ProgressPicture.grouped(change)
        }
        return [show(pair.inForce), show(pair.proposed), difference]
    }

    private func show(_ figure: Plimsoll_V1_PlanFigure) -> String {
        figure.hasValue ? ProgressPicture.grouped(Int(clamping: figure.value)) : plan.why(figure)
    }

    private func about(_ figure: Plimsoll_V1_PlanFigure) -> String {
        (figure.step > 1 ? "about " : "") + show(figure)
    }

    /// To the minute, UTC.
    static func clock(_ microseconds: Int64) -> String {
        let text = Plimsoll_V1_ConsentReceipt.moment(microseconds)
        return text.prefix(16).replacing("T", with: " ") + " UTC"
    }
}

extension PlanText {
    static func json(_ plan: Plimsoll_V1_PolicyPlan, file: String, project: String?) -> JSONValue {
        func figure(_ figure: Plimsoll_V1_PlanFigure) -> JSONValue {
            guard figure.hasValue else {
                return ["value": .null, "why": .string(plan.why(figure))]
            }
            return [
                "value": .number(JSONNumber(Int(clamping: figure.value))),
                "rounded_to": .number(JSONNumber(Int(clamping: figure.step))),
            ]
        }
        func pair(_ pair: Plimsoll_V1_PlanPair) -> JSONValue {
            ["in_force": figure(pair.inForce), "proposed": figure(pair.proposed)]
        }
        func rules(_ rows: [Plimsoll_V1_PlanRefused]) -> JSONValue {
            var object = JSONObject()
            for row in rows { object[row.rule] = pair(row.figure) }
            return .object(object)
        }
        func moment(_ microseconds: Int64) -> JSONValue {
            .string(Plimsoll_V1_ConsentReceipt.moment(microseconds))
        }
        func number(_ value: UInt32) -> JSONValue { .number(JSONNumber(Int(value))) }
        return [
            "in_force": .number(JSONNumber(plan.inForce)), "proposed": .string(file),
            "project": project.map { .string($0) } ?? .null, "as_of": moment(plan.asOfMicroseconds),
            "replayed_until": moment(plan.untilMicroseconds), "smallest_group": number(plan.smallestGroup),
            "capacity": .array(
                plan.capacity.map { capacity in
                    [
                        "project": .textOrNull(capacity.project),
                        "people": figure(capacity.people), "may_be_leased": pair(capacity.mayBeLeased),
                        "hours_today": pair(capacity.hoursToday), "hours_this_week": pair(capacity.hoursThisWeek),
                    ]
                }),
            "leases": [
                "days": number(plan.leaseDays), "granted": figure(plan.leases), "refused": rules(plan.refused),
                "refused_in_all": pair(plan.refusedInAll),
            ],
            "hours": [
                "days": number(plan.timeDays), "leased": figure(plan.hours), "beyond": rules(plan.beyond),
                "beyond_in_all": pair(plan.beyondInAll),
            ],
            "plans_left": number(plan.plansLeft),
        ]
    }
}

extension Plimsoll_V1_PolicyPlan {
    fileprivate var fewPeople: String { "fewer than \(smallestGroup) people" }

    /// Why a figure is hidden.
    fileprivate func why(_ figure: Plimsoll_V1_PlanFigure) -> String {
        figure.hidden == ShownFigure.Reason.fewPeople.rawValue ? fewPeople : figure.hidden
    }
}
